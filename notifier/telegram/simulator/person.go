package simulator

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Why a person cannot do what was asked.
var (
	ErrNoChat    = errors.New("simulator: no such chat")
	ErrNoMessage = errors.New("simulator: no such message")
	ErrNoButton  = errors.New("simulator: no such button")
	ErrNotNow    = errors.New("simulator: not possible in the chat's state")
	ErrText      = errors.New("simulator: text must have 1 to 4096 UTF-16 code units")
)

// Sent says what a person's act became.
type Sent struct {
	UpdateID  int    `json:"update_id"`
	MessageID int    `json:"message_id,omitempty"`
	QueryID   string `json:"query_id,omitempty"` // of a pressed button
}

// An Option varies one act of a person.
type Option func(*act)

type act struct {
	updateID int
	from     int64
}

// WithUpdateID chooses the id of the update; one that was used before, or that
// is lower than others, is delivered all the same.
func WithUpdateID(id int) Option { return func(a *act) { a.updateID = id } }

// From chooses who acts in a group; otherwise it is the group's creator.
func From(userID int64) Option { return func(a *act) { a.from = userID } }

// AddUser makes a private chat with a person who has started the bot, and
// returns its id, which is the person's: u.ID, or a new one if that is 0. An
// id that is known already begins anew with an empty conversation.
func (s *Simulator) AddUser(u User) int64 { return s.addUser(u, StateActive) }

// AddStranger makes a private chat with a person who has not written to the
// bot yet: until then the bot is refused.
func (s *Simulator) AddStranger(u User) int64 { return s.addUser(u, StateStranger) }

func (s *Simulator) addUser(u User, state State) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addUserLocked(u, state).ID
}

func (s *Simulator) addUserLocked(u User, state State) *chat {
	if u.ID == 0 {
		for s.chats[s.nextUser] != nil {
			s.nextUser++
		}
		u.ID = s.nextUser
		s.nextUser++
	}
	if u.FirstName == "" {
		u.FirstName = "User " + strconv.FormatInt(u.ID, 10)
	}
	return s.addChatLocked(&chat{Chat: Chat{ID: u.ID, Type: "private", Person: u, State: state}})
}

// A Group is a group to be made. The bot is in it, and reads all messages.
type Group struct {
	ID         int64 // negative; 0: a new one
	Title      string
	Supergroup bool
	Creator    User   // with ID 0: somebody new
	Members    []User // others who may write
}

// AddGroup makes a group, tells the bot that it was added, and returns the
// group's id.
func (s *Simulator) AddGroup(g Group) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	kind := "group"
	if g.Supergroup {
		kind = "supergroup"
	}
	if g.ID == 0 {
		g.ID = s.newGroupIDLocked(g.Supergroup)
	}
	if g.Creator.ID == 0 {
		g.Creator.ID = s.nextUser
		s.nextUser++
	}
	if g.Creator.FirstName == "" {
		g.Creator.FirstName = "User " + strconv.FormatInt(g.Creator.ID, 10)
	}
	c := &chat{Chat: Chat{ID: g.ID, Type: kind, Title: g.Title, Person: g.Creator, State: StateActive}, members: map[int64]User{g.Creator.ID: g.Creator}}
	for _, m := range g.Members {
		c.members[m.ID] = m
	}
	s.addChatLocked(c)
	s.membershipLocked(c, "left", "member", act{})
	return c.ID
}

func (s *Simulator) newGroupIDLocked(super bool) int64 {
	id := s.nextGroup
	s.nextGroup--
	if super {
		id -= 1_000_000_000_000
	}
	return id
}

// beginLocked finds the chat and the person of an act.
func (s *Simulator) beginLocked(id int64, opts []Option) (*chat, User, act, error) {
	var a act
	for _, o := range opts {
		o(&a)
	}
	c := s.chats[id]
	if c == nil {
		return nil, User{}, a, fmt.Errorf("%w: %d", ErrNoChat, id)
	}
	who := c.Person
	if a.from != 0 && a.from != who.ID {
		member, ok := c.members[a.from]
		if !ok {
			return nil, User{}, a, fmt.Errorf("simulator: %d is not a member of chat %d", a.from, id)
		}
		who = member
	}
	return c, who, a, nil
}

// say adds a person's message to a chat and tells the bot.
func (s *Simulator) say(id int64, m *Message, opts []Option) (Sent, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, who, a, err := s.beginLocked(id, opts)
	if err != nil {
		return Sent{}, err
	}
	if c.State == StateStranger {
		c.State = StateActive
	}
	if c.State != StateActive {
		return Sent{}, fmt.Errorf("%w: %s", ErrNotNow, c.State)
	}
	m.Chat, m.From, m.At, m.ID = id, who, s.now(), s.newMessageIDLocked()
	m.attach.number(m.ID)
	s.addPostLocked(c, m)
	n := s.enqueueLocked("message", wireUpdate{Message: m.wire(c.wired)}, a.updateID)
	return Sent{UpdateID: n, MessageID: m.ID}, nil
}

