package simulator

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// parseHTML turns a text in Telegram's HTML style into plain text and
// entities, by the rules of the real server: the tags a, b, strong, i, em, s,
// strike, del, u, ins, tg-spoiler, tg-emoji, span class="tg-spoiler", pre, code
// and blockquote; the entities &lt; &gt; &amp; &quot; and numeric ones, each
// with or without its semicolon; everything balanced. Its errors are the real
// server's words, without the "can't parse entities: " before them.
func parseHTML(src string) (string, []Entity, error) {
	if !strings.ContainsAny(src, "<&") {
		return src, nil, nil
	}
	p := htmlParser{src: src}
	if err := p.run(); err != nil {
		return "", nil, err
	}
	return p.out.String(), p.sorted(), nil
}

type htmlParser struct {
	src      string
	out      strings.Builder
	units    int // UTF-16 code units written so far
	open     []openTag
	entities []Entity
}

// openTag is a start tag that waits for its end.
type openTag struct {
	name, argument string
	units, bytes   int // where it began in the text
}

// at returns the byte at i, and 0 past the end.
func (p *htmlParser) at(i int) byte {
	if i < len(p.src) {
		return p.src[i]
	}
	return 0
}

// blank tells white space, and the end, from the rest.
func blank(c byte) bool {
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == 0 || c == '\v'
}

func (p *htmlParser) run() error {
	for i := 0; i < len(p.src); {
		switch c := p.src[i]; c {
		case '&':
			r, next := decodeEntity(p.src, i)
			if r == 0 {
				p.out.WriteByte(c)
				p.units++
				i++
				continue
			}
			if r >= 0xd800 && r <= 0xdfff {
				return fmt.Errorf("Text contains invalid Unicode characters after decoding HTML entities, check for unmatched surrogate code units")
			}
			p.out.WriteRune(r)
			p.units += unitsOf(r)
			i = next
		case '<':
			var err error
			if p.at(i+1) == '/' {
				i, err = p.endTag(i)
			} else {
				i, err = p.startTag(i)
			}
			if err != nil {
				return err
			}
		default:
			r, size := utf8.DecodeRuneInString(p.src[i:])
			p.out.WriteString(p.src[i : i+size])
			p.units += unitsOf(r)
			i += size
		}
	}
	if n := len(p.open); n > 0 {
		return fmt.Errorf("Can't find end tag corresponding to start tag %q", p.open[n-1].name)
	}
	return nil
}

var htmlTags = []string{"a", "b", "strong", "i", "em", "s", "strike", "del", "u", "ins", "tg-spoiler", "tg-emoji", "span", "pre", "code", "blockquote"}

// startTag reads the start tag at begin and returns where it ends.
func (p *htmlParser) startTag(begin int) (int, error) {
	i := begin + 1
	for !blank(p.at(i)) && p.at(i) != '>' {
		i++
	}
	if p.at(i) == 0 {
		return 0, fmt.Errorf("Unclosed start tag at byte offset %d", begin)
	}
	name := strings.ToLower(p.src[begin+1 : i])
	if !slices.Contains(htmlTags, name) {
		return 0, fmt.Errorf("Unsupported start tag \"%s\" at byte offset %d", name, begin)
	}
	argument := ""
	for p.at(i) != '>' {
		for p.at(i) != 0 && blank(p.at(i)) {
			i++
		}
		if p.at(i) == '>' {
			break
		}
		attr, value, next, err := p.attribute(name, begin, i)
		if err != nil {
			return 0, err
		}
		i = next
		switch {
		case name == "a" && attr == "href", name == "tg-emoji" && attr == "emoji-id":
			argument = value
		case name == "blockquote" && attr == "expandable":
			argument = "expandable"
		case name == "code" && attr == "class" && strings.HasPrefix(value, "language-"):
			argument = value[len("language-"):]
		case name == "span" && attr == "class" && strings.HasPrefix(value, "tg-"):
			argument = value[len("tg-"):]
		}
	}
	if name == "span" && argument != "spoiler" {
		return 0, fmt.Errorf("Tag \"span\" must have class \"tg-spoiler\" at byte offset %d", begin)
	}
	p.open = append(p.open, openTag{name: name, argument: argument, units: p.units, bytes: p.out.Len()})
	return i + 1, nil
}

