package visa

import (
	"regexp"
	"regexp/syntax"
	"strings"
	"unicode"
	"unicode/utf8"
)

// shortAlone is how many characters a part has at least that is taken for a
// number of its own beside another such part, rather than for half of one.
const shortAlone = 8

// Find finds the one reference in what was written or pasted: the number among
// words, as in a whole e-mail, or else all of it as one number. Of several
// numbers it takes none: another application than the one that was meant is
// worse than asking again. Days and telephone numbers with a + are not taken
// for references, unless the text is nothing else; words behind a number are no
// part of it. The error is a *ReferenceError.
func (rules ReferenceRules) Find(text string) (Reference, error) {
	r, _, err := rules.FindNamed(text)
	return r, err
}

// find is Find for what is no number with a name behind it.
func (rules ReferenceRules) find(text string) (Reference, error) {
	var alone []Reference
	long, words := 0, false
	for _, part := range strings.FieldsFunc(text, between) {
		r, err := rules.Parse(part)
		switch {
		case err == nil && r.hasDigit() && !day.MatchString(part):
			if !contains(alone, r) {
				alone = append(alone, r)
				if len(r.s) >= shortAlone {
					long++
				}
			}
		case IsWord(part):
			words = true
		}
	}
	switch {
	case long > 1:
		return Reference{}, &ReferenceError{Fault: FaultSeveral, N: long}
	case len(alone) == 1 && (words || len(text) > maxSpellingBytes):
		return alone[0], nil
	}
	return rules.Parse(text)
}

// day is a date as people write it, the year first or last.
var day = regexp.MustCompile(`^\(?([0-9]{1,2}[./-][0-9]{1,2}[./-]([0-9]{2}){1,2}|[0-9]{4}[./-][0-9]{1,2}[./-][0-9]{1,2})[).]*$`)

// between reports whether r stands between the parts of a text, and in no
// number.
func between(r rune) bool {
	return unicode.IsSpace(r) || strings.ContainsRune(",;:=|<>\"'«»“”„!?", r)
}

// IsWord reports whether s is letters alone, around them full stops, brackets
// and dashes at most, and more of them than references begin with.
func IsWord(s string) bool {
	s = strings.Trim(s, ".()-")
	return utf8.RuneCountInString(s) > 3 && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.Is(unicode.M, r) })
}

func contains(all []Reference, r Reference) bool {
	for _, o := range all {
		if o == r {
			return true
		}
	}
	return false
}

func (r Reference) hasDigit() bool { return strings.ContainsAny(r.s, "0123456789") }

// lengths returns how many characters references have by these rules: what the
// pattern allows, within the limits of all references.
func (rules ReferenceRules) lengths() (least, most int) {
	if rules.Pattern == nil {
		return MinReference, MaxReference
	}
	tree, err := syntax.Parse(rules.Pattern.String(), syntax.Perl)
	if err != nil {
		return MinReference, MaxReference
	}
	least, most = width(tree)
	least, most = max(least, MinReference), min(most, MaxReference)
	if least > most {
		return MinReference, MaxReference // it fits nothing, and says nothing
	}
	return least, most
}

// endless is more than any reference has.
const endless = 1 << 20

// width returns the fewest and the most characters an expression matches, not
// more than endless.
func width(e *syntax.Regexp) (least, most int) {
	switch e.Op {
	case syntax.OpLiteral:
		return len(e.Rune), len(e.Rune)
	case syntax.OpCharClass, syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return 1, 1
	case syntax.OpCapture:
		return width(e.Sub[0])
	case syntax.OpStar, syntax.OpPlus, syntax.OpQuest, syntax.OpRepeat:
		low, high := repeats(e)
		l, m := width(e.Sub[0])
		return min(l*low, endless), min(m*high, endless)
	case syntax.OpConcat:
		for _, sub := range e.Sub {
			l, m := width(sub)
			least, most = min(least+l, endless), min(most+m, endless)
		}
		return least, most
	case syntax.OpAlternate:
		least = endless
		for _, sub := range e.Sub {
			l, m := width(sub)
			least, most = min(least, l), max(most, m)
		}
		return least, most
	}
	return 0, 0 // what matches a place, not a character
}

func repeats(e *syntax.Regexp) (low, high int) {
	switch e.Op {
	case syntax.OpStar:
		return 0, MaxReference + 1
	case syntax.OpPlus:
		return 1, MaxReference + 1
	case syntax.OpQuest:
		return 0, 1
	}
	if e.Max < 0 {
		return e.Min, MaxReference + 1
	}
	return e.Min, e.Max
}
