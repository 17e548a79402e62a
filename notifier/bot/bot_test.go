package bot_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"kabarchy/i18n"
	"kabarchy/notifier/bot"
	"kabarchy/notifier/message"
	"kabarchy/notifier/telegram"
	"kabarchy/visa"
)

const (
	me       = int64(1) // the store's ids of two chats
	somebody = int64(2)
	knownRef = "20417733"
	otherRef = "20417734" // known too
	newRef   = "99999999" // not known
)

var languages = []string{"ky", "ru", "en", "uz", "tr", "zh", "ur", "hi", "bn"}

func newBot(o bot.Options) *bot.Bot {
	o.Languages = languages
	if o.Text == nil {
		o.Text = func(lang, key string) string { return lang + " " + key }
	}
	return bot.New(o)
}

func text(s string) telegram.Update {
	return telegram.Update{ID: 1, Kind: telegram.UpdateText, ChatID: 5, Private: true, Text: s}
}

func press(data string) telegram.Update {
	return telegram.Update{ID: 1, Kind: telegram.UpdateButton, ChatID: 5, Private: true, CallbackID: "9", Data: data}
}

// say lets a chat send something and returns the one answer, or a zero one.
func say(t *testing.T, b *bot.Bot, w *world, chat int64, u telegram.Update) visa.Note {
	t.Helper()
	c := w.converse(chat, "ky")
	if err := b.Handle(t.Context(), c, u); err != nil {
		t.Fatalf("Handle(%s): %v", u.Text+u.Data, err)
	}
	switch len(c.replies) {
	case 0:
		return visa.Note{}
	case 1:
		return c.replies[0]
	}
	t.Fatalf("%q has %d answers", u.Text+u.Data, len(c.replies))
	return visa.Note{}
}

var exactly = cmp.Options{cmp.Comparer(func(a, b visa.Reference) bool { return a == b }), cmpopts.EquateEmpty()}

// follows puts subscriptions into a chat: of the known references first, then
// numbered ones.
func follows(w *world, chat int64, n int) []visa.Subscription {
	c := w.converse(chat, "ky")
	for i := range n {
		r := ref(fmt.Sprintf("F%07d", i))
		if i < 2 {
			r = ref([]string{knownRef, otherRef}[i])
		}
		_, _, _ = c.Follow(context.Background(), r)
	}
	return c.c.follows
}

