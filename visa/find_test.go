package visa

import (
	"errors"
	"regexp"
	"strings"
	"testing"
)

var eightDigits = ReferenceRules{Pattern: regexp.MustCompile(`^(?:[0-9]{8})$`)}

func TestFind(t *testing.T) {
	letter := "Dear applicant,\r\n\r\nyour application No: 20417733 was received on 12.06.2025 (2025-06-12).\r\n" +
		"Postal code 720040, telephone +996312000000, visit <https://portal.example/check?id=5>.\r\nNumber 20417733." + strings.Repeat(" Please wait.", 200)
	tests := []struct {
		name  string
		rules ReferenceRules
		in    string
		want  string
		fault ReferenceFault
		n     int
	}{
		{name: "a bare number", in: "20417733", want: "20417733"},
		{name: "a number in groups", in: "2041 7733", want: "20417733"},
		{name: "a number among words", in: "please look at 20417733 for me", want: "20417733"},
		{name: "a number among words in Russian", in: "Номер заявления: №20417733, спасибо", want: "20417733"},
		{name: "a number among words in Hindi", in: "मेरा नंबर २०४१७७३३ है", want: "20417733"},
		{name: "the same number twice", in: "number 20417733 (again: 20417733)", want: "20417733"},
		{name: "two numbers", in: "20417733 20417734", fault: FaultSeveral, n: 2},
		{name: "a whole letter, by the pattern", rules: eightDigits, in: letter, want: "20417733"},
		{name: "a day alone is a number", rules: eightDigits, in: "12.06.2025", want: "12062025"},
		{name: "a digit too few, by the pattern", rules: eightDigits, in: "2041773", fault: FaultShort, n: 7},
		{name: "far too few, by the pattern", rules: eightDigits, in: "204", fault: FaultShort, n: 3},
		{name: "a digit too many, by the pattern", rules: eightDigits, in: "204177331", fault: FaultLong, n: 9},
		{name: "a letter for a digit, by the pattern", rules: eightDigits, in: "2041773B", fault: FaultPattern, n: 8},
		{name: "nothing", in: " ", fault: FaultEmpty},
		{name: "a short name behind", in: "30000022 Bob", want: "30000022"},
		{name: "a short name behind, by the pattern", rules: eightDigits, in: "20417733 Ali", want: "20417733"},
		{name: "short words behind", in: "20417733 is it ok", want: "20417733"},
		{name: "a short number behind", in: "30000009 2", want: "30000009"},
		{name: "a short name behind a number in groups", in: "2041 7733 Ali", want: "20417733"},
		{name: "a short name behind a short number", in: "240317 Ali", want: "240317"},
		{name: "a number with letters in groups", in: "EV 240317", want: "EV240317"},
		{name: "a number with letters in more groups", in: "EV 2403 17", want: "EV240317"},
		{name: "a number in three groups", in: "2041 7733 01", want: "2041773301"},
		{name: "letters at the end, by the pattern", rules: ReferenceRules{Pattern: regexp.MustCompile(`[0-9]{4}[A-Z]{2}`)}, in: "2041 AB", want: "2041AB"},
		{name: "too few digits and a word", in: "3000 bad", fault: FaultShort, n: 4},
		{name: "too few digits and a word, by the pattern", rules: eightDigits, in: "3000 badly", fault: FaultShort, n: 4},
		{name: "too few digits and a word, by a pattern that takes letters", rules: ReferenceRules{Pattern: regexp.MustCompile(`[A-Z0-9]{6,8}`)}, in: "3000 bad", fault: FaultShort, n: 4},
		{name: "two numbers and a short name", in: "20417733 Ali 20417734", fault: FaultSeveral, n: 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.rules.Find(tt.in)
			var e *ReferenceError
			if errors.As(err, &e); got.String() != tt.want || (e == nil) != (tt.fault == "") {
				t.Fatalf("Find = %q, %v; want %q", got.String(), err, tt.want)
			}
			if e != nil && (e.Fault != tt.fault || e.N != tt.n) {
				t.Errorf("the fault is %s of %d; want %s of %d", e.Fault, e.N, tt.fault, tt.n)
			}
			if e != nil && tt.fault != FaultPattern && tt.rules.Pattern == eightDigits.Pattern && (e.Min != 8 || e.Max != 8) {
				t.Errorf("a number has %d to %d; want 8", e.Min, e.Max)
			}
		})
	}
}

func TestTheLengthsOfAPattern(t *testing.T) {
	tests := []struct {
		pattern     string
		least, most int
	}{
		{"[0-9]{8}", 8, 8},
		{"EV[0-9]{6}", 8, 8},
		{"(EV|PERMIT)[0-9]{4,10}", 6, 16},
		{"[A-Z]+[0-9]*", 6, 24},
		{"[A-Z]?[0-9]{7}", 7, 8},
		{"A", 6, 24},
		{"[0-9]{3,}", 6, 24},
	}
	for _, tt := range tests {
		t.Run(tt.pattern, func(t *testing.T) {
			rules := ReferenceRules{Pattern: regexp.MustCompile("^(?:" + tt.pattern + ")$")}
			if least, most := rules.lengths(); least != tt.least || most != tt.most {
				t.Errorf("%d to %d; want %d to %d", least, most, tt.least, tt.most)
			}
		})
	}
}

func TestANameBehindANumberIsItsLabel(t *testing.T) {
	for _, tt := range []struct{ in, want, label string }{
		{"30000022 Bob", "30000022", "Bob"},
		{"20417733, Anna-Maria O’Neil", "20417733", "Anna-Maria O’Neil"},
		{"№ 20417733 – Мээрим", "20417733", "Мээрим"},
		{"1. 20417733 Ali", "20417733", "Ali"},
		{"30000009 2", "30000009", "2"},
		{"EV240317 Li", "EV240317", "Li"},
		{"20417733", "20417733", ""},
		{"2041 7733 01", "2041773301", ""},
		{"my number is 20417733", "20417733", ""},
		{"20417733 " + strings.Repeat("ab ", 600), "20417733", strings.TrimSpace(strings.Repeat("ab ", 13)) + "…"},
	} {
		r, label, err := ReferenceRules{}.FindNamed(tt.in)
		if err != nil || label != tt.label || r.String() != tt.want {
			t.Errorf("FindNamed(%.40q) = %q, %q, %v; want %q, %q", tt.in, r.String(), label, err, tt.want, tt.label)
		}
	}
}

func TestOneOfACountIsSaidInTheSingular(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"x", "the reference number has 1 letter or digit; it must have 8"},
		{"1", "the reference number has 1 digit; it must have 8"},
		{"12", "the reference number has 2 digits; it must have 8"},
	} {
		if _, err := eightDigits.Parse(tt.in); err == nil || err.Error() != tt.want {
			t.Errorf("%s: %v; want %s", tt.in, err, tt.want)
		}
	}
}
