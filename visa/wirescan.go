package visa

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// maxNesting bounds how deep a value that is passed over may be nested. What
// an update holds is nested twice.
const maxNesting = 16

// A scanner reads the tokens of JSON (RFC 8259) and nothing looser. Its first
// error sticks: from then on it stands still and gives nothing. It allocates
// for strings with escapes alone.
type scanner struct {
	b   []byte
	i   int
	err *SyntaxError
	buf []byte // the last string that held escapes
}

func (s *scanner) fail(problem string) {
	if s.err == nil {
		s.err = &SyntaxError{Offset: min(s.i, len(s.b)), Problem: problem}
	}
}

// next passes over white space and returns the byte that stands there, 0 at
// the end or after an error.
func (s *scanner) next() byte {
	if s.err != nil {
		return 0
	}
	for s.i < len(s.b) {
		switch c := s.b[s.i]; c {
		case ' ', '\t', '\r', '\n':
			s.i++
		case 0:
			s.fail("a byte of zero")
			return 0
		default:
			return c
		}
	}
	return 0
}

// key reads a member's name and its colon; false at the object's end, which it
// passes, and on an error. The bytes are good until the next string is read.
func (s *scanner) key(first bool) ([]byte, bool) {
	c := s.next()
	switch {
	case c == '}':
		s.i++
		return nil, false
	case !first && c == ',':
		s.i++
		c = s.next()
	case !first:
		s.fail("no comma or } after a value")
	}
	if c != '"' {
		s.fail("no field name in quotation marks")
	}
	if s.err != nil {
		return nil, false
	}
	name := s.str()
	if s.next() != ':' {
		s.fail("no colon after a field name")
		return nil, false
	}
	s.i++
	return name, true
}

// str reads a string at its opening quotation mark.
func (s *scanner) str() []byte {
	s.i++
	start := s.i
	for s.i < len(s.b) {
		switch c := s.b[s.i]; {
		case c == '"':
			s.i++
			return s.b[start : s.i-1]
		case c == '\\':
			return s.escaped(start)
		case c < ' ':
			s.fail("a control character in a string")
			return nil
		}
		s.i++
	}
	s.fail("a string that does not end")
	return nil
}

// escaped goes on with a string that began at start, from its first backslash.
func (s *scanner) escaped(start int) []byte {
	s.buf = append(s.buf[:0], s.b[start:s.i]...)
	for s.i < len(s.b) {
		switch c := s.b[s.i]; {
		case c == '"':
			s.i++
			return s.buf
		case c < ' ':
			s.fail("a control character in a string")
			return nil
		case c != '\\':
			s.buf = append(s.buf, c)
			s.i++
		case !s.escape():
			return nil
		}
	}
	s.fail("a string that does not end")
	return nil
}

func (s *scanner) escape() bool {
	if s.i+1 >= len(s.b) {
		s.fail("a string that does not end")
		return false
	}
	c := s.b[s.i+1]
	if c == 'u' {
		return s.unicode()
	}
	i := bytes.IndexByte([]byte(`"\/bfnrt`), c)
	if i < 0 {
		s.fail("an escape that JSON does not have")
		return false
	}
	s.buf = append(s.buf, "\"\\/\b\f\n\r\t"[i])
	s.i += 2
	return true
}

// unicode reads \uXXXX, or a pair of them that makes one character. Half a
// pair is refused: there is no such character.
func (s *scanner) unicode() bool {
	r := s.hex(s.i)
	if r < 0 {
		s.fail("a \\u that is not followed by four hexadecimal digits")
		return false
	}
	n := 6
	if utf16.IsSurrogate(r) {
		low := s.hex(s.i + 6)
		if low < 0 {
			low = utf8.RuneError
		}
		if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
			s.fail("half of a surrogate pair")
			return false
		}
		n = 12
	}
	s.buf = utf8.AppendRune(s.buf, r)
	s.i += n
	return true
}

// hex returns the value of the \uXXXX at i, or -1 where there is none.
func (s *scanner) hex(i int) rune {
	if i+6 > len(s.b) || s.b[i] != '\\' || s.b[i+1] != 'u' {
		return -1
	}
	var r rune
	for _, c := range s.b[i+2 : i+6] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return -1
		}
		r = r<<4 | rune(c)
	}
	return r
}

// number reads a number; whole is false if it has a fraction or an exponent.
func (s *scanner) number() (text []byte, whole bool) {
	start := s.i
	if s.b[s.i] == '-' {
		s.i++
	}
	switch zero := s.i; {
	case s.digits() == 0:
		s.fail("a number without digits")
	case s.b[zero] == '0' && s.i > zero+1:
		s.fail("a number with a leading zero")
	}
	whole = true
	if s.i < len(s.b) && s.b[s.i] == '.' {
		s.i++
		whole = false
		if s.digits() == 0 {
			s.fail("a number without digits after its point")
		}
	}
	if s.i < len(s.b) && (s.b[s.i] == 'e' || s.b[s.i] == 'E') {
		s.i++
		whole = false
		if s.i < len(s.b) && (s.b[s.i] == '+' || s.b[s.i] == '-') {
			s.i++
		}
		if s.digits() == 0 {
			s.fail("a number without digits in its exponent")
		}
	}
	return s.b[start:s.i], whole
}

func (s *scanner) digits() int {
	start := s.i
	for s.i < len(s.b) && s.b[s.i] >= '0' && s.b[s.i] <= '9' {
		s.i++
	}
	return s.i - start
}

// skip passes over one whole value, checking that it is JSON.
func (s *scanner) skip(depth int) {
	if depth > maxNesting {
		s.fail("values nested too deeply")
		return
	}
	switch c := s.next(); {
	case c == '"':
		s.str()
	case c == '-' || c >= '0' && c <= '9':
		s.number()
	case c == '{':
		s.i++
		for first := true; ; first = false {
			if _, ok := s.key(first); !ok {
				return
			}
			s.skip(depth + 1)
		}
	case c == '[':
		s.i++
		if s.next() == ']' {
			s.i++
			return
		}
		for s.err == nil {
			s.skip(depth + 1)
			switch s.next() {
			case ',':
				s.i++
			case ']':
				s.i++
				return
			default:
				s.fail("no comma or ] after a value")
			}
		}
	case c == 't':
		s.literal("true")
	case c == 'f':
		s.literal("false")
	case c == 'n':
		s.literal("null")
	default:
		s.fail("no value")
	}
}

func (s *scanner) literal(word string) {
	if !bytes.HasPrefix(s.b[s.i:], []byte(word)) {
		s.fail("no value")
		return
	}
	s.i += len(word)
}

// kindOf names what a value that begins with c is, for errors.
func kindOf(c byte) string {
	switch c {
	case '"':
		return "a string"
	case '{':
		return "an object"
	case '[':
		return "an array"
	case 't', 'f':
		return "true or false"
	case 'n':
		return "null"
	default:
		return "a number"
	}
}