// attribute reads one attribute at i of the tag that starts at begin.
func (p *htmlParser) attribute(tag string, begin, i int) (name, value string, next int, err error) {
	start := i
	for !blank(p.at(i)) && p.at(i) != '=' && p.at(i) != '>' {
		i++
	}
	name = p.src[start:min(i, len(p.src))]
	if name == "" {
		return "", "", 0, fmt.Errorf("Empty attribute name in the tag %q at byte offset %d", tag, begin)
	}
	for p.at(i) != 0 && blank(p.at(i)) {
		i++
	}
	if p.at(i) != '=' {
		if tag == "blockquote" && name == "expandable" && p.at(i) != 0 {
			return name, "", i, nil
		}
		return "", "", 0, fmt.Errorf("Expected equal sign in declaration of an attribute of the tag %q at byte offset %d", tag, begin)
	}
	i++
	for p.at(i) != 0 && blank(p.at(i)) {
		i++
	}
	if p.at(i) == 0 {
		return "", "", 0, fmt.Errorf("Unclosed start tag %q at byte offset %d", tag, begin)
	}
	if quote := p.at(i); quote == '\'' || quote == '"' {
		value, i = p.literal(quote, i+1)
	} else {
		token := i
		for c := p.at(i); c == '.' || c == '-' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'; c = p.at(i) {
			i++
		}
		value = strings.ToLower(p.src[token:i])
		if !blank(p.at(i)) && p.at(i) != '>' {
			return "", "", 0, fmt.Errorf("Unexpected end of name token at byte offset %d", token)
		}
	}
	if p.at(i) == 0 {
		return "", "", 0, fmt.Errorf("Unclosed start tag at byte offset %d", begin)
	}
	return name, value, i, nil
}

// literal reads a quoted value from i up to and over its closing quote.
func (p *htmlParser) literal(quote byte, i int) (string, int) {
	var b strings.Builder
	for p.at(i) != quote && i < len(p.src) {
		if p.src[i] == '&' {
			if r, next := decodeEntity(p.src, i); r != 0 {
				b.WriteRune(r)
				i = next
				continue
			}
		}
		b.WriteByte(p.src[i])
		i++
	}
	if p.at(i) == quote {
		i++
	}
	return b.String(), i
}

// endTag reads the end tag at begin, closes the innermost open tag, and
// returns where the end tag ends. "</>" closes any.
func (p *htmlParser) endTag(begin int) (int, error) {
	if len(p.open) == 0 {
		return 0, fmt.Errorf("Unexpected end tag at byte offset %d", begin)
	}
	i := begin + 2
	for !blank(p.at(i)) && p.at(i) != '>' {
		i++
	}
	name := strings.ToLower(p.src[begin+2 : min(i, len(p.src))])
	for blank(p.at(i)) && p.at(i) != 0 {
		i++
	}
	if p.at(i) != '>' {
		return 0, fmt.Errorf("Unclosed end tag at byte offset %d", begin)
	}
	tag := p.open[len(p.open)-1]
	if name != "" && name != tag.name {
		return 0, fmt.Errorf("Unmatched end tag at byte offset %d, expected \"</%s>\", found \"</%s>\"", begin, tag.name, name)
	}
	p.open = p.open[:len(p.open)-1]
	return i + 1, p.close(tag)
}

