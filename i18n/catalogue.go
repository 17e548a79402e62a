package i18n

import (
	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
)

// A Catalogue holds the words of one language. It does not change once made
// and may be used by many goroutines.
type Catalogue struct {
	code, name, direction, reviewer string

	order    int
	tag      language.Tag
	tables   map[string][]string
	styles   map[string]style
	messages map[string]message
	fallback *Catalogue // nil in the fallback itself
}

// Code is the language's code, such as "ky".
func (c *Catalogue) Code() string { return c.code }

// Name is the language's name in itself, such as "Кыргызча".
func (c *Catalogue) Name() string { return c.name }

// Direction is "ltr" or "rtl".
func (c *Catalogue) Direction() string { return c.direction }

// Reviewer names the native speaker who has checked the texts; "" if nobody has.
func (c *Catalogue) Reviewer() string { return c.reviewer }

// T returns the message of a key, with its placeholders filled from args:
// alternating names and values, the values string, int, time.Time or When. A
// plural message is chosen by the int named n, 0 if there is none.
//
// It never fails: a key that this catalogue lacks is said in the fallback
// language, and one that no catalogue has gives the key itself. The tests of
// this package prove that no language lacks a key.
func (c *Catalogue) T(key string, args ...any) string {
	m, ok := c.messages[key]
	if !ok {
		if c.fallback != nil {
			return c.fallback.T(key, args...)
		}
		return key
	}
	f := m.forms[plural.Other]
	if m.plural {
		n, _ := argument(args, "n").(int)
		if exact, ok := m.forms[c.category(n)]; ok {
			f = exact
		}
	}
	if len(f) == 1 && f[0].name == "" {
		return f[0].text
	}
	return string(f.fill(make([]byte, 0, 128), c, args))
}

// Has reports whether this very catalogue has a key.
func (c *Catalogue) Has(key string) bool {
	_, ok := c.messages[key]
	return ok
}

// Isolate keeps a number or a name of a left-to-right script in its own order
// inside a right-to-left text. In a left-to-right language it returns s.
func (c *Catalogue) Isolate(s string) string {
	if c.direction != "rtl" || s == "" {
		return s
	}
	return "\u2066" + s + "\u2069"
}

// category is the CLDR plural category of a whole number.
func (c *Catalogue) category(n int) plural.Form {
	// Only the last digits decide, in every language; a million keeps them and
	// keeps the number from overflowing.
	const keep = 1_000_000
	if n >= keep {
		n = keep + n%keep
	} else if n < 0 {
		n = -(n % keep)
	}
	return plural.Cardinal.MatchPlural(c.tag, n, 0, 0, 0, 0)
}
