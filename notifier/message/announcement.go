package message

import (
	"strings"

	"kabarchy/explain"
	"kabarchy/visa"
)

// announcement is a message to many: its text as it was written, with nothing
// of the chat's own in it.
func (r *renderer) announcement() {
	text, _ := visa.TextFor(r.d.Texts, r.c.Code())
	if strings.TrimSpace(text) == "" {
		r.fallback()
		return
	}
	r.headline("📢", r.c.T("announcement.title"))
	r.gap()
	for line := range strings.Lines(text) {
		if clean(line) == "" {
			r.gap()
		}
		r.line(line)
	}
	r.gap()
	r.line(explain.Portal(r.c))
	r.row(r.listButton())
}
