package visa

import (
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits of a canonical reference, in characters, and of what is read as one,
// in bytes (a reference of 24 characters with its ornaments is far shorter).
const (
	MinReference     = 6
	MaxReference     = 24
	maxSpellingBytes = 1024
)

// ErrInvalidReference is what every refused spelling of a reference is, under
// errors.Is. The error itself is a *ReferenceError that says why.
var ErrInvalidReference = errors.New("not a reference number")

// A ReferenceFault says what is wrong with something typed as a reference.
type ReferenceFault string

const (
	FaultEmpty     ReferenceFault = "empty"     // nothing left once ornaments are dropped
	FaultShort     ReferenceFault = "short"     // fewer characters than a reference has
	FaultLong      ReferenceFault = "long"      // more characters than a reference has
	FaultCharacter ReferenceFault = "character" // a character no reference holds
	FaultPattern   ReferenceFault = "pattern"   // not of the configured pattern
	FaultCheck     ReferenceFault = "check"     // the check character does not match
	FaultSeveral   ReferenceFault = "several"   // more than one number, where one is asked for
)

// A ReferenceError says why a spelling is no reference. It never holds the
// whole of what was typed.
type ReferenceError struct {
	Fault     ReferenceFault
	N         int  // characters counted, where Fault is about their number
	Min, Max  int  // characters a reference has, for FaultShort and FaultLong
	Digits    bool // only digits were typed, for FaultShort and FaultLong
	Character rune // the offending character, for FaultCharacter
}

func (e *ReferenceError) Error() string {
	switch e.Fault {
	case FaultEmpty:
		return "the reference number is empty; it has 6 to 24 letters A to Z and digits"
	case FaultShort, FaultLong:
		what, want := "letters and digits", fmt.Sprintf("%d to %d", e.Min, e.Max)
		switch {
		case e.Digits && e.N == 1:
			what = "digit"
		case e.Digits:
			what = "digits"
		case e.N == 1:
			what = "letter or digit"
		}
		if e.Min == e.Max {
			want = fmt.Sprint(e.Min)
		}
		return fmt.Sprintf("the reference number has %d %s; it must have %s", e.N, what, want)
	case FaultPattern:
		return "the reference number is not of the form the register uses"
	case FaultSeveral:
		return fmt.Sprintf("there are %d reference numbers; give one at a time", e.N)
	case FaultCheck:
		return "the reference number has a typing error: its check character does not match"
	default:
		if !unicode.IsPrint(e.Character) || e.Character == utf8.RuneError {
			return "the reference number holds a character that is not a letter A to Z or a digit"
		}
		return fmt.Sprintf("the reference number holds %q; only letters A to Z and digits belong there", e.Character)
	}
}

func (e *ReferenceError) Unwrap() error { return ErrInvalidReference }

// A Reference is an application's number in canonical form: 6 to 24 ASCII
// capitals and digits. It is a struct, not a string, so that unchecked input
// cannot become one by conversion: ParseReference is the only way in.
// The zero Reference is invalid.
//
// It masks itself in logs; String gives the whole.
type Reference struct{ s string }

// ParseReference finds the reference in what somebody typed or pasted. It
// forgives case, spaces, dashes, dots, slashes, brackets, № and #, invisible
// characters, digits of other scripts, full-width forms, and Cyrillic letters
// that look Latin. The result shares no memory with s, so s may be a buffer
// that its owner uses again. The error is a *ReferenceError.
func ParseReference(s string) (Reference, error) {
	if len(s) > maxSpellingBytes {
		return Reference{}, &ReferenceError{Fault: FaultLong, N: utf8.RuneCountInString(s), Min: MinReference, Max: MaxReference}
	}
	digits := true
	var out [MaxReference]byte
	n := 0
	for _, r := range s {
		c, ok := canonical(r)
		if !ok {
			return Reference{}, &ReferenceError{Fault: FaultCharacter, Character: r}
		}
		if c == 0 {
			continue
		}
		if n < MaxReference {
			out[n] = c
		}
		digits = digits && c <= '9'
		n++
	}
	switch {
	case n == 0:
		return Reference{}, &ReferenceError{Fault: FaultEmpty}
	case n < MinReference:
		return Reference{}, &ReferenceError{Fault: FaultShort, N: n, Min: MinReference, Max: MaxReference, Digits: digits}
	case n > MaxReference:
		return Reference{}, &ReferenceError{Fault: FaultLong, N: n, Min: MinReference, Max: MaxReference, Digits: digits}
	}
	return Reference{string(out[:n])}, nil
}

// canonical returns the capital or digit that r stands for, 0 for an ornament
// to be dropped, and false for anything else.
func canonical(r rune) (byte, bool) {
	switch {
	case r >= '0' && r <= '9', r >= 'A' && r <= 'Z':
		return byte(r), true
	case r >= 'a' && r <= 'z':
		return byte(r - 'a' + 'A'), true
	case r == ' ', r == '-', r == '.', r == '/', r == '#':
		return 0, true
	case r == utf8.RuneError:
		return 0, false
	case r >= 0xFF01 && r <= 0xFF5E: // full-width forms of ! to ~
		return canonical(r - 0xFEE0)
	}
	if c, ok := lookalikes[r]; ok {
		return c, true
	}
	if unicode.Is(unicode.Nd, r) {
		return digit(r)
	}
	return 0, ornament(r)
}

// lookalikes holds the Cyrillic letters that look Latin, in both cases, and
// the two i of a Turkish keyboard.
var lookalikes = func() map[rune]byte {
	m := map[rune]byte{'İ': 'I', 'ı': 'I'}
	const latin = "ABCEHKMOPTX"
	for i, r := range []rune("АВСЕНКМОРТХ") {
		m[r], m[unicode.ToLower(r)] = latin[i], latin[i]
	}
	return m
}()

// digit returns the ASCII digit of a decimal digit of any script: every range
// of the table starts with a zero and holds whole sets of ten.
func digit(r rune) (byte, bool) {
	for _, t := range unicode.Nd.R16 {
		if r >= rune(t.Lo) && r <= rune(t.Hi) {
			return '0' + byte((r-rune(t.Lo))%10), true
		}
	}
	for _, t := range unicode.Nd.R32 {
		if r >= rune(t.Lo) && r <= rune(t.Hi) {
			return '0' + byte((r-rune(t.Lo))%10), true
		}
	}
	return 0, false
}

// ornament reports whether r is something people put around or into a number.
func ornament(r rune) bool {
	if strings.ContainsRune("\\_·•․‧∙⋅。﹒№⁄∕−⁃ー\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180e\u2800\u3164\uffa0", r) {
		return true
	}
	return unicode.IsSpace(r) || unicode.In(r, unicode.Zs, unicode.Zl, unicode.Zp,
		unicode.Pd, unicode.Ps, unicode.Pe, unicode.Cf, unicode.Variation_Selector)
}

// String returns the canonical form, whole: for storage and for the person who
// asked. Logs get the masked form by themselves.
func (r Reference) String() string { return r.s }

// IsZero reports whether r is the invalid zero Reference.
func (r Reference) IsZero() bool { return r.s == "" }

// Masked is the form for logs, errors and audits: 2041••••.
func (r Reference) Masked() string {
	if r.s == "" {
		return ""
	}
	keep := min(4, len(r.s)/2)
	return r.s[:keep] + strings.Repeat("•", len(r.s)-keep)
}

// Hint is the form for messages in a chat, 20••••33: it tells the members of a
// family apart, whose numbers lie side by side, and still gives away no more
// than half of the characters.
func (r Reference) Hint() string {
	if r.s == "" {
		return ""
	}
	keep := min(2, len(r.s)/4)
	return r.s[:keep] + strings.Repeat("•", len(r.s)-2*keep) + r.s[len(r.s)-keep:]
}

// Grouped is the form for the page that answers the person who typed it:
// groups of four.
func (r Reference) Grouped() string {
	var b strings.Builder
	for i := 0; i < len(r.s); i++ {
		if i > 0 && i%4 == 0 {
			b.WriteByte(' ')
		}
		b.WriteByte(r.s[i])
	}
	return b.String()
}

// LogValue masks the reference in structured logs.
func (r Reference) LogValue() slog.Value { return slog.StringValue(r.Masked()) }

// Format masks the reference under every verb of package fmt but %s with an
// explicit String call, so that a stray %v of a struct gives nothing away.
func (r Reference) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(r.Masked())) }

