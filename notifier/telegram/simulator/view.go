package simulator

import (
	"html/template"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// maxListed is how many chats the page lists, the most recently changed.
const maxListed = 200

// noteLife is how long the page shows the answer to a pressed button.
const noteLife = 8 * time.Second

// language is a choice in the form for a new chat.
type language struct{ Code, Name string }

// languages by the codes that Telegram's clients send.
var languages = []language{
	{"en", "English"}, {"ru", "Русский"}, {"ky", "Кыргызча"}, {"uz", "Oʻzbekcha"}, {"tg", "Тоҷикӣ"}, {"kk", "Қазақша"},
	{"tr", "Türkçe"}, {"zh-hans", "简体中文"}, {"hi", "हिन्दी"}, {"ur", "اردو"}, {"bn", "বাংলা"}, {"fa", "فارسی"}, {"ar", "العربية"}, {"de", "Deutsch"},
}

// view is what the template shows.
type view struct {
	Title     string
	Rev       int64
	Bot       User
	Chats     []listed
	More      int
	Languages []language
	Current   *conversation
	Group     bool
	Linked    bool // opened by a deep link, no chat picked yet
	Payload   string
	Typed     string // what was typed and could not be sent
	Problem   string
	Refresh   bool
	CSS       template.CSS
	JS        template.JS
}

// listed is a line of the list of chats.
type listed struct {
	ID                                               int64
	Href, Name, Initial, Language, State, Last, Time string
	Here, Private                                    bool
}

// conversation is the chat that is open.
type conversation struct {
	Href, Name, Language, About, Closed, Moved           string
	Lines                                                []line
	Keyboard                                             [][]string
	Commands                                             []Command
	Note                                                 string
	Alert, Blocked, Stranger, CanWrite, Group, ShowStart bool
}

// line is one message.
type line struct {
	ID                                 int
	Day, Author, Time, Stamp, Label    string
	Press                              string
	Body                               template.HTML
	FromBot, Silent, Protected, Edited bool
	Buttons                            [][]Button
}

// view describes the page with one chat open, or none if id is 0 or unknown.
func (s *Simulator) view(id int64, payload string, refresh bool) *view {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := &view{
		Title: "Simulation, not Telegram", Rev: s.pageRev, Bot: s.bot, Languages: languages,
		Payload: payload, Refresh: refresh,
	}
	chats := make([]*chat, 0, len(s.chats))
	for _, c := range s.chats {
		chats = append(chats, c)
	}
	slices.SortFunc(chats, func(a, b *chat) int { return int(b.rev - a.rev) })
	if len(chats) > maxListed {
		v.More = len(chats) - maxListed
		chats = chats[:maxListed]
	}
	for _, c := range chats {
		v.Chats = append(v.Chats, s.listed(c, id))
	}
	if c := s.chats[id]; c != nil {
		v.Current = s.conversationView(c, payload)
		v.Group = v.Current.Group
		v.Title = c.name() + " – " + v.Title
	}
	return v
}

func (c *chat) name() string {
	if c.Type != "private" {
		return c.Title
	}
	return strings.TrimSpace(c.Person.FirstName + " " + c.Person.LastName)
}

func (s *Simulator) listed(c *chat, here int64) listed {
	l := listed{ID: c.ID, Href: chatHref(c.ID), Name: c.name(), Here: c.ID == here, Private: c.Type == "private"}
	if l.Private {
		l.Language = c.Person.LanguageCode
	}
	r, _ := utf8.DecodeRuneInString(l.Name)
	l.Initial = strings.ToUpper(string(r))
	if c.State != StateActive && c.State != StateStranger {
		l.State = string(c.State)
	}
	if n := len(c.posts); n > 0 {
		m := c.posts[n-1]
		l.Time = m.At.In(s.opts.Location).Format("15:04")
		text, _, _ := strings.Cut(m.Text, "\n")
		if l.Last = text; text == "" {
			l.Last = m.Kind
		}
	}
	return l
}

func (s *Simulator) conversationView(c *chat, payload string) *conversation {
	v := &conversation{
		Href: chatHref(c.ID), Name: c.name(), Group: c.Type != "private",
		Blocked: c.State == StateBlocked, Stranger: c.State == StateStranger,
	}
	v.CanWrite = c.State == StateActive || v.Stranger
	v.ShowStart = v.CanWrite && (v.Stranger || payload != "")
	switch c.State {
	case StateDeactivated:
		v.Closed = "This person's account was deactivated."
	case StateDeleted:
		v.Closed = "This chat was deleted."
	case StateMigrated:
		v.Closed, v.Moved = "This group became a supergroup.", chatHref(c.MigratedTo)
	}
	if !v.Group {
		v.Language = c.Person.LanguageCode
		v.About = s.descriptionLocked(v.Language)
		v.Commands = s.commandsLocked(v.Language)
	}
	if n := len(c.answers); n > 0 {
		if a := c.answers[n-1]; a.Text != "" && s.now().Sub(a.At) < noteLife {
			v.Note, v.Alert = a.Text, a.Alert
		}
	}
	day := ""
	for _, m := range c.posts {
		l := s.line(c, m)
		if l.Day == day {
			l.Day = ""
		} else {
			day = l.Day
		}
		v.Lines = append(v.Lines, l)
		if m.RemoveKeyboard {
			v.Keyboard = nil
		} else if m.Keyboard != nil {
			v.Keyboard = m.Keyboard
		}
	}
	return v
}

func (s *Simulator) line(c *chat, m *Message) line {
	at := m.At.In(s.opts.Location)
	l := line{
		ID: m.ID, Day: at.Format("2006-01-02"), Author: m.From.FirstName, Time: at.Format("15:04"), Stamp: at.Format(time.RFC3339),
		Press: chatHref(c.ID) + "/press", FromBot: m.FromBot, Silent: m.Silent, Protected: m.Protected, Edited: !m.EditedAt.IsZero(),
		Body: renderText(m.Text, m.Entities, func(u string) string { return s.pageLinkFor(c, u) }),
	}
	for _, row := range m.Buttons {
		out := slices.Clone(row)
		for i := range out {
			if out[i].URL != "" {
				out[i].URL = s.pageLinkFor(c, out[i].URL)
			}
		}
		l.Buttons = append(l.Buttons, out)
	}
	switch m.Kind {
	case "document":
		l.Label = "Document"
		if d := m.attach.Document; d != nil && d.Name != "" {
			l.Label += ": " + d.Name
		}
	case "sticker":
		l.Label = "Sticker " + m.attach.Sticker.Emoji
	case "photo", "voice", "contact", "location":
		l.Label = strings.ToUpper(m.Kind[:1]) + m.Kind[1:]
	case "service":
		l.Label = "The group became a supergroup"
	}
	return l
}

// pageLinkFor returns an address for href: links to the bot lead back to this
// chat, as they would in Telegram; anything but http and https leads nowhere.
func (s *Simulator) pageLinkFor(c *chat, address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return ""
	}
	if (u.Host == "t.me" || u.Host == "telegram.me") && s.isBot(strings.TrimPrefix(u.Path, "/")) {
		if p := u.Query().Get("start"); c.Type == "private" && payloadPattern.MatchString(p) {
			return chatHref(c.ID) + "?start=" + p
		}
		return "/t.me/" + s.opts.BotUsername
	}
	return u.String()
}
