package visa

// The answers of the conversation, as Note.Reply.
const (
	ReplyWelcome       = "welcome"        // first contact: one sentence, language buttons
	ReplyHelp          = "help"           // what can be asked
	ReplyStatus        = "status"         // where Note.Reference stands; a button to follow or stop (Note.Token)
	ReplyFollowing     = "following"      // the same, and that it is followed now (also where it is not known yet)
	ReplyAlready       = "already"        // the same, and that it was followed before
	ReplyUnfollowed    = "unfollowed"     // Note.Reference is no longer followed
	ReplyStopAllAsk    = "stop_all_ask"   // whether Note.Number references are to be followed no longer; a button to do it
	ReplyUnfollowedAll = "unfollowed_all" // Note.Number references are no longer followed
	ReplyNotFollowed   = "not_followed"   // Note.Reference is not followed; without one nothing is, or, with Note.Number, that of an old button
	ReplyList          = "list"           // Note.Items from page Note.Page, of Note.Number in all
	ReplyListEmpty     = "list_empty"     // nothing is followed
	ReplyLanguages     = "languages"      // buttons to choose a language
	ReplyLanguageSet   = "language_set"   // said in the new language: one sentence, how to begin
	ReplyLeft          = "left"           // no more reminders of Note.Reference in this chat
	ReplyForgetAsk     = "forget_ask"     // what /forget erases; a button to do it
	ReplyForgotten     = "forgotten"      // it is erased; the chat in Telegram is the person's to delete
	ReplyMalformed     = "malformed"      // what was typed is no reference: Note.Fault, Note.Number
	ReplyAskReference  = "ask_reference"  // a command needs a reference: Note.Extra[0] is the command
	ReplyUnknown       = "unknown"        // a command the bot does not know
	ReplyNotText       = "not_text"       // photos, voice and files are not read
	ReplyGroup         = "group"          // a group gets one sentence, never a status
	ReplyLinkSpent     = "link_spent"     // a deep link that was used, or is too old
	ReplyTooMany       = "too_many"       // too many unknown references: again after Note.Number minutes
	ReplySettings      = "settings"       // what the chat has chosen, Note.Settings, with buttons to change it
	ReplyFollowLimit   = "follow_limit"   // Note.Number references are followed, no more go
	ReplyUnknownLimit  = "unknown_limit"  // Note.Number references that are not known yet are waited for, no more go
	ReplyPasted        = "pasted"         // what became of a pasted list: Note.Pasted
)

// Button data, as Telegram carries it back: a verb, or a verb, a colon and an
// argument. Never a reference.
const (
	ButtonFollow   = "f"  // f:TOKEN
	ButtonUnfollow = "u"  // u:SUBSCRIPTION
	ButtonStopAll  = "ua" // follow nothing any more, after the question
	ButtonLeft     = "d"  // d:SUBSCRIPTION: I have left
	ButtonStatus   = "s"  // s:SUBSCRIPTION
	ButtonList     = "l"  // l:PAGE
	ButtonLanguage = "g"  // g:CODE
	ButtonForget   = "x"  // erase, after the warning
	ButtonKeep     = "k"  // do not erase
	ButtonHelp     = "h"  // help
	ButtonLangs    = "gl" // show the languages

	ButtonSettings     = "o"  // show the settings
	ButtonSilentNights = "sn" // sn:1 or sn:0
	ButtonDiscreet     = "sd" // sd:1 or sd:0
	ButtonMute         = "sm" // sm:HOURS, one of MuteHours; sm:0 ends it
	ButtonHeartbeat    = "hb" // hb:1 or hb:0
)

// MuteHours are for how long a chat may be muted, in hours.
var MuteHours = []int{8, 24, 7 * 24}

// MaxFollowed is how many references one chat may follow, and MaxUnknown how
// many of them may be such as are not in the data.
const (
	MaxFollowed = 200
	MaxUnknown  = 50
)
