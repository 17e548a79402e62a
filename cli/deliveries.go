package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"kabarchy/config"
	"kabarchy/store"
	"kabarchy/visa"
)

type deliveriesCommand struct {
	List   deliveriesList   `cmd:"" help:"List notifications, newest first, and count them."`
	Show   deliveriesShow   `cmd:"" help:"Show a notification with every attempt to send it."`
	Replay deliveriesReplay `cmd:"" help:"Send dead letters again, after saying which."`
	Export deliveriesExport `cmd:"" help:"Write notifications with every attempt, oldest first, for another program to read."`
}

// deliveryFilter is what list and export have in common.
type deliveryFilter struct {
	State     string `help:"Only those in a state: pending, sending, accepted, cancelled, superseded, expired or dead." placeholder:"S"`
	Lane      string `help:"Only those of a lane: conversation, decision, reminder or announcement." placeholder:"L"`
	Reason    string `help:"Only those that ended for a reason, such as blocked." placeholder:"R"`
	Since     string `help:"Only those made at this time or later: a day, a day and time, or how long ago, such as 24h." placeholder:"TIME"`
	Until     string `help:"Only those made before this time; a day is taken as a whole." placeholder:"TIME"`
	Reference string `help:"Only those about an application, in any spelling of its reference." placeholder:"REF"`
	Ambiguous bool   `help:"Only those with an attempt of which nobody knows whether it arrived."`
}

// filter checks what was asked for.
func (d deliveryFilter) filter(c config.Config, now time.Time) (f visa.AuditFilter, err error) {
	if d.State != "" {
		if f.State, err = visa.ParseNotificationState(d.State); err != nil {
			return f, unusable("--state %q: %w", d.State, err)
		}
	}
	if d.Lane != "" {
		if f.Lane, err = visa.ParseLane(d.Lane); err != nil {
			return f, unusable("--lane %q: %w", d.Lane, err)
		}
	}
	if d.Reason != "" {
		if f.Reason, err = visa.ParseAuditReason(d.Reason); err != nil {
			return f, unusable("--reason %q: %w", d.Reason, err)
		}
	}
	if d.Reference != "" {
		if f.Reference, err = rules(c).Parse(d.Reference); err != nil {
			return f, unusable("--reference: %w", err)
		}
	}
	if f.Since, err = instant("--since", d.Since, c.Timezone, now, false); err != nil {
		return f, err
	}
	if f.Until, err = instant("--until", d.Until, c.Timezone, now, true); err != nil {
		return f, err
	}
	if err := f.Check(); err != nil {
		return f, unusable("--since and --until: %w", err)
	}
	f.Ambiguous = d.Ambiguous
	return f, nil
}

// instant reads what an audit takes for a time and, since a person writes it,
// more: a duration before now, and a day and time in the configured zone.
// Nothing gives the zero time.
func instant(flag, text string, zone *time.Location, now time.Time, end bool) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if ago, err := time.ParseDuration(text); err == nil && ago >= 0 {
		return now.Add(-ago), nil
	}
	if t, err := visa.ParseAuditTime(text, zone, end); err == nil {
		return t, nil
	}
	for _, layout := range []string{"2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02T15:04:05", "2006-01-02T15:04"} {
		if t, err := time.ParseInLocation(layout, text, zone); err == nil {
			return t, nil
		}
	}
	return time.Time{}, unusable("%s %q: write a day as 2025-06-20, a time as 2025-06-20T15:04 or with its zone, or how long ago as 24h", flag, text)
}

// audit opens the database of the settings for reading alone: it is neither
// made nor migrated, and a service that runs beside is not disturbed.
func (a *app) audit(ctx context.Context) (config.Config, *store.Audit, error) {
	c, err := a.load()
	if err != nil {
		return c, nil, err
	}
	audit, err := store.OpenAudit(ctx, c.DatabaseURL.Reveal())
	if errors.Is(err, store.ErrNoDatabase) {
		err = exit{exitUnusable, err}
	}
	return c, audit, err
}

// auditPage is how many notifications are read at a time.
const auditPage = 200

type deliveriesList struct {
	deliveryFilter `embed:""`
	Limit          int  `help:"At most so many." default:"50" placeholder:"N"`
	JSON           bool `help:"As JSON."`
}

func (l deliveriesList) Run(ctx context.Context, a *app) error {
	if l.Limit < 1 {
		return unusable("--limit %d: at least 1 is needed", l.Limit)
	}
	c, audit, err := a.audit(ctx)
	if err != nil {
		return err
	}
	defer audit.Close()
	f, err := l.filter(c, time.Now())
	if err != nil {
		return err
	}
	var entries []visa.AuditEntry
	for from := int64(0); ; {
		page, next, err := audit.Page(ctx, f, from, true, min(auditPage, l.Limit+1-len(entries)))
		if err != nil {
			return err
		}
		entries = append(entries, page...)
		if from = next; from == 0 || len(entries) > l.Limit {
			break
		}
	}
	more := len(entries) > l.Limit
	entries = entries[:min(l.Limit, len(entries))]
	var counts []visa.AuditCount
	if f.IsZero() {
		if counts, err = audit.Summary(ctx); err != nil {
			return err
		}
		slices.SortStableFunc(counts, func(x, y visa.AuditCount) int {
			return cmp.Or(cmp.Compare(slices.Index(visa.NotificationStates, x.State), slices.Index(visa.NotificationStates, y.State)), cmp.Compare(x.Lane, y.Lane))
		})
	}
	if l.JSON {
		return printListJSON(a.out, entries, more, counts, c.Timezone)
	}
	if err := printList(a.out, entries, counts, c.Timezone); err != nil {
		return err
	}
	switch {
	case len(entries) == 0:
		fmt.Fprintln(a.err, "There is no such notification.")
	case more:
		fmt.Fprintf(a.err, "These are the newest %d; there are more: see --limit, or kabarchy deliveries export.\n", len(entries))
	}
	return nil
}