func TestEveryInputHasItsAnswer(t *testing.T) {
	status := func(s string) visa.Note {
		return visa.Note{Reply: visa.ReplyStatus, Reference: ref(s), Token: "0000000000000000000101"}
	}
	subscription := func(reply, s string, id int64) visa.Note {
		return visa.Note{Reply: reply, Reference: ref(s), Items: []visa.NoteItem{{Subscription: id, Reference: ref(s)}}}
	}
	ask := func(command string) visa.Note {
		return visa.Note{Reply: visa.ReplyAskReference, Extra: []string{command}}
	}
	malformed := func(f visa.ReferenceFault, n int) visa.Note {
		return visa.Note{Reply: visa.ReplyMalformed, Fault: string(f), Number: n}
	}
	only := func(reply string) visa.Note { return visa.Note{Reply: reply} }
	tests := []struct {
		name   string
		in     telegram.Update
		follow int // how many the chat follows before, ids from 101
		want   visa.Note
	}{
		{"/start", text("/start"), 0, only(visa.ReplyWelcome)},
		{"/start of somebody who is known", text("/start"), 1, only(visa.ReplyWelcome)},
		{"/start with a token that nobody made", text("/start abcdefghijklmnopqrstuv"), 0, only(visa.ReplyLinkSpent)},
		{"/start with what is no token", text("/start <b>hello</b>"), 0, only(visa.ReplyLinkSpent)},
		{"/start with a token too long for any", text("/start " + strings.Repeat("a", 65)), 0, only(visa.ReplyLinkSpent)},
		{"/help", text("/help"), 0, only(visa.ReplyHelp)},
		{"/help with more", text("/help me please"), 0, only(visa.ReplyHelp)},
		{"a command for this bot", text("/help@KabarchyBot"), 0, only(visa.ReplyHelp)},
		{"a command in capitals", text("/HELP"), 0, only(visa.ReplyHelp)},
		{"a command in Turkish capitals", text("/LİST"), 0, only(visa.ReplyListEmpty)},
		{"a command with a full-width slash", text("／help"), 0, only(visa.ReplyHelp)},
		{"a command among invisible characters", text("\u200b\n /help\u200e\n"), 0, only(visa.ReplyHelp)},
		{"an unknown command", text("/refund"), 0, only(visa.ReplyUnknown)},
		{"an unknown command with a number", text("/refund 20417733"), 0, only(visa.ReplyUnknown)},
		{"a slash alone", text("/"), 0, only(visa.ReplyUnknown)},
		{"a command in Cyrillic", text("/помощь"), 0, only(visa.ReplyUnknown)},

		{"/status", text("/status"), 0, ask("status")},
		{"/status of nothing that can be seen", text("/status \u200b\n"), 0, ask("status")},
		{"/status of a known reference", text("/status " + knownRef), 0, status(knownRef)},
		{"/status over two lines", text("/Status@KabarchyBot\n\n  2041-7733 \n"), 0, status(knownRef)},
		{"/status without a space", text("/status20417733"), 0, status(knownRef)},
		{"/status with an underscore", text("/status_2041_7733"), 0, status(knownRef)},
		{"/status of what is followed", text("/status " + knownRef), 1, subscription(visa.ReplyStatus, knownRef, 101)},
		{"/status of an unknown reference", text("/status " + newRef), 0, status(newRef)},
		{"/status of an unknown reference of letters", text("/status ABCDEF"), 0, status("ABCDEF")},
		{"/status of too few digits", text("/status 2041773"), 0, status("2041773")},
		{"/status of far too few digits", text("/status 2041"), 0, malformed(visa.FaultShort, 4)},

		{"/follow", text("/follow"), 0, ask("follow")},
		{"/follow of a known reference, at first contact", text("/follow " + knownRef), 0, subscription(visa.ReplyFollowing, knownRef, 101)},
		{"/follow of an unknown reference, at first contact", text("/follow " + newRef), 0, subscription(visa.ReplyFollowing, newRef, 101)},
		{"/follow again", text("/follow 2041 7733"), 1, subscription(visa.ReplyAlready, knownRef, 101)},
		{"/follow of one more than one may", text("/follow " + newRef), visa.MaxFollowed, visa.Note{Reply: visa.ReplyFollowLimit, Number: visa.MaxFollowed}},
		{"/follow again of one who follows all one may", text("/follow " + knownRef), visa.MaxFollowed, subscription(visa.ReplyAlready, knownRef, 101)},
		{"/follow of a sentence", text("/follow my number, please!"), 0, malformed(visa.FaultCharacter, 0)},

		{"/stop of nothing", text("/stop"), 0, only(visa.ReplyNotFollowed)},
		{"/stop of all", text("/stop"), 3, visa.Note{Reply: visa.ReplyStopAllAsk, Number: 3}},
		{"/stop of one", text("/stop 2041.7733"), 3, visa.Note{Reply: visa.ReplyUnfollowed, Reference: ref(knownRef)}},
		{"/stop of one that is not followed", text("/stop " + newRef), 3, visa.Note{Reply: visa.ReplyNotFollowed, Reference: ref(newRef)}},
		{"/stop of what is no reference", text("/stop it!"), 3, malformed(visa.FaultCharacter, 0)},

		{"/list of nothing", text("/list"), 0, only(visa.ReplyListEmpty)},
		{"/list", text("/list"), 1, visa.Note{Reply: visa.ReplyList, Number: 1, Items: []visa.NoteItem{{Subscription: 101, Reference: ref(knownRef)}}}},
		{"/language", text("/language"), 0, only(visa.ReplyLanguages)},
		{"/language of a code", text("/language RU"), 0, visa.Note{Reply: visa.ReplyLanguageSet, Language: "ru"}},
		{"/language of what is none", text("/language Klingon"), 0, only(visa.ReplyLanguages)},
		{"/forget", text("/forget"), 1, only(visa.ReplyForgetAsk)},

		{"a bare reference", text("2041 7733"), 0, status(knownRef)},
		{"a bare reference of what is followed", text("№ 20417733"), 1, subscription(visa.ReplyStatus, knownRef, 101)},
		{"a bare reference with a slash", text("/20417733"), 0, status(knownRef)},
		{"an unknown bare reference", text(newRef), 0, status(newRef)},
		{"a bare reference with a short name", text(knownRef + " Bob"), 0, status(knownRef)},
		{"a bare reference with a slash and a short name", text("/" + knownRef + " Bob"), 0, status(knownRef)},
		{"too few digits with a short word", text("3000 bad"), 0, malformed(visa.FaultShort, 4)},
		{"/follow of too few digits with a short word", text("/follow 3000 bad"), 0, malformed(visa.FaultShort, 4)},
		{"/stop of one with its name", text("/stop " + knownRef + " Bob"), 3, visa.Note{Reply: visa.ReplyUnfollowed, Reference: ref(knownRef)}},
		{"a word of thanks", text("thank you"), 0, only(visa.ReplyHelp)},
		{"a greeting", text("Салам!"), 0, malformed(visa.FaultCharacter, 0)},
		{"invisible characters", text("\u200b\u200e"), 0, malformed(visa.FaultEmpty, 0)},
		{"too long for any reference", text("1234567890123456789012345"), 0, malformed(visa.FaultLong, 25)},
		{"as long as a message may be", text(strings.Repeat("1", 4096)), 0, malformed(visa.FaultLong, 4096)},
		{"markup", text("<b>20417733</b>"), 0, malformed(visa.FaultCharacter, 0)},
		{"a question", text("when?"), 0, malformed(visa.FaultCharacter, 0)},

		{"button: help", press("h"), 0, only(visa.ReplyHelp)},
		{"button: languages", press("gl"), 0, only(visa.ReplyLanguages)},
		{"button: a language", press("g:en"), 0, visa.Note{Reply: visa.ReplyLanguageSet, Language: "en"}},
		{"button: a language that is none", press("g:tlh"), 0, only(visa.ReplyLanguages)},
		{"button: list", press("l:0"), 1, visa.Note{Reply: visa.ReplyList, Number: 1, Items: []visa.NoteItem{{Subscription: 101, Reference: ref(knownRef)}}}},
		{"button: a list of nothing", press("l:3"), 0, only(visa.ReplyListEmpty)},
		{"button: I have left", press("d:102"), 3, visa.Note{Reply: visa.ReplyLeft, Reference: ref(otherRef)}},
		{"button: stop", press("u:102"), 3, visa.Note{Reply: visa.ReplyUnfollowed, Reference: ref(otherRef)}},
		{"button: stop, a second time", press("u:99"), 3, visa.Note{Reply: visa.ReplyNotFollowed, Number: 1}},
		{"button: stop what is no number", press("u:x"), 3, visa.Note{Reply: visa.ReplyNotFollowed, Number: 1}},
		{"button: stop all", press("ua"), 3, visa.Note{Reply: visa.ReplyUnfollowedAll, Number: 3}},
		{"button: stop all, a second time", press("ua"), 0, only(visa.ReplyNotFollowed)},
		{"button: status", press("s:102"), 3, subscription(visa.ReplyStatus, otherRef, 102)},
		{"button: status of what is not followed", press("s:1"), 3, visa.Note{Reply: visa.ReplyNotFollowed, Number: 1}},
		{"button: follow with a token that is too old", press("f:abcdefghijklmnopqrstuv"), 0, only(visa.ReplyLinkSpent)},
		{"button: follow without a token", press("f"), 0, only(visa.ReplyLinkSpent)},
		{"button: keep", press("k"), 1, visa.Note{Reply: visa.ReplyList, Number: 1, Items: []visa.NoteItem{{Subscription: 101, Reference: ref(knownRef)}}}},
		{"button: forget", press("x"), 2, visa.Note{Reply: visa.ReplyForgotten, Language: "ky"}},
		{"button: forget, in a chat that holds nothing", press("x"), 0, only(visa.ReplyForgetAsk)},
		{"button: of a version long gone", press("zz:1:2"), 0, only(visa.ReplyHelp)},
		{"button: without data", press(""), 0, only(visa.ReplyHelp)},

		{"a photo", telegram.Update{ID: 1, Kind: telegram.UpdateNotText, ChatID: 5, Private: true}, 0, only(visa.ReplyNotText)},
		{"unblocked", telegram.Update{ID: 1, Kind: telegram.UpdateUnblocked, ChatID: 5, Private: true}, 1, visa.Note{}},
		{"a group", telegram.Update{ID: 1, Kind: telegram.UpdateGroup, ChatID: -5}, 0, only(visa.ReplyGroup)},
		{"a text that does not say it is private", telegram.Update{ID: 1, Kind: telegram.UpdateText, ChatID: -5, Text: knownRef}, 1, visa.Note{}},
		{"a button in a group", telegram.Update{ID: 1, Kind: telegram.UpdateButton, ChatID: -5, Data: "u:101"}, 1, visa.Note{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(knownRef, otherRef)
			if tt.follow > 0 {
				follows(w, me, tt.follow)
			}
			got := say(t, newBot(bot.Options{}), w, me, tt.in)
			if d := cmp.Diff(tt.want, got, exactly); d != "" {
				t.Errorf("answer (-want +got):\n%s", d)
			}
		})
	}
}

