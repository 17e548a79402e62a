package simulator

import (
	"slices"
	"time"
)

const notModified = "message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message"

// deletableFor is how long after sending a bot may delete a message.
const deletableFor = 48 * time.Hour

// editMessageText replaces a message's text and inline buttons; without a
// reply_markup the buttons go.
func (s *Simulator) editMessageText(c *call) answer {
	if c.p.get("text") == "" {
		return refuse(badRequest("message text is empty"))
	}
	text, entities, e := formatText(c.p, "text", "entities", maxTextUnits)
	if e != nil {
		return refuse(e)
	}
	if text == "" {
		return refuse(badRequest("text must be non-empty"))
	}
	return s.edit(c, func(m *Message, buttons [][]Button) (bool, *apiError) {
		if m.Kind != "text" {
			return false, badRequest("there is no text in the message to edit")
		}
		same := m.Text == text && slices.Equal(m.Entities, entities) && sameButtons(m.Buttons, buttons)
		m.Text, m.Entities, m.Buttons, m.Hash = text, entities, buttons, s.hash(text)
		return !same, nil
	})
}

// editMessageReplyMarkup replaces a message's inline buttons.
func (s *Simulator) editMessageReplyMarkup(c *call) answer {
	return s.edit(c, func(m *Message, buttons [][]Button) (bool, *apiError) {
		same := sameButtons(m.Buttons, buttons)
		m.Buttons = buttons
		return !same, nil
	})
}

// edit applies change to the message that c names. change gets a copy, and
// says whether anything is different.
func (s *Simulator) edit(c *call, change func(*Message, [][]Button) (bool, *apiError)) answer {
	mk, e := readMarkup(c.p.get("reply_markup"))
	if e != nil {
		return refuse(e)
	}
	id := c.p.int("message_id")
	s.mu.Lock()
	defer s.mu.Unlock()
	ch, e := s.writable(c.p, c.chat)
	if e != nil {
		return refuse(e)
	}
	kept := ch.post(id)
	if s.opts.Keep != KeepAll && id > 0 && int64(id) < s.nextMessage {
		kept = &Message{Chat: ch.ID, ID: id, FromBot: true, From: s.bot, Kind: "text", At: s.now()}
	}
	switch {
	case id <= 0:
		return refuse(badRequest("message identifier is not specified"))
	case kept == nil:
		return refuse(badRequest("message to edit not found"))
	case !kept.FromBot:
		return refuse(badRequest("message can't be edited"))
	}
	m := *kept
	changed, e := change(&m, mk.buttons)
	if e != nil {
		return refuse(e)
	}
	if !changed && s.opts.Keep == KeepAll {
		return refuse(badRequest(notModified))
	}
	m.EditedAt = s.now()
	*kept = m

	record := m
	record.Edit, record.At = true, m.EditedAt
	s.oracle.accept(&record)
	s.touchLocked(ch)
	return answer{result: m.wire(ch.wired), accepted: true, message: m.ID}
}

// deleteMessage takes a message out of the conversation: the bot's own, or, in
// a private chat, the person's too.
func (s *Simulator) deleteMessage(c *call) answer {
	id := c.p.int("message_id")
	s.mu.Lock()
	defer s.mu.Unlock()
	ch, e := s.writable(c.p, c.chat)
	if e != nil {
		return refuse(e)
	}
	if s.opts.Keep != KeepAll && id > 0 && int64(id) < s.nextMessage {
		return answer{result: true, accepted: true, message: id}
	}
	m := ch.post(id)
	switch {
	case id <= 0:
		return refuse(badRequest("message identifier is not specified"))
	case m == nil:
		return refuse(badRequest("message to delete not found"))
	case s.now().Sub(m.At) > deletableFor:
		return refuse(badRequest("message can't be deleted for everyone"))
	case !m.FromBot && ch.Type != "private":
		return refuse(badRequest("message can't be deleted")) // the bot is no administrator
	}
	ch.posts = slices.DeleteFunc(ch.posts, func(p *Message) bool { return p.ID == id })
	s.touchLocked(ch)
	return answer{result: true, accepted: true, message: id}
}

// answerCallbackQuery ends the waiting of a pressed button.
func (s *Simulator) answerCallbackQuery(c *call) answer {
	text := c.p.get("text")
	if utf16Len(text) > 200 {
		return refuse(badRequest("MESSAGE_TOO_LONG"))
	}
	id := c.p.get("callback_query_id")
	s.mu.Lock()
	defer s.mu.Unlock()
	q, waits := s.queries[id]
	if !waits || s.now().Sub(q.at) > queryLife {
		return refuse(badRequest("query is too old and response timeout expired or query ID is invalid"))
	}
	delete(s.queries, id)
	if ch := s.chats[q.chat]; ch != nil {
		if len(ch.answers) >= maxAnswers {
			ch.answers = ch.answers[1:]
		}
		ch.answers = append(ch.answers, CallbackAnswer{Query: id, Chat: q.chat, Text: text, Alert: c.p.flag("show_alert"), At: s.now()})
		s.touchLocked(ch)
	}
	return ok(true)
}