// MarshalText gives the canonical form, for JSON and the store.
func (r Reference) MarshalText() ([]byte, error) { return []byte(r.s), nil }

// UnmarshalText accepts every spelling that ParseReference does.
func (r *Reference) UnmarshalText(b []byte) (err error) {
	*r, err = ParseReference(string(b))
	return err
}

// A Check is a check-character scheme.
type Check string

// The schemes known: none, and ISO/IEC 7064 MOD 37,36 (one character of
// A-Z0-9 at the end).
const (
	NoCheck   Check = ""
	Mod37x36  Check = "mod37,36"
	mod3736   int   = 36
	alphabet        = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	badSymbol       = -1
)

// ReferenceRules narrow what counts as a reference beyond its canonical form.
// The zero value adds nothing.
type ReferenceRules struct {
	Pattern *regexp.Regexp // must match the whole canonical form
	Check   Check
}

// Parse is ParseReference, then the pattern and the check character: a typo is
// refused before any I/O.
func (rules ReferenceRules) Parse(s string) (Reference, error) {
	r, err := ParseReference(s)
	if err != nil {
		return r, rules.narrowed(err)
	}
	if rules.Pattern != nil {
		if loc := rules.Pattern.FindStringIndex(r.s); loc == nil || loc[0] != 0 || loc[1] != len(r.s) {
			return Reference{}, rules.mismatch(r.s)
		}
	}
	if rules.Check == Mod37x36 && !validMod37x36(r.s) {
		return Reference{}, &ReferenceError{Fault: FaultCheck}
	}
	return r, nil
}