func TestANumberIsFoundAmongWordsAndSeveralAreNotTakenForOne(t *testing.T) {
	for _, tt := range []struct{ name, in, reply string }{
		{"a sentence", "my number is " + knownRef + ", please", visa.ReplyStatus},
		{"another script", "мой номер " + knownRef, visa.ReplyStatus},
		{"a command with a word", "/follow number " + knownRef, visa.ReplyFollowing},
		{"two numbers", knownRef + " " + otherRef, visa.ReplyMalformed},
		{"two lines to look up", "/status " + knownRef + "\n" + otherRef, visa.ReplyMalformed},
		{"one number in groups", "2041 7733", visa.ReplyStatus},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(knownRef, otherRef)
			got := say(t, newBot(bot.Options{}), w, me, text(tt.in))
			if got.Reply != tt.reply || tt.reply != visa.ReplyMalformed && got.Reference != ref(knownRef) {
				t.Errorf("%q is answered by %+v", tt.in, got)
			}
		})
	}
}

func TestADeepLinkFollowsAtOnceAndOnlyOnce(t *testing.T) {
	b, w := newBot(bot.Options{Misses: newBudget(0, time.Minute)}), newWorld(knownRef, "30417733")
	token := w.link(knownRef)
	for i, want := range []string{visa.ReplyFollowing, visa.ReplyLinkSpent} {
		if got := say(t, b, w, me, text("/start "+token)); got.Reply != want {
			t.Errorf("time %d: %q; want %q", i+1, got.Reply, want)
		}
	}
	if got := say(t, b, w, me, text("/start "+w.link(knownRef))); got.Reply != visa.ReplyAlready {
		t.Errorf("another link of the same: %q", got.Reply)
	}
	if got := say(t, b, w, me, text("/start "+w.link(newRef))); got.Reply != visa.ReplyFollowing {
		t.Errorf("a link of a reference not known yet: %q", got.Reply)
	}

	follows(w, somebody, visa.MaxFollowed)
	token = w.link("30417733")
	if got := say(t, b, w, somebody, text("/start "+token)); got.Reply != visa.ReplyFollowLimit {
		t.Errorf("over the limit: %q", got.Reply)
	}
	say(t, b, w, somebody, text("/stop "+knownRef))
	if got := say(t, b, w, somebody, text("/start "+token)); got.Reply != visa.ReplyFollowing {
		t.Errorf("the same link, once there is room: %q", got.Reply)
	}
}

