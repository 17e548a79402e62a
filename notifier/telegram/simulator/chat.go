package simulator

import (
	"slices"
	"strconv"
	"time"
)

// What the real server says of chats that cannot be written to.
var (
	errChatNotFound = badRequest("chat not found")
	errBlocked      = forbidden("bot was blocked by the user")
	errDeactivated  = forbidden("user is deactivated")
	errKicked       = forbidden("bot was kicked from the group chat")
	errKickedSuper  = forbidden("bot was kicked from the supergroup chat")
	errStranger     = forbidden("bot can't initiate conversation with a user")
)

func errMigrated(to int64) *apiError {
	e := badRequest("group chat was upgraded to a supergroup chat")
	e.MigrateTo = to
	return e
}

// State says whether the bot can write to a chat.
type State string

const (
	StateActive      State = "active"
	StateStranger    State = "stranger"    // a person who has never written to the bot
	StateBlocked     State = "blocked"     // the person blocked the bot, or the group threw it out
	StateDeactivated State = "deactivated" // the person's account is gone
	StateDeleted     State = "deleted"     // chat not found
	StateMigrated    State = "migrated"    // the group became a supergroup
)

// A Chat is a conversation with a person, or a group.
type Chat struct {
	ID         int64  `json:"id"`
	Type       string `json:"type"` // private, group or supergroup
	Title      string `json:"title,omitempty"`
	Person     User   `json:"person"` // the person; of a group, its creator
	State      State  `json:"state"`
	MigratedTo int64  `json:"migrated_to,omitempty"`
	Messages   int    `json:"messages"` // how many the conversation shows
}

// A CallbackAnswer is what the bot answered to a pressed button: a note that
// Telegram shows for a moment, or as an alert; or nothing, which only stops the
// button's waiting.
type CallbackAnswer struct {
	Query string    `json:"query"`
	Chat  int64     `json:"chat"`
	Text  string    `json:"text,omitempty"`
	Alert bool      `json:"alert"`
	At    time.Time `json:"at"`
}

// query is a pressed button that waits for its answer.
type query struct {
	chat int64
	at   time.Time
}

// How long a pressed button may wait for its answer, and when those that
// waited longer are swept out.
const (
	queryLife = 15 * time.Minute
	maxQuery  = 10_000
)

// chat is a chat with its conversation.
type chat struct {
	Chat
	members map[int64]User // of a group
	wired   *wireChat      // never changed, only replaced
	posts   []*Message     // the conversation, by id
	answers []CallbackAnswer
	rev     int64
}

// maxPosts and maxAnswers bound one conversation if KeepLast is set, and its
// callback answers always.
const (
	maxPosts   = 1000
	maxAnswers = 100
)

// addChatLocked makes a chat known, over one that had its id before.
func (s *Simulator) addChatLocked(c *chat) *chat {
	c.wired = &wireChat{ID: c.ID, Title: c.Title, Type: c.Type}
	if c.Type == "private" {
		c.wired.Username, c.wired.FirstName, c.wired.LastName = c.Person.Username, c.Person.FirstName, c.Person.LastName
	}
	if _, known := s.chats[c.ID]; !known {
		s.order = append(s.order, c.ID)
	}
	s.chats[c.ID] = c
	s.touchLocked(c)
	return c
}

// touchLocked tells whoever looks at a chat that it changed.
func (s *Simulator) touchLocked(c *chat) {
	s.changedLocked()
	c.rev, s.pageRev = s.rev, s.rev
}

