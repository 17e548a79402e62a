package message

import (
	"cmp"
	"slices"
	"strings"

	"kabarchy/visa"
)

// Bounds of what a message shows of its applications, however many there are.
const (
	maxRows   = 40   // with two buttons each; Telegram takes 100 buttons
	rowsUnits = 3500 // leaves room for what follows the rows
)

// A row is a followed application in a list, a digest or a summary.
type row struct {
	visa.DeliveryItem
	icon   string
	name   string // the masked reference, and the person's own label
	lines  []string
	urgent bool      // the applicant must do something
	by     visa.Date // by when
}

// rows puts items into rows: those that ask for something first, by their day,
// then those of which something said before no longer holds, then the rest in
// their order. news rows say what has changed.
func (r *renderer) rows(items []visa.DeliveryItem, news bool) []row {
	all := make([]row, 0, len(items))
	for _, item := range items {
		all = append(all, r.rowOf(item, news))
	}
	rank := func(w row) int {
		switch {
		case w.urgent:
			return 0
		case len(w.Corrected()) > 0:
			return 1
		}
		return 2
	}
	slices.SortStableFunc(all, func(a, b row) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.by, b.by))
	})
	return all
}

func (r *renderer) rowOf(item visa.DeliveryItem, news bool) row {
	w := row{DeliveryItem: item, icon: "🔎", name: r.hint(item.Reference)}
	standing := r.c.T("headline.unknown")
	if a := item.Application; a != nil {
		w.icon, standing = r.standing(*a, item.Changed)
		if news {
			w.name = join(w.name, foreign(r.v.Procedure(a.Procedure), maxLabel))
		}
		w.by, w.urgent = r.v.Urgent(a.Statement)
	}
	w.name = join(w.name, foreign(item.Label, maxLabel))
	w.lines = append(w.lines, strings.TrimPrefix(w.icon+" "+w.name+" – "+standing, " – "))
	if a := item.Application; a != nil {
		if d, ok := r.v.Next(a.Statement); ok {
			w.lines = append(w.lines, "📅 "+r.v.Short(d))
		}
	}
	for _, day := range item.Corrected() {
		w.lines = append(w.lines, r.corrected(day))
	}
	if a := item.Application; news && a != nil {
		w.lines = append(w.lines, r.echoes(echoedRow(a.Statement, item.Corrected()))...)
	}
	return w
}

// join joins two parts of a name, either of which may be empty.
func join(a, b string) string { return strings.Trim(a+" · "+b, " ·") }

// countUrgent says how many of several rows ask for something, where any do.
func (r *renderer) countUrgent(rows []row) {
	n := 0
	for _, w := range rows {
		if w.urgent {
			n++
		}
	}
	if n > 0 && len(rows) > 1 {
		r.line("❗ " + r.c.T("rows.urgent", "n", n))
	}
}

// writeRows writes as many rows as there is room for and returns those left over.
// shown is told of each that is written.
func (r *renderer) writeRows(rows []row, shown func(row)) (left []row) {
	for i, w := range rows {
		size := 0
		for _, line := range w.lines {
			size += units(line) + 2
		}
		if i == maxRows || r.units+size > rowsUnits {
			return rows[i:]
		}
		if len(w.lines) > 1 {
			r.gap()
		}
		for _, line := range w.lines {
			r.line(line)
		}
		if len(w.lines) > 1 {
			r.gap()
		}
		shown(w)
	}
	return nil
}
