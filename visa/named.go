package visa

import (
	"errors"
	"regexp"
	"strings"
	"unicode"
)

// FindNamed is Find, and the name that stands behind a number, "20417733 Bob",
// as CleanLabel leaves it. A text that is more than a number and its name has
// none.
func (rules ReferenceRules) FindNamed(text string) (Reference, string, error) {
	if r, at, err := rules.leading(text, spans(text, between)); err == nil {
		return r, beside(text, []span{at}), nil
	} else if short(err) {
		return Reference{}, "", err
	}
	r, err := rules.find(text)
	return r, "", err
}

// errNotNamed says that a text is no number with words behind it.
var errNotNamed = errors.New("visa: no number with a name")

// leading reads a number with nothing but words behind it, however short they
// are: Bob is no part of the number. The number is the first word, or a group
// of digits; behind a whole number one more word may be a short number. Behind
// too few digits words make no number either: the error is a *ReferenceError
// then, and otherwise errNotNamed.
func (rules ReferenceRules) leading(s string, parts []span) (Reference, span, error) {
	for len(parts) > 0 && (!solid(s[parts[0].from:parts[0].to]) || ordinal.MatchString(s[parts[0].from:parts[0].to])) {
		parts = parts[1:]
	}
	if len(parts) < 2 {
		return Reference{}, span{}, errNotNamed
	}
	word := s[parts[0].from:parts[0].to]
	if r, err := rules.Parse(word); err == nil && r.hasDigit() && !day.MatchString(word) && named(s, parts[1:], len(r.s) >= shortAlone) {
		return r, parts[0], nil
	}
	n, alone := 0, 0
	for ; n < len(parts); n++ {
		word = s[parts[n].from:parts[n].to]
		if strings.ContainsFunc(word, unicode.IsLetter) || day.MatchString(word) {
			break
		}
		if _, err := rules.Parse(word); err == nil {
			alone++
		}
	}
	if n == 0 || alone > 1 || !named(s, parts[n:], false) {
		return Reference{}, span{}, errNotNamed
	}
	group := span{parts[0].from, parts[n-1].to}
	r, err := rules.Parse(s[group.from:group.to])
	switch {
	case err == nil:
		return r, group, nil
	case short(err) && !rules.needsLetters(s):
		return Reference{}, span{}, err
	}
	return Reference{}, span{}, errNotNamed
}

func short(err error) bool {
	var e *ReferenceError
	return errors.As(err, &e) && e.Fault == FaultShort
}

// needsLetters reports whether s is a number as a whole, by its check character
// or by a pattern that takes no digits in the place of its letters.
func (rules ReferenceRules) needsLetters(s string) bool {
	r, err := rules.Parse(s)
	if err != nil || rules.Pattern == nil {
		return err == nil && rules.Check != NoCheck
	}
	digits := strings.Map(func(c rune) rune {
		if c > '9' {
			return '0'
		}
		return c
	}, r.s)
	loc := rules.Pattern.FindStringIndex(digits)
	return loc == nil || loc[0] != 0 || loc[1] != len(digits)
}

// solid reports whether s is more than ornaments.
func solid(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) })
}

// shortNumber is what tells two of one name apart: "Ali 2".
var shortNumber = regexp.MustCompile(`^\(?[0-9]{1,3}[.)]?$`)

// named reports whether parts are words and ornaments, and at least one of
// them a word; with numbers, one of them may be a short number.
func named(s string, parts []span, numbers bool) bool {
	words, n := 0, 0
	for _, p := range parts {
		part := s[p.from:p.to]
		switch {
		case !solid(part):
		case numbers && n == 0 && shortNumber.MatchString(part):
			n++
		case letters(part):
			words++
		default:
			return false
		}
	}
	return words+n > 0
}

// letters reports whether s is a word, with what names are written with.
func letters(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.Is(unicode.M, r) && !unicode.Is(unicode.Cf, r) && !unicode.In(r, unicode.Pd, unicode.Ps, unicode.Pe) && !strings.ContainsRune(".'’`", r)
	})
}