// mismatch says why a canonical form is not of the pattern: by its length
// where that alone rules it out.
func (rules ReferenceRules) mismatch(s string) *ReferenceError {
	least, most := rules.lengths()
	e := &ReferenceError{N: len(s), Min: least, Max: most, Digits: strings.Trim(s, "0123456789") == ""}
	switch {
	case e.N < least:
		e.Fault = FaultShort
	case e.N > most:
		e.Fault = FaultLong
	default:
		return &ReferenceError{Fault: FaultPattern, N: len(s)}
	}
	return e
}

// narrowed makes an error about a length name the lengths of the pattern.
func (rules ReferenceRules) narrowed(err error) error {
	var e *ReferenceError
	if rules.Pattern == nil || !errors.As(err, &e) || e.Fault != FaultShort && e.Fault != FaultLong {
		return err
	}
	e.Min, e.Max = rules.lengths()
	return e
}

// validMod37x36 checks the hybrid system of ISO/IEC 7064 with modulus 36 and
// 37 over the whole string, check character included.
func validMod37x36(s string) bool {
	p := mod3736
	for i := 0; i < len(s); i++ {
		v := symbol(s[i])
		if v == badSymbol {
			return false
		}
		p += v
		if i == len(s)-1 {
			return p%mod3736 == 1
		}
		if p %= mod3736; p == 0 {
			p = mod3736
		}
		p = p * 2 % (mod3736 + 1)
	}
	return false
}

func symbol(c byte) int { return strings.IndexByte(alphabet, c) }

// Fold returns what a character typed as part of a number stands for, or that
// it is an ornament to be dropped. Unlike ParseReference it keeps a character
// it does not know, in upper case.
func Fold(r rune) (folded rune, drop bool) {
	c, ok := canonical(r)
	switch {
	case !ok:
		return unicode.ToUpper(r), false
	case c == 0:
		return 0, true
	}
	return rune(c), false
}