// close turns a finished tag into its entity, if it spans anything.
func (p *htmlParser) close(tag openTag) error {
	if p.units == tag.units {
		return nil
	}
	e := Entity{Offset: tag.units, Length: p.units - tag.units}
	switch tag.name {
	case "i", "em":
		e.Type = "italic"
	case "b", "strong":
		e.Type = "bold"
	case "s", "strike", "del":
		e.Type = "strikethrough"
	case "u", "ins":
		e.Type = "underline"
	case "tg-spoiler", "span":
		e.Type = "spoiler"
	case "tg-emoji":
		if n, err := strconv.ParseInt(tag.argument, 10, 64); err != nil || n == 0 {
			return fmt.Errorf("Invalid custom emoji identifier specified")
		}
		e.Type, e.EmojiID = "custom_emoji", tag.argument
	case "a":
		href := tag.argument
		if href == "" {
			href = p.out.String()[tag.bytes:]
		}
		if e.URL = checkedLink(href); e.URL == "" {
			return nil // the real server drops a link that is none, and keeps the text
		}
		e.Type = "text_link"
	case "pre":
		e.Type = "pre"
		if last := p.last(); last != nil && last.Type == "code" && last.Language != "" && last.Offset == e.Offset && last.Length == e.Length {
			last.Type = "pre"
			return nil
		}
	case "code":
		e.Type, e.Language = "code", tag.argument
	case "blockquote":
		e.Type = "blockquote"
		if tag.argument != "" {
			e.Type = "expandable_blockquote"
		}
	}
	p.entities = append(p.entities, e)
	return nil
}

func (p *htmlParser) last() *Entity {
	if len(p.entities) == 0 {
		return nil
	}
	return &p.entities[len(p.entities)-1]
}

// sorted returns the entities by offset, the longer first.
func (p *htmlParser) sorted() []Entity {
	for i := range p.entities {
		if p.entities[i].Type == "code" {
			p.entities[i].Language = ""
		}
	}
	slices.SortStableFunc(p.entities, func(a, b Entity) int {
		if a.Offset != b.Offset {
			return a.Offset - b.Offset
		}
		return b.Length - a.Length
	})
	return p.entities
}

// decodeEntity reads the character reference at i, where s[i] is '&'. It
// returns 0 if there is none that Telegram knows, else the character and where
// the text goes on.
func decodeEntity(s string, i int) (rune, int) {
	end, r := i+1, rune(0)
	if strings.HasPrefix(s[end:], "#") {
		base, digits := 10, "0123456789"
		end++
		if strings.HasPrefix(s[end:], "x") {
			base, digits = 16, "0123456789abcdefABCDEF"
			end++
		}
		start := end
		for end < len(s) && strings.IndexByte(digits, s[end]) >= 0 {
			end++
		}
		n, err := strconv.ParseInt(s[start:end], base, 64)
		if err != nil || n == 0 || n >= 0x10ffff || end-i >= 10 {
			return 0, 0
		}
		r = rune(n)
	} else {
		for end < len(s) && (s[end] >= 'a' && s[end] <= 'z' || s[end] >= 'A' && s[end] <= 'Z') {
			end++
		}
		switch s[i+1 : end] {
		case "lt":
			r = '<'
		case "gt":
			r = '>'
		case "amp":
			r = '&'
		case "quot":
			r = '"'
		default:
			return 0, 0
		}
	}
	if end < len(s) && s[end] == ';' {
		end++
	}
	return r, end
}

// checkedLink returns a link as Telegram would keep it, "" if it would not.
// One thing is allowed that the real server refuses: hosts without a dot, so
// that a demonstration can link to localhost.
func checkedLink(s string) string {
	s = strings.TrimSpace(s)
	if s == "" || strings.ContainsAny(s, " \n\t<>\"") {
		return ""
	}
	if !strings.Contains(s, ":") || hostPort(s) {
		if host, _, _ := strings.Cut(s, "/"); !strings.Contains(host, ".") {
			return ""
		}
		s = "http://" + s
	}
	u, err := url.Parse(s)
	if err != nil {
		return ""
	}
	switch u.Scheme {
	case "http", "https":
		if u.Hostname() == "" || u.User != nil {
			return ""
		}
		if u.Path == "" {
			u.Path = "/"
		}
		return u.String()
	case "tg", "ton":
		return s
	}
	return ""
}

// hostPort tells "host.name:80/path", which has no scheme, from "scheme:rest".
func hostPort(s string) bool {
	head, rest, _ := strings.Cut(s, ":")
	return strings.Contains(head, ".") && rest != "" && rest[0] >= '0' && rest[0] <= '9'
}