// SendText writes to the bot. Commands, links and mentions become entities, as
// Telegram does it. The first text of a stranger starts the bot.
func (s *Simulator) SendText(chat int64, text string, opts ...Option) (Sent, error) {
	text, _ = trimText(cleanText(text), nil)
	if text == "" || utf16Len(text) > maxTextUnits || !utf8.ValidString(text) {
		return Sent{}, ErrText
	}
	return s.say(chat, &Message{Kind: "text", Text: text, Entities: withDetected(text, nil)}, opts)
}

// Start presses START, as after a deep link if payload is not empty.
func (s *Simulator) Start(chat int64, payload string, opts ...Option) (Sent, error) {
	return s.SendText(chat, strings.TrimSpace("/start "+payload), opts...)
}

// Media is anything but text that a person may send.
type Media struct {
	Kind      string  `json:"kind"` // photo, document, voice, contact, location, sticker
	Caption   string  `json:"caption,omitempty"`
	Album     string  `json:"album,omitempty"`   // of a photo or document sent with others
	Name      string  `json:"name,omitempty"`    // of a document
	Phone     string  `json:"phone,omitempty"`   // of a contact
	Emoji     string  `json:"emoji,omitempty"`   // of a sticker
	Seconds   int     `json:"seconds,omitempty"` // of a voice message
	Latitude  float64 `json:"latitude,omitempty"`
	Longitude float64 `json:"longitude,omitempty"`
}

// SendMedia sends a photo, document, voice message, contact, location or
// sticker. There is no file behind it.
func (s *Simulator) SendMedia(chat int64, media Media, opts ...Option) (Sent, error) {
	m := &Message{Kind: media.Kind, Text: media.Caption}
	m.attach.Album = media.Album
	switch media.Kind {
	case "photo":
		m.attach.Photo = []file{{Width: 640, Height: 480, Size: 40_000}}
	case "document":
		m.attach.Document = &file{Name: media.Name, MIME: "application/pdf", Size: 40_000}
	case "voice":
		m.attach.Voice = &file{Duration: max(media.Seconds, 1), MIME: "audio/ogg", Size: 8_000}
	case "sticker":
		m.attach.Sticker = &file{Width: 512, Height: 512, Emoji: media.Emoji, Type: "regular", Size: 8_000}
	case "contact":
		m.attach.Contact = &contact{Phone: media.Phone, FirstName: "Contact"}
	case "location":
		m.attach.Location = &location{Latitude: media.Latitude, Longitude: media.Longitude}
	default:
		return Sent{}, fmt.Errorf("simulator: no such kind of message: %q", media.Kind)
	}
	return s.say(chat, m, opts)
}

// EditText changes a text that the person sent before; the bot gets an
// edited_message.
func (s *Simulator) EditText(chat int64, messageID int, text string, opts ...Option) (Sent, error) {
	text, _ = trimText(cleanText(text), nil)
	if text == "" || utf16Len(text) > maxTextUnits || !utf8.ValidString(text) {
		return Sent{}, ErrText
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c, _, a, err := s.beginLocked(chat, opts)
	if err != nil {
		return Sent{}, err
	}
	m := c.post(messageID)
	if m == nil || m.FromBot || m.Kind != "text" {
		return Sent{}, fmt.Errorf("%w: %d", ErrNoMessage, messageID)
	}
	m.Text, m.Entities, m.EditedAt = text, withDetected(text, nil), s.now()
	s.touchLocked(c)
	n := s.enqueueLocked("edited_message", wireUpdate{Edited: m.wire(c.wired)}, a.updateID)
	return Sent{UpdateID: n, MessageID: m.ID}, nil
}

// Press presses an inline button of the bot's message, named by its callback
// data or else by its text. messageID 0 means the newest message with such a
// button. Each call is one callback_query, as each tap is.
func (s *Simulator) Press(chat int64, messageID int, button string, opts ...Option) (Sent, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, who, a, err := s.beginLocked(chat, opts)
	if err != nil {
		return Sent{}, err
	}
	if c.State != StateActive {
		return Sent{}, fmt.Errorf("%w: %s", ErrNotNow, c.State)
	}
	m, data := c.button(messageID, button)
	if m == nil {
		return Sent{}, fmt.Errorf("%w: %q", ErrNoButton, button)
	}
	now := s.now()
	if len(s.queries) >= maxQuery {
		for id, q := range s.queries {
			if now.Sub(q.at) > queryLife {
				delete(s.queries, id)
			}
		}
	}
	s.nextQuery++
	id := strconv.FormatInt(who.ID, 10) + strconv.FormatInt(s.nextQuery, 10)
	s.queries[id] = query{chat: chat, at: now}
	n := s.enqueueLocked("callback_query", wireUpdate{Callback: &wireCallback{
		ID: id, From: who, Message: m.wire(c.wired), Instance: strconv.FormatInt(-chat, 10), Data: data,
	}}, a.updateID)
	return Sent{UpdateID: n, MessageID: m.ID, QueryID: id}, nil
}

// button finds a callback button by data or text.
func (c *chat) button(messageID int, name string) (*Message, string) {
	for _, byText := range []bool{false, true} {
		for _, m := range slices.Backward(c.posts) {
			if messageID != 0 && m.ID != messageID || !m.FromBot {
				continue
			}
			for _, row := range m.Buttons {
				for _, b := range row {
					if b.Data != "" && (byText && b.Text == name || !byText && b.Data == name) {
						return m, b.Data
					}
				}
			}
		}
	}
	return nil, ""
}