// writable returns the chat that the bot may write to, or why it may not. With
// AnyChat and little kept the chat is made for this one answer.
func (s *Simulator) writable(p params, id int64) (*chat, *apiError) {
	if id == 0 {
		if p.get("chat_id") == "" {
			return nil, badRequest("chat_id is empty")
		}
		return nil, errChatNotFound // "@name" too: a bot cannot reach people by name
	}
	c := s.chats[id]
	if c == nil {
		if !s.opts.AnyChat || id < 0 || id > 1<<52 {
			return nil, errChatNotFound
		}
		c = &chat{Chat: Chat{ID: id, Type: "private", State: StateActive, Person: User{ID: id, FirstName: "User " + strconv.FormatInt(id, 10)}}}
		if s.opts.Keep == KeepAll {
			return s.addChatLocked(c), nil
		}
		c.wired = &wireChat{ID: id, FirstName: c.Person.FirstName, Type: "private"}
		return c, nil
	}
	switch c.State {
	case StateStranger:
		return nil, errStranger
	case StateBlocked:
		switch c.Type {
		case "group":
			return nil, errKicked
		case "supergroup":
			return nil, errKickedSuper
		}
		return nil, errBlocked
	case StateDeactivated:
		return nil, errDeactivated
	case StateDeleted:
		return nil, errChatNotFound
	case StateMigrated:
		return nil, errMigrated(c.MigratedTo)
	}
	return c, nil
}

// addPostLocked puts a message into the conversation.
func (s *Simulator) addPostLocked(c *chat, m *Message) {
	if s.opts.Keep == KeepAll {
		c.posts = append(c.posts, m)
		if bound := min(s.opts.KeepLast, maxPosts); bound > 0 && len(c.posts) >= 2*bound {
			c.posts = append(c.posts[:0:0], c.posts[len(c.posts)-bound:]...)
		}
	}
	s.touchLocked(c)
}

// post returns the message with this id, or nil.
func (c *chat) post(id int) *Message {
	i, found := slices.BinarySearchFunc(c.posts, id, func(m *Message, id int) int { return m.ID - id })
	if !found {
		return nil
	}
	return c.posts[i]
}

// newMessageIDLocked numbers messages over all chats, as for a real account.
func (s *Simulator) newMessageIDLocked() int {
	id := s.nextMessage
	s.nextMessage++
	return int(id)
}

// describe returns the chat as callers see it.
func (c *chat) describe() Chat {
	out := c.Chat
	out.Messages = len(c.posts)
	return out
}

// Chats returns every chat, in the order of their making.
func (s *Simulator) Chats() []Chat {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Chat, 0, len(s.order))
	for _, id := range s.order {
		out = append(out, s.chats[id].describe())
	}
	return out
}

// Chat returns one chat, and whether there is any with this id.
func (s *Simulator) Chat(id int64) (Chat, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.chats[id]
	if c == nil {
		return Chat{}, false
	}
	return c.describe(), true
}

// Conversation returns a chat's messages as the person sees them now: edited,
// without those deleted, both sides.
func (s *Simulator) Conversation(id int64) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conversationLocked(id)
}

func (s *Simulator) conversationLocked(id int64) []Message {
	c := s.chats[id]
	if c == nil {
		return nil
	}
	out := make([]Message, len(c.posts))
	for i, m := range c.posts {
		out[i] = *m
	}
	return out
}

// Answers returns the last 100 answers to buttons pressed in a chat.
func (s *Simulator) Answers(chat int64) []CallbackAnswer {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.chats[chat]; c != nil {
		return slices.Clone(c.answers)
	}
	return nil
}

// getChat answers with what a bot may know of a chat.
func (s *Simulator) getChat(c *call) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	ch, e := s.writable(c.p, c.chat)
	if e == errBlocked && s.chats[c.chat].Type == "private" {
		ch, e = s.chats[c.chat], nil // a blocked bot still sees the person
	}
	if e != nil {
		return refuse(e)
	}
	return ok(struct {
		*wireChat
		AccentColor  int `json:"accent_color_id"`
		MaxReactions int `json:"max_reaction_count"`
	}{ch.wired, 0, 11})
}

var chatActions = []string{"typing", "upload_photo", "record_video", "upload_video", "record_voice", "upload_voice", "upload_document", "choose_sticker", "find_location", "record_video_note", "upload_video_note", "cancel"}

// sendChatAction checks and forgets.
func (s *Simulator) sendChatAction(c *call) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Contains(chatActions, c.p.get("action")) {
		return refuse(badRequest("wrong parameter action in request"))
	}
	if _, e := s.writable(c.p, c.chat); e != nil {
		return refuse(e)
	}
	return ok(true)
}
