package i18n

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"kabarchy/strictjson"
)

// Limits of a file of reasons.
const (
	maxReasons     = 500
	maxReasonCode  = 64      // bytes
	maxReasonText  = 300     // characters
	maxReasonBytes = 1 << 20 // of the file
)

//go:embed reasons.json
var builtInReasons []byte

// Reasons are the codes that a register may give as the reason of a stage or
// an outcome, each with a text in every language. They do not change and may
// be used by many goroutines. The nil *Reasons has none.
type Reasons struct {
	texts map[string]map[string]string // code, language
	codes []string                     // sorted
}

// DefaultReasons returns the reasons built in: general ones, which say no more
// than what they are called.
var DefaultReasons = sync.OnceValue(func() *Reasons {
	r, err := LoadReasons(builtInReasons)
	if err != nil {
		panic(err)
	}
	return r
})

// LoadReasons reads a file of reasons:
//
//	{"fee_unpaid": {"en": "The fee has not been paid", "ru": "…", "ky": "…"}}
//
// A code is small letters, digits and underscores, a letter first, 64 at most.
// Each needs a text in English, Russian and Kyrgyz, and may have one in every
// other language there is a catalogue of: who reads one that lacks it gets the
// English text. A text is one line of at most 300 characters. The error says all that is
// wrong, one line for each, by code and language; nothing is loaded then.
func LoadReasons(data []byte) (*Reasons, error) {
	if len(data) > maxReasonBytes {
		return nil, fmt.Errorf("reasons: the file has %d bytes; at most %d are read", len(data), maxReasonBytes)
	}
	if !utf8.Valid(data) {
		return nil, errors.New("reasons: the file is not UTF-8")
	}
	data = []byte(strings.TrimPrefix(string(data), "\ufeff"))
	if err := strictjson.Object(data); err != nil {
		return nil, fmt.Errorf("reasons: %w", err)
	}
	r := &Reasons{}
	if err := json.Unmarshal(data, &r.texts); err != nil || r.texts == nil {
		return nil, errors.New(`reasons: the file must be a JSON object of codes, each an object of texts by language: {"code":{"en":"…","ru":"…"}}`)
	}
	r.codes = sortedKeys(r.texts)
	if len(r.codes) > maxReasons {
		return nil, fmt.Errorf("reasons: the file has %d codes; at most %d are read", len(r.codes), maxReasons)
	}
	var wrong []error
	for _, code := range r.codes {
		wrong = append(wrong, checkReason(code, r.texts[code])...)
	}
	if err := errors.Join(wrong...); err != nil {
		return nil, err
	}
	return r, nil
}

// reasonLanguages are the ones without which no reason is taken.
var reasonLanguages = []string{Fallback, "ru", "ky"}

func checkReason(code string, texts map[string]string) (wrong []error) {
	if !isWord(code) || len(code) > maxReasonCode || code[0] < 'a' || code[0] > 'z' {
		wrong = append(wrong, fmt.Errorf("reasons: the code %q must be small letters, digits and underscores, a letter first, %d at most", clip(code), maxReasonCode))
	}
	all := Default()
	for _, c := range all.All() {
		if _, ok := texts[c.code]; !ok && slices.Contains(reasonLanguages, c.code) {
			wrong = append(wrong, fmt.Errorf("reasons: %s has no text in %q (%s)", clip(code), c.code, c.name))
		}
	}
	for _, lang := range sortedKeys(texts) {
		text := texts[lang]
		problem := ""
		if _, ok := all.Lookup(lang); !ok {
			problem = "is of a language there is no catalogue of"
		} else if strings.TrimSpace(text) == "" {
			problem = "is empty"
		} else if n := utf8.RuneCountInString(text); n > maxReasonText {
			problem = fmt.Sprintf("has %d characters; it may have at most %d", n, maxReasonText)
		} else if strings.TrimSpace(text) != text || strings.IndexFunc(text, unprintable) >= 0 {
			problem = "must be one line, without control characters and without spaces around it"
		}
		if problem != "" {
			wrong = append(wrong, fmt.Errorf("reasons: %s: the text in %q %s", clip(code), clip(lang), problem))
		}
	}
	return wrong
}

// unprintable reports whether r is no part of a line of text. Joiners and
// direction marks are: some scripts need them.
func unprintable(r rune) bool {
	return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || r >= '\u202a' && r <= '\u202e'
}

// Has reports whether a code is one of the reasons.
func (r *Reasons) Has(code string) bool {
	if r == nil {
		return false
	}
	_, ok := r.texts[code]
	return ok
}

// Text returns the text of a code in a language, in the fallback language
// where it has none in that one, and "" where the code is none of the reasons.
func (r *Reasons) Text(code, lang string) string {
	if !r.Has(code) {
		return ""
	}
	if text := r.texts[code][lang]; text != "" {
		return text
	}
	return r.texts[code][Fallback]
}

// Codes returns all codes, sorted.
func (r *Reasons) Codes() []string {
	if r == nil {
		return nil
	}
	return slices.Clone(r.codes)
}
