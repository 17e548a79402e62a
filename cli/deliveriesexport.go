package cli

import (
	"bufio"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"kabarchy/store"
	"kabarchy/visa"
)

type deliveriesExport struct {
	deliveryFilter `embed:""`
	Out            string `help:"Write to this file, which appears once it is whole; standard output if not given." placeholder:"FILE"`
	Format         string `help:"csv (a row for each attempt) or jsonl (a line for each notification); by the file's name if not given, else csv." placeholder:"FORMAT"`
}

func (x deliveriesExport) Run(ctx context.Context, a *app) error {
	if x.Format == "" {
		x.Format = "csv"
		if ext := strings.ToLower(filepath.Ext(x.Out)); ext == ".jsonl" || ext == ".ndjson" {
			x.Format = "jsonl"
		}
	}
	if x.Format != "csv" && x.Format != "jsonl" {
		return unusable("--format %q: the formats are csv and jsonl", x.Format)
	}
	c, audit, err := a.audit(ctx)
	if err != nil {
		return err
	}
	defer audit.Close()
	f, err := x.filter(c, time.Now())
	if err != nil {
		return err
	}
	if x.Out == "" || x.Out == "-" {
		_, err := export(ctx, a.out, audit, f, x.Format, c.Timezone)
		return err
	}
	var n int
	err = wholeFile(x.Out, func(w io.Writer) (err error) {
		n, err = export(ctx, w, audit, f, x.Format, c.Timezone)
		return err
	})
	if err == nil {
		fmt.Fprintf(a.err, "%d notifications are in %s.\n", n, x.Out)
	}
	return err
}

// wholeFile writes a file, readable by its owner alone, that appears under its
// name when it is whole. A file that was there is replaced.
func wholeFile(name string, write func(io.Writer) error) error {
	switch info, err := os.Stat(name); {
	case err == nil && !info.Mode().IsRegular():
		return unusable("--out %s: this is not a file", name)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return unusable("--out %s: %w", name, err)
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".export-*") // mode 0600
	if err != nil {
		return unusable("--out %s: %w", name, err)
	}
	defer os.Remove(f.Name())
	if err = errors.Join(write(f), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}

// export writes what a filter lets pass, a page at a time, and returns how
// many notifications it were. What it keeps in memory does not grow with them,
// and nothing is held open in the database while it waits for its reader.
func export(ctx context.Context, out io.Writer, audit *store.Audit, f visa.AuditFilter, format string, zone *time.Location) (n int, err error) {
	buffered := bufio.NewWriterSize(out, 64<<10)
	write := jsonLines(buffered, zone)
	if format == "csv" {
		write = csvRows(buffered, zone)
	}
	if err := write(nil); err != nil {
		return 0, err
	}
	for from := int64(0); ; {
		page, next, err := audit.Page(ctx, f, from, false, auditPage)
		if err != nil {
			return n, err
		}
		for i := range page {
			if err := write(&page[i]); err != nil {
				return n, fmt.Errorf("write the export: %w", err)
			}
		}
		n += len(page)
		if from = next; from == 0 {
			break
		}
	}
	if err := buffered.Flush(); err != nil {
		return n, fmt.Errorf("write the export: %w", err)
	}
	return n, nil
}

// jsonLines writes a line for an entry, and nothing for nil.
func jsonLines(out io.Writer, zone *time.Location) func(*visa.AuditEntry) error {
	e := encoder(out)
	return func(entry *visa.AuditEntry) error {
		if entry == nil {
			return nil
		}
		return e.Encode(entry.Record(zone))
	}
}

var csvHeader = []string{"id", "chat", "chat_state", "reference", "lane", "kind", "state", "reason", "created_at", "not_before",
	"use_until", "ended_at", "failures", "ambiguous", "attempt", "attempt_started_at", "attempt_ended_at", "attempt_result", "attempt_code",
	"attempt_reason", "attempt_ambiguous", "attempt_sender"}

// csvRows writes a row for each attempt of an entry, one without attempts for
// an entry that has none, and the header for nil. It buffers in out alone.
func csvRows(out *bufio.Writer, zone *time.Location) func(*visa.AuditEntry) error {
	w := csv.NewWriter(out)
	at := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.In(zone).Format(time.RFC3339Nano)
	}
	return func(e *visa.AuditEntry) error {
		if e == nil {
			return w.Write(csvHeader)
		}
		row := []string{strconv.FormatInt(e.ID, 10), e.Chat, string(e.ChatState), e.Reference, e.Lane.String(), string(e.Kind), string(e.State),
			e.Reason, at(e.CreatedAt), at(e.NotBefore), at(e.UseUntil), at(e.EndedAt), strconv.Itoa(e.Failures), strconv.Itoa(e.Ambiguous())}
		own := len(row)
		if len(e.Attempts) == 0 {
			_ = w.Write(append(row, make([]string, len(csvHeader)-own)...)) // Error tells
		}
		n := 0
		for _, t := range e.Attempts {
			number := ""
			if t.Result != visa.AttemptReplayed {
				n++
				number = strconv.Itoa(n)
			}
			_ = w.Write(append(row[:own], number, at(t.StartedAt), at(t.EndedAt), t.Result, strconv.Itoa(t.Code), t.Reason,
				strconv.FormatBool(t.Ambiguous), strconv.FormatInt(t.Sender, 10)))
		}
		return w.Error()
	}
}