func TestAButtonIsGoodInItsOwnChatAlone(t *testing.T) {
	b, w := newBot(bot.Options{}), newWorld(knownRef)
	token := say(t, b, w, me, text(knownRef)).Token
	if token == "" {
		t.Fatal("no token for the button")
	}
	if got := say(t, b, w, somebody, press("f:"+token)); got.Reply != visa.ReplyLinkSpent || !got.Reference.IsZero() {
		t.Errorf("somebody else's press: %+v", got)
	}
	for i, want := range []string{visa.ReplyFollowing, visa.ReplyAlready} {
		if got := say(t, b, w, me, press("f:"+token)); got.Reply != want {
			t.Errorf("press %d: %q; want %q", i+1, got.Reply, want)
		}
	}
	id := w.chats[me].follows[0].ID
	for _, verb := range []string{"u", "s"} {
		got := say(t, b, w, somebody, press(fmt.Sprintf("%s:%d", verb, id)))
		if got.Reply != visa.ReplyNotFollowed || !got.Reference.IsZero() || len(w.chats[me].follows) != 1 {
			t.Errorf("%s of somebody else's subscription: %+v", verb, got)
		}
	}
}

func TestAListHoldsAllAndNamesAPageThatThereIs(t *testing.T) {
	b, w := newBot(bot.Options{}), newWorld()
	const n = 2*message.PageSize + 1
	follows(w, me, n)
	for data, want := range map[string]int{"l:0": 0, "l:1": 1, "l:2": 2, "l:3": 2, "l:999999999": 2, "l:99999999999999999999": 0, "l:-1": 0, "l:x": 0, "l": 0} {
		got := say(t, b, w, me, press(data))
		if got.Page != want || len(got.Items) != n || got.Items[0].Subscription != 101 || got.Number != n {
			t.Errorf("%s: page %d, %d rows of %d; want page %d", data, got.Page, len(got.Items), got.Number, want)
		}
	}
}

