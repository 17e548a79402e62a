package simulator

import (
	"html/template"
	"strings"
)

// renderText returns a text with its entities as HTML. Everything that came
// from outside is escaped; entities that overlap are closed and opened again,
// so that the result is balanced whatever they are. link gives an address that
// may stand in href, "" for none.
func renderText(text string, entities []Entity, link func(string) string) template.HTML {
	var b strings.Builder
	var open []renderedTag
	next, offset := 0, 0
	step := func() {
		open = closeEnded(&b, open, offset)
		for next < len(entities) && entities[next].Offset <= offset {
			e := entities[next]
			next++
			if e.Offset+e.Length <= offset {
				continue
			}
			address := e.URL
			if e.Type == "url" {
				address = cutUnits(text, e.Offset, e.Length)
			}
			t := renderedTag{end: e.Offset + e.Length}
			if t.open, t.close = entityTags(e, address, link); t.open != "" {
				b.WriteString(t.open)
				open = append(open, t)
			}
		}
	}
	for _, r := range text {
		step()
		offset += unitsOf(r)
		b.WriteString(template.HTMLEscapeString(string(r)))
	}
	for i := len(open) - 1; i >= 0; i-- {
		b.WriteString(open[i].close)
	}
	return template.HTML(b.String())
}

type renderedTag struct {
	open, close string
	end         int
}

// closeEnded closes every tag that ends at offset, with those above it, and
// opens again those that go on.
func closeEnded(b *strings.Builder, open []renderedTag, offset int) []renderedTag {
	first := -1
	for i, t := range open {
		if t.end <= offset {
			first = i
			break
		}
	}
	if first < 0 {
		return open
	}
	for i := len(open) - 1; i >= first; i-- {
		b.WriteString(open[i].close)
	}
	kept := open[:first]
	for _, t := range open[first:] {
		if t.end > offset {
			b.WriteString(t.open)
			kept = append(kept, t)
		}
	}
	return kept
}

// entityTags returns the HTML around an entity, "" for one that is shown as it
// stands.
func entityTags(e Entity, address string, link func(string) string) (open, close string) {
	switch e.Type {
	case "bold":
		return "<strong>", "</strong>"
	case "italic":
		return "<em>", "</em>"
	case "underline":
		return "<u>", "</u>"
	case "strikethrough":
		return "<s>", "</s>"
	case "spoiler":
		return `<span class="spoiler" tabindex="0">`, "</span>"
	case "code":
		return "<code>", "</code>"
	case "pre":
		return "<pre>", "</pre>"
	case "blockquote", "expandable_blockquote":
		return "<blockquote>", "</blockquote>"
	case "bot_command", "mention":
		return `<span class="token">`, "</span>"
	case "url", "text_link":
		if href := link(address); href != "" {
			return `<a href="` + template.HTMLEscapeString(href) + `" rel="noopener noreferrer">`, "</a>"
		}
	}
	return "", ""
}

// cutUnits returns the part of s at an offset and length in UTF-16 code units.
func cutUnits(s string, offset, length int) string {
	var b strings.Builder
	at := 0
	for _, r := range s {
		if at >= offset && at < offset+length {
			b.WriteRune(r)
		}
		at += unitsOf(r)
	}
	return b.String()
}
