package simulator

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// The longest texts and captions, in UTF-16 code units after entity parsing.
const (
	maxTextUnits    = 4096
	maxCaptionUnits = 1024
)

// unitsOf returns how many UTF-16 code units a character takes.
func unitsOf(r rune) int {
	if r >= 0x10000 {
		return 2
	}
	return 1
}

// utf16Len returns the length of s in UTF-16 code units.
func utf16Len(s string) int {
	n := 0
	for _, r := range s {
		n += unitsOf(r)
	}
	return n
}

// cleanText does what the real server does to any text before it looks at it:
// control characters become spaces, carriage returns and the invisible line
// and direction marks U+2028 to U+202E go. It allocates only if it must.
func cleanText(s string) string {
	if !strings.ContainsFunc(s, needsCleaning) {
		return s
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return r
		case r == '\r' || r >= 0x2028 && r <= 0x202e:
			return -1
		case r < 0x20:
			return ' '
		}
		return r
	}, s)
}

func needsCleaning(r rune) bool {
	return r < 0x20 && r != '\n' || r >= 0x2028 && r <= 0x202e
}

// trimText cuts white space off both ends and moves the entities along;
// those that nothing is left of go.
func trimText(text string, entities []Entity) (string, []Entity) {
	right := strings.TrimRight(text, " \n")
	trimmed := strings.TrimLeft(right, " \n")
	if len(trimmed) == len(text) {
		return text, entities
	}
	cut := len(right) - len(trimmed) // spaces and line ends: one unit each
	length := utf16Len(trimmed)
	kept := entities[:0:0]
	for _, e := range entities {
		from, to := max(e.Offset-cut, 0), min(e.Offset+e.Length-cut, length)
		if to <= from {
			continue
		}
		e.Offset, e.Length = from, to-from
		kept = append(kept, e)
	}
	return trimmed, kept
}

// formatText reads a text or caption with its parse mode and entities from p,
// and checks it as the real server does. limit is in UTF-16 code units.
func formatText(p params, textName, entitiesName string, limit int) (string, []Entity, *apiError) {
	text := p.get(textName)
	if !utf8.ValidString(text) {
		return "", nil, badRequest("strings must be encoded in UTF-8")
	}
	text = cleanText(text)
	var entities []Entity
	switch mode := p.get("parse_mode"); strings.ToLower(mode) {
	case "html":
		var err error
		if text, entities, err = parseHTML(text); err != nil {
			return "", nil, badRequest("can't parse entities: " + err.Error())
		}
	case "", "none":
		if raw := p.get(entitiesName); raw != "" {
			var e *apiError
			if entities, e = readEntities(raw, utf16Len(text)); e != nil {
				return "", nil, e
			}
		}
	default: // Markdown and MarkdownV2 too: this package speaks HTML only
		return "", nil, badRequest("unsupported parse_mode")
	}
	text, entities = trimText(text, entities)
	// A text of at most limit bytes has at most limit code units.
	if len(text) > limit && utf16Len(text) > limit {
		if textName == "caption" {
			return "", nil, badRequest("message caption is too long")
		}
		return "", nil, badRequest("message is too long")
	}
	return text, withDetected(text, entities), nil
}

// readEntities reads the JSON of an explicit list of entities, and drops those
// that do not lie within the text.
func readEntities(raw string, units int) ([]Entity, *apiError) {
	var list []Entity
	if err := unmarshalString(raw, &list); err != nil {
		return nil, badRequest("can't parse entities JSON object")
	}
	list = slices.DeleteFunc(list, func(e Entity) bool {
		return e.Type == "" || e.Offset < 0 || e.Length <= 0 || e.Offset > units-e.Length
	})
	slices.SortStableFunc(list, func(a, b Entity) int {
		if a.Offset != b.Offset {
			return a.Offset - b.Offset
		}
		return b.Length - a.Length
	})
	return list, nil
}

// What Telegram finds in any text by itself. Command: a slash, 1 to 64 letters,
// digits and underscores, and perhaps the name of a bot.
var (
	commandPattern = regexp.MustCompile(`/[A-Za-z0-9_]{1,64}(?:@[A-Za-z][A-Za-z0-9_]{3,31})?`)
	linkPattern    = regexp.MustCompile(`https?://[^\s<>"]+`)
	mentionPattern = regexp.MustCompile(`@[A-Za-z][A-Za-z0-9_]{3,31}`)
)

// withDetected adds the commands, links and mentions of a text to the entities
// that it has, where they do not overlap.
func withDetected(text string, entities []Entity) []Entity {
	if !strings.ContainsAny(text, "/@") {
		return entities
	}
	n := len(entities)
	add := func(kind string, re *regexp.Regexp) {
		for _, at := range re.FindAllStringIndex(text, -1) {
			if at[0] > 0 && wordByte(text[at[0]-1]) || at[1] < len(text) && kind == "bot_command" && wordByte(text[at[1]]) {
				continue
			}
			found := text[at[0]:at[1]]
			if kind == "url" {
				found = strings.TrimRight(found, ".,:;!?)")
			}
			e := Entity{Type: kind, Offset: utf16Len(text[:at[0]]), Length: utf16Len(found)}
			if !slices.ContainsFunc(entities, func(o Entity) bool { return overlaps(o, e) }) {
				entities = append(entities, e)
			}
		}
	}
	add("url", linkPattern)
	add("bot_command", commandPattern)
	add("mention", mentionPattern)
	if len(entities) > n {
		slices.SortStableFunc(entities, func(a, b Entity) int {
			if a.Offset != b.Offset {
				return a.Offset - b.Offset
			}
			return b.Length - a.Length
		})
	}
	return entities
}

// overlaps reports whether a found entity e must yield to o. Commands and
// links may stand inside bold or italic text, not inside code or another link.
func overlaps(o, e Entity) bool {
	switch o.Type {
	case "bold", "italic", "underline", "strikethrough", "spoiler", "blockquote", "expandable_blockquote":
		return false
	}
	return o.Offset < e.Offset+e.Length && e.Offset < o.Offset+o.Length
}

// wordByte reports whether b, just before or after, makes a slash part of a
// word or path. Bytes of other scripts count.
func wordByte(b byte) bool {
	return b >= '0' && b <= '9' || b >= 'A' && b <= 'Z' || b >= 'a' && b <= 'z' || b == '_' || b == '/' || b >= 0x80
}