func TestOverItsBudgetAChatLearnsNothingNew(t *testing.T) {
	for _, in := range []string{"%s", "/status %s", "/follow %s"} {
		t.Run(in, func(t *testing.T) {
			misses := newBudget(3, 61*time.Second)
			b, w := newBot(bot.Options{Misses: misses}), newWorld(knownRef, otherRef)
			follows(w, me, 1)
			for range 5 { // the same one again costs nothing more
				say(t, b, w, me, text(fmt.Sprintf(in, "80000001")))
			}
			say(t, b, w, me, text(fmt.Sprintf(in, "80000002")))
			if got := say(t, b, w, me, text(fmt.Sprintf(in, otherRef))); got.Reply == visa.ReplyTooMany {
				t.Fatal("refused with a miss to spare")
			}
			say(t, b, w, me, press("ua"))
			follows(w, me, 1)
			say(t, b, w, me, text(fmt.Sprintf(in, "80000003")))

			want := visa.Note{Reply: visa.ReplyTooMany, Number: 2}
			for _, r := range []string{otherRef, newRef} {
				c := w.converse(me, "ky")
				if err := b.Handle(t.Context(), c, text(fmt.Sprintf(in, r))); err != nil {
					t.Fatal(err)
				}
				if d := cmp.Diff([]visa.Note{want}, c.replies, exactly); d != "" {
					t.Errorf("%s (-want +got):\n%s", r, d)
				}
				if d := cmp.Diff([]string{"Followed", "Reply"}, c.calls); d != "" {
					t.Errorf("it was looked up: %s", d)
				}
			}
			if got := say(t, b, w, me, text(fmt.Sprintf(in, knownRef))); got.Reply == visa.ReplyTooMany {
				t.Error("what the chat follows is refused")
			}
			if got := say(t, b, w, me, text("/start "+w.link(otherRef))); got.Reply != visa.ReplyFollowing {
				t.Errorf("a deep link: %q", got.Reply)
			}
			if got := say(t, b, w, somebody, text(knownRef)); got.Reply != visa.ReplyStatus {
				t.Errorf("somebody else: %q", got.Reply)
			}
			if misses.missed[me][ref(knownRef)] || misses.missed[me][ref(otherRef)] {
				t.Error("a hit counts as a miss")
			}
		})
	}
}

