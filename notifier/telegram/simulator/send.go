package simulator

import (
	"strconv"
)

// sendMessage sends a text.
func (s *Simulator) sendMessage(c *call) answer {
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
	noPreview, e := readPreview(c.p)
	if e != nil {
		return refuse(e)
	}
	return s.send(c, &Message{Kind: "text", Text: text, Entities: entities, NoPreview: noPreview})
}

// readPreview reads whether link previews are switched off, in the new way or
// the old.
func readPreview(p params) (bool, *apiError) {
	raw := p.get("link_preview_options")
	if raw == "" {
		return p.flag("disable_web_page_preview"), nil
	}
	var o linkPreview
	if err := unmarshalString(raw, &o); err != nil {
		return false, badRequest("can't parse link preview options JSON object")
	}
	return o.Disabled, nil
}

// sendFile returns the method that sends a document or a photo: uploaded, or
// named by file_id or URL. Of the file nothing but its name and size is kept.
func sendFile(kind string) func(*Simulator, *call) answer {
	return func(s *Simulator, c *call) answer {
		f := c.p.file(kind)
		if f == nil {
			switch v := c.p.get(kind); {
			case len(v) > len("attach://") && v[:len("attach://")] == "attach://":
				f = c.p.file(v[len("attach://"):])
			case v != "":
				f = &file{ID: v}
			}
		}
		if f == nil {
			return refuse(badRequest("there is no " + kind + " in the request"))
		}
		if f.Size == 0 && f.Name != "" {
			return refuse(badRequest("file must be non-empty"))
		}
		caption, entities, e := formatText(c.p, "caption", "caption_entities", maxCaptionUnits)
		if e != nil {
			return refuse(e)
		}
		m := &Message{Kind: kind, Text: caption, Entities: entities}
		out := *f
		if kind == "photo" {
			out = file{ID: f.ID, Width: 640, Height: 480, Size: f.Size}
			m.attach.Photo = []file{out}
		} else {
			m.attach.Document = &out
		}
		return s.send(c, m)
	}
}

// send finishes and accepts a new message of the bot.
func (s *Simulator) send(c *call, m *Message) answer {
	mk, e := readMarkup(c.p.get("reply_markup"))
	if e != nil {
		return refuse(e)
	}
	m.Buttons, m.Keyboard, m.RemoveKeyboard = mk.buttons, mk.keyboard, mk.removeKeyboard
	m.Silent, m.Protected = c.p.flag("disable_notification"), c.p.flag("protect_content")
	m.FromBot, m.Hash = true, s.hash(m.Text)

	s.mu.Lock()
	defer s.mu.Unlock()
	ch, e := s.writable(c.p, c.chat)
	if e != nil {
		return refuse(e)
	}
	m.Chat, m.From, m.At, m.ID = ch.ID, s.bot, s.now(), s.newMessageIDLocked()
	m.attach.number(m.ID)
	s.oracle.accept(m)
	s.pace.chat(ch.ID).sent++
	s.addPostLocked(ch, m)
	return answer{result: m.wire(ch.wired), accepted: true, message: m.ID}
}

// number gives the files of a message their ids, where they have none.
func (a *attachment) number(message int) {
	give := func(f *file, kind string) {
		if f == nil {
			return
		}
		if f.ID == "" {
			f.ID = "simulated-" + kind + "-" + strconv.Itoa(message)
		}
		if f.UniqueID == "" {
			f.UniqueID = "u" + kind + strconv.Itoa(message)
		}
	}
	for i := range a.Photo {
		give(&a.Photo[i], "photo")
	}
	give(a.Document, "document")
	give(a.Voice, "voice")
	give(a.Sticker, "sticker")
}
