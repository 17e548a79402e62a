package visa

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

// show puts a list into a form to compare: its references with their labels,
// and what is wrong with the other lines.
func show(l List) string {
	var out []string
	for _, line := range l.Lines {
		if line.Wrong != nil {
			out = append(out, fmt.Sprintf("%d %s", line.Number, line.Wrong.Fault))
			continue
		}
		out = append(out, strings.TrimSpace(fmt.Sprintf("%d %s %s", line.Number, line.Reference.String(), line.Label)))
	}
	return strings.Join(out, "|")
}

func TestAPastedListIsReadLineByLine(t *testing.T) {
	digits := ReferenceRules{Pattern: regexp.MustCompile(`[0-9]{8}`)}
	tests := []struct {
		name, in, want string
		rules          ReferenceRules
	}{
		{"numbers alone", "20417733\n20417734", "1 20417733|2 20417734", ReferenceRules{}},
		{"a name after", "20417733 Aziz\n20417734 Aigül K.", "1 20417733 Aziz|2 20417734 Aigül K", ReferenceRules{}},
		{"a short name after", "20417733 Ali\n20417734 Li Wu", "1 20417733 Ali|2 20417734 Li Wu", ReferenceRules{}},
		{"a name before", "Aziz: 20417733\nМария – 20417734", "1 20417733 Aziz|2 20417734 Мария", ReferenceRules{}},
		{"a table", "20417733\tAziz Karimov\tB2\n20417734\tAnna\tB1", "1 20417733 Aziz Karimov B2|2 20417734 Anna B1", ReferenceRules{}},
		{"a file with commas", "\"20417733\",\"Aziz\"\r\n\"20417734\",\"Anna, Maria\"\r\n", "1 20417733 Aziz|2 20417734 Anna, Maria", ReferenceRules{}},
		{"a file with semicolons", "20417733;Aziz\n20417734;Anna", "1 20417733 Aziz|2 20417734 Anna", ReferenceRules{}},
		{"one line with semicolons", "20417733; 20417734 Anna;; 2041", "1 20417733|2 20417734 Anna|3 short", ReferenceRules{}},
		{"numbered", "1. 20417733 Aziz\n2) 20417734\n3. Anna 20417735", "1 20417733 Aziz|2 20417734|3 20417735 Anna", ReferenceRules{}},
		{"groups and dashes", "2041 7733 Aziz\n2041-7734\n№ 20417735", "1 20417733 Aziz|2 20417734|3 20417735", ReferenceRules{}},
		{"groups before a short name", "2041 7733 Ali\n2041 7734 Li", "1 20417733 Ali|2 20417734 Li", ReferenceRules{}},
		{"letters in a number", "EV 240317\nEV240318 Aziz", "1 EV240317|2 EV240318 Aziz", ReferenceRules{}},
		{"digits of another script", "২০৪১৭৭৩৩ করিম\n۲۰۴۱۷۷۳۴ علی", "1 20417733 করিম|2 20417734 علی", ReferenceRules{}},
		{"empty lines are counted", "20417733\n\n \n20417734", "1 20417733|4 20417734", ReferenceRules{}},
		{"lines without a number", "My students\n20417733\nnobody\n20417734", "1 empty|2 20417733|3 empty|4 20417734", ReferenceRules{}},
		{"two numbers in a line", "20417733 20417734\n20417735\n20417736", "1 several|2 20417735|3 20417736", ReferenceRules{}},
		{"the same number twice in a line", "20417733 20417733 Aziz\n20417735", "1 20417733 Aziz|2 20417735", ReferenceRules{}},
		{"a date beside", "20417733 02.06.2025\n20417734 2025-06-02", "1 20417733 02.06.2025|2 20417734 2025-06-02", ReferenceRules{}},
		{"a telephone number beside", "20417733 +996555123456\n20417734", "1 20417733 +996555123456|2 20417734", ReferenceRules{}},
		{"digits that are too few, by the pattern", "2041773 Aziz\n20417734\n20417735", "1 short|2 20417734|3 20417735", digits},
		{"other numbers beside, by the pattern", "20417733 AC1234567\n20417734-Aziz\n(20417735) Li", "1 20417733 AC1234567|2 20417734 Aziz|3 20417735 Li", digits},
		{"too few digits and a short word", "3000 bad\nbad 3000\n20417733\n20417734", "1 short|2 short|3 20417733|4 20417734", ReferenceRules{}},
		{"too few digits and a short word, by the pattern", "3000 bad\n20417733\n20417734", "1 short|2 20417733|3 20417734", digits},
		{"a short name behind a short number", "240317 Ali\n240318 Li", "1 240317 Ali|2 240318 Li", ReferenceRules{}},
		{"a number for a name", "30000009 2\n3. 30000008 3", "1 30000009 2|2 30000008 3", ReferenceRules{}},
		{"letters at the end, by the pattern", "240317 EV\n240318 EV", "1 240317EV|2 240318EV", ReferenceRules{Pattern: regexp.MustCompile(`[0-9]{6}EV`)}},
		{"a name that is far too long", "20417733 " + strings.Repeat("a", 1500) + "\n20417734", "1 20417733 " + strings.Repeat("a", MaxLabel-1) + "…|2 20417734", ReferenceRules{}},
		{"a short name in groups, by the pattern", "2041 7733 Ali\n20417734", "1 20417733 Ali|2 20417734", digits},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			list, ok := tt.rules.List(tt.in)
			if got := show(list); got != tt.want || !ok {
				t.Errorf("List(%q) = %s, %t; want %s", tt.in, got, ok, tt.want)
			}
		})
	}
}

func TestWhatIsNoListIsNotTakenForOne(t *testing.T) {
	for _, in := range []string{
		"", "\n\n", ";;", "20417733", "20417733 Aziz", "my number is\n20417733\nplease", "2041\n7733", "20417733 20417734",
		"hello\nworld", "20417733;", "Dear Sir,\nyour number is 20417733.\nof 12.06.2025\nYours",
	} {
		if list, ok := (ReferenceRules{}).List(in); ok {
			t.Errorf("%q is taken for the list %s", in, show(list))
		}
	}
}

func TestNoMoreThanAHundredLinesAreRead(t *testing.T) {
	list, ok := ReferenceRules{}.List(strings.Repeat("20417733\n", MaxPasted+7))
	if !ok || len(list.Lines) != MaxPasted || list.Unread != 7 {
		t.Errorf("%d lines, %d unread", len(list.Lines), list.Unread)
	}
}

func FuzzList(f *testing.F) {
	f.Add("20417733 Aziz\nAziz: 20417734")
	f.Add("\u202e20417733;\xff<b>\x00;EV 24 03 17")
	f.Fuzz(func(t *testing.T, in string) {
		list, _ := ReferenceRules{}.List(in)
		for _, l := range list.Lines {
			if (l.Wrong == nil) == l.Reference.IsZero() || utf8.RuneCountInString(l.Label) > MaxLabel || !utf8.ValidString(l.Label) || strings.ContainsAny(l.Label, "\n\x00\u202e") {
				t.Errorf("%q gives %+v", in, l)
			}
		}
	})
}