func TestForgetLeavesTheAnswerAlone(t *testing.T) {
	for _, lang := range languages {
		w := newWorld(knownRef)
		b := newBot(bot.Options{})
		say(t, b, w, me, press("g:"+lang))
		follows(w, me, 2)
		c := w.converse(me, "tr")
		if err := b.Handle(t.Context(), c, press("x")); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff([]visa.Note{{Reply: visa.ReplyForgotten, Language: lang}}, c.replies, exactly); d != "" {
			t.Errorf("answers (-want +got):\n%s", d)
		}
		if w.chats[me] != nil {
			t.Error("the chat is still known")
		}
	}
}

func TestAnOldButtonThatErasesAsksAnew(t *testing.T) {
	b, w := newBot(bot.Options{}), newWorld(knownRef)
	follows(w, me, 1)
	for i, tt := range []struct {
		in   telegram.Update
		want string
	}{
		{text("/forget"), visa.ReplyForgetAsk}, {press("x"), visa.ReplyForgotten},
		{press("x"), visa.ReplyForgetAsk}, {press("x"), visa.ReplyForgotten},
	} {
		if got := say(t, b, w, me, tt.in); got.Reply != tt.want {
			t.Errorf("%d: answered by %q, want %q", i, got.Reply, tt.want)
		}
	}
}

func TestAllIsFollowedUntilThePersonConfirms(t *testing.T) {
	b, w := newBot(bot.Options{}), newWorld(knownRef)
	follows(w, me, 3)
	say(t, b, w, me, text("/stop"))
	if got := say(t, b, w, me, press("k")); got.Reply != visa.ReplyList || got.Number != 3 {
		t.Errorf("to keep it is answered by %+v", got)
	}
	if say(t, b, w, me, press("ua")); len(w.chats[me].follows) != 0 {
		t.Errorf("still follows %v", labels(w, me))
	}
}

func TestTheLanguageIsTheChats(t *testing.T) {
	b := newBot(bot.Options{})
	for _, lang := range languages {
		w := newWorld()
		got := say(t, b, w, me, press("g:"+lang))
		if c := w.chats[me]; got.Language != lang || c.Language != lang || !c.Chosen {
			t.Errorf("%s: answer in %q, chat %+v", lang, got.Language, c.Chat)
		}
		if got := say(t, b, w, me, text("/start")); got.Language != "" {
			t.Errorf("%s: an answer has a language of its own: %q", lang, got.Language)
		}
		commands := b.Commands(lang)
		if len(commands) != 8 || commands[0] != (telegram.Command{Name: "status", Description: lang + " bot.command.status"}) {
			t.Errorf("Commands(%s) = %v", lang, commands)
		}
		for _, c := range commands {
			if got := say(t, b, newWorld(), me, text("/"+c.Name)); got.Reply == visa.ReplyUnknown {
				t.Errorf("/%s of the menu is not known", c.Name)
			}
		}
	}
}

func TestTheMenuIsWordedInEveryLanguage(t *testing.T) {
	all := i18n.Default()
	b := newBot(bot.Options{Text: func(lang, key string) string { return all.Get(lang).T(key) }})
	for _, c := range all.All() {
		for _, command := range b.Commands(c.Code()) {
			n := len([]rune(command.Description))
			if n == 0 || n > 256 || strings.Contains(command.Description, "bot.command") {
				t.Errorf("%s /%s: %q", c.Code(), command.Name, command.Description)
			}
		}
	}
}