func printList(out io.Writer, entries []visa.AuditEntry, counts []visa.AuditCount, zone *time.Location) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	if len(entries) > 0 {
		fmt.Fprintln(w, "ID\tMADE\tSTATE\tREASON\tLANE\tKIND\tREFERENCE\tCHAT\tATTEMPTS\tAMBIGUOUS\tENDED")
	}
	for _, e := range entries {
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%d\t%d\t%s\n", e.ID, at(e.CreatedAt, zone), e.State, dash(e.Reason), e.Lane, e.Kind,
			dash(e.Reference), e.Chat, tries(e), e.Ambiguous(), at(e.EndedAt, zone))
	}
	if err := w.Flush(); err != nil || len(counts) == 0 {
		return err
	}
	fmt.Fprintln(w, "\nSTATE\tLANE\tREASON\tNUMBER")
	for _, n := range counts {
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\n", n.State, n.Lane, dash(n.Reason), n.N)
	}
	return w.Flush()
}

// tries counts attempts, and not the notes of replays among them.
func tries(e visa.AuditEntry) (n int) {
	for _, t := range e.Attempts {
		if t.Result != visa.AttemptReplayed {
			n++
		}
	}
	return n
}

func at(t time.Time, zone *time.Location) string {
	if t.IsZero() {
		return "-"
	}
	return t.In(zone).Format("2006-01-02 15:04:05")
}

func dash(s string) string { return cmp.Or(s, "-") }

type deliveriesShow struct {
	ID   int64 `arg:"" help:"The notification's number."`
	JSON bool  `help:"As JSON."`
}

func (d deliveriesShow) Run(ctx context.Context, a *app) error {
	c, audit, err := a.audit(ctx)
	if err != nil {
		return err
	}
	defer audit.Close()
	e, err := audit.Entry(ctx, d.ID)
	if errors.Is(err, visa.ErrNotFound) {
		return unusable("there is no notification %d; see: kabarchy deliveries list", d.ID)
	}
	if err != nil {
		return err
	}
	if d.JSON {
		return encoder(a.out).Encode(e.Record(c.Timezone))
	}
	return printEntry(a.out, e, c.Timezone)
}

func printEntry(out io.Writer, e visa.AuditEntry, zone *time.Location) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "Notification\t%d\n", e.ID)
	fmt.Fprintf(w, "State\t%s\n", e.State)
	fmt.Fprintf(w, "Reason\t%s\n", dash(e.Reason))
	fmt.Fprintf(w, "Lane, kind\t%s, %s\n", e.Lane, e.Kind)
	fmt.Fprintf(w, "Reference\t%s\n", dash(e.Reference))
	fmt.Fprintf(w, "Chat\t%s, %s\n", e.Chat, e.ChatState)
	fmt.Fprintf(w, "Made\t%s\n", at(e.CreatedAt, zone))
	fmt.Fprintf(w, "Not before\t%s\n", at(e.NotBefore, zone))
	fmt.Fprintf(w, "Of use until\t%s\n", at(e.UseUntil, zone))
	fmt.Fprintf(w, "Ended\t%s\n", at(e.EndedAt, zone))
	fmt.Fprintf(w, "Failures\t%d counted\n", e.Failures)
	if e.MessageID != 0 {
		fmt.Fprintf(w, "Message\t%d, as Telegram numbers it\n", e.MessageID)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if len(e.Attempts) == 0 {
		_, err := fmt.Fprintln(out, "\nNo attempt was made.")
		return err
	}
	fmt.Fprintln(w, "\nATTEMPT\tSTARTED\tENDED\tRESULT\tCODE\tREASON\tAMBIGUOUS\tSENDER")
	n := 0
	for _, t := range e.Attempts {
		number := "-"
		if t.Result != visa.AttemptReplayed {
			n++
			number = fmt.Sprint(n)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", number, at(t.StartedAt, zone), at(t.EndedAt, zone), t.Result,
			number0(int64(t.Code)), dash(t.Reason), yes(t.Ambiguous), number0(t.Sender))
	}
	return w.Flush()
}

func number0(n int64) string {
	if n == 0 {
		return "-"
	}
	return fmt.Sprint(n)
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func encoder(w io.Writer) *json.Encoder {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e
}

func printListJSON(out io.Writer, entries []visa.AuditEntry, more bool, counts []visa.AuditCount, zone *time.Location) error {
	type count struct {
		State  string `json:"state"`
		Lane   string `json:"lane"`
		Reason string `json:"reason"`
		N      int64  `json:"n"`
	}
	list := struct {
		Notifications []visa.AuditRecord `json:"notifications"`
		More          bool               `json:"more"`
		Summary       []count            `json:"summary,omitempty"`
	}{Notifications: []visa.AuditRecord{}, More: more}
	for _, e := range entries {
		list.Notifications = append(list.Notifications, e.Record(zone))
	}
	for _, n := range counts {
		list.Summary = append(list.Summary, count{string(n.State), n.Lane.String(), n.Reason, n.N})
	}
	return encoder(out).Encode(list)
}