func TestTheRulesForReferencesHold(t *testing.T) {
	b := newBot(bot.Options{Rules: visa.ReferenceRules{Pattern: regexp.MustCompile(`[0-9]{8}`)}})
	for in, want := range map[string]visa.Note{
		"2041773":          {Reply: visa.ReplyMalformed, Fault: "short", Number: 7, Want: 8, Digits: true},
		"/follow EV240317": {Reply: visa.ReplyMalformed, Fault: "pattern", Number: 8},
		"/EV240317":        {Reply: visa.ReplyUnknown},
		"thank you":        {Reply: visa.ReplyMalformed, Fault: "pattern", Number: 8},
	} {
		if d := cmp.Diff(want, say(t, b, newWorld(), me, text(in)), exactly); d != "" {
			t.Errorf("%s (-want +got):\n%s", in, d)
		}
	}
}

func TestWhoBlockedTheBotGetsNoConversation(t *testing.T) {
	c := newWorld().converse(me, "")
	u := telegram.Update{ID: 1, Kind: telegram.UpdateBlocked, ChatID: 5, Private: true}
	if err := newBot(bot.Options{}).Handle(t.Context(), c, u); err == nil || len(c.calls) != 0 {
		t.Errorf("Handle = %v after %v", err, c.calls)
	}
}

// Whatever fails in the store is handed up, and no answer is written after it.
func TestAFaultOfTheStoreIsHandedUp(t *testing.T) {
	inputs := []telegram.Update{
		text("/start"), text("/start LINK"), text("/status " + knownRef), text("/status " + newRef), text("/follow " + newRef), text("/follow " + newRef + " Bob"), text("/follow " + knownRef + " Bob"),
		text("/stop"), text("/stop " + knownRef), text("/list"), text("/language ru"), text("/forget"), text("/help"),
		text("/settings"), text(knownRef), text(knownRef + " Aziz\n" + newRef + " Anna\n" + otherRef), text("/follow " + newRef + "\n" + knownRef), text("thanks"), text("hello"), text("/xyz"), press("f:TOKEN"), press("u:101"), press("s:101"),
		press("l:1"), press("g:ru"), press("x"), press("ua"), press("k"), press("h"), press("o"), press("sn:1"), press("sd:1"), press("sm:8"), press("sm:9"), press("hb:1"), {ID: 1, Kind: telegram.UpdateNotText, Private: true}, {ID: 1, Kind: telegram.UpdateNotText, Private: true, Album: "7"}, {ID: 1, Kind: telegram.UpdateGroup},
	}
	for _, in := range inputs {
		for failAt := 1; ; failAt++ {
			w := newWorld(knownRef)
			follows(w, me, 1)
			w.links["LINK"] = ref(newRef)
			w.buttons["TOKEN"] = button{me, ref(newRef)}
			c := w.converse(me, "ky")
			c.failAt = failAt
			err := newBot(bot.Options{Misses: newBudget(9, time.Minute)}).Handle(t.Context(), c, in)
			if len(c.calls) < failAt {
				if err != nil {
					t.Errorf("%s: %v", in.Text+in.Data, err)
				}
				break
			}
			if !errors.Is(err, errStore) || len(c.calls) != failAt {
				t.Errorf("%s: %v after %v; want the fault of call %d", in.Text+in.Data, err, c.calls, failAt)
			}
			if strings.Contains(err.Error(), knownRef) || strings.Contains(err.Error(), newRef) {
				t.Errorf("a reference shows in %v", err)
			}
		}
	}
}

// harmless fails the test if an answer repeats what was typed: only references
// in canonical form, and codes of ours, may be in it.
func harmless(t *testing.T, in string, n visa.Note) {
	t.Helper()
	b, err := json.Marshal(n)
	if err != nil {
		t.Fatal(err)
	}
	ours := []string{"status", "follow", "stop", message.SettingSilentNights, message.SettingDiscreet, message.SettingMute, message.SettingHeartbeat}
	if len(n.Extra) > 0 && !slices.Contains(ours, n.Extra[0]) || len(b) > 4096 {
		t.Errorf("%q: answer %s", in, b)
	}
	for _, s := range append([]string{n.Reply, n.Fault, n.Language, n.Token}, n.Extra...) {
		if strings.ContainsFunc(s, func(r rune) bool {
			return !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '_')
		}) {
			t.Errorf("%q: answer %s", in, b)
		}
	}
}
