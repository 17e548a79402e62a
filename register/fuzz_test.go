package register

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"kabarchy/visa"
)

func FuzzParseProfile(f *testing.F) {
	f.Add([]byte(`{"columns":{"reference":["a","b"],"stage":"s"},"values":{"stage":{"x":"received","":null}},"fixed":{"procedure":"visa"},"version":{"date_column":"d"},"as_of":[{"column":"d"},{"file_name":"YYYYMMDD"}],"dates":["DD.MM.YYYY HH:mm"],"ignore_rows_where":{"reference":"^x"}}`))
	f.Add([]byte(`{"columns":{"reference":"a"},"version":"count"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := ParseProfile("fuzz", data)
		if err != nil {
			if _, ok := err.(*UnusableError); !ok {
				t.Fatalf("error is %T", err)
			}
			return
		}
		pl, _ := p.direct()
		m := newMapper(pl, p, &Options{Zone: time.UTC})
		m.latest = time.Now()
		cells := make([]string, len(pl.headings))
		for i := range cells {
			cells[i] = "20417733"
		}
		if u, err := m.update(cells); err == nil && u.Reference.String() != "20417733" {
			t.Fatalf("reference became %s", u.Reference.String())
		}
	})
}

// FuzzRows holds the reader of CSV against encoding/csv wherever that accepts
// the whole, and checks the promises of a mapped row wherever it does not.
func FuzzRows(f *testing.F) {
	f.Add([]byte("reference,version,procedure,stage\n00417733,1,visa,received\n\"2041\n7734\",2,visa,decided\n"))
	f.Add([]byte("a,\"b\"\"c\"\r\n\"open\nx,y\n\"z\"q,1\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		ours, whole := readRows(data)
		for i := 1; i < len(ours); i++ {
			if ours[i].line <= ours[i-1].line {
				t.Fatalf("line %d after line %d", ours[i].line, ours[i-1].line)
			}
		}
		m := newMapper(plainPlan(), nil, &Options{Zone: time.UTC})
		m.latest = time.Now()
		for _, r := range ours {
			u, err := m.update(r.cells)
			if err == nil && (u.Validate() != nil || u.Reference.IsZero() || u.Version < 1) {
				t.Fatalf("row %q became %+v", r.cells, u)
			}
		}
		// encoding/csv knows no mark, and takes a lone CR for a part of a line's end.
		if !whole || bytes.HasPrefix(data, []byte("\ufeff")) || bytes.Contains(data, []byte("\r")) {
			return
		}
		c := csv.NewReader(bytes.NewReader(data))
		c.FieldsPerRecord = -1
		theirs, err := c.ReadAll()
		if err != nil {
			return
		}
		var got [][]string
		for _, r := range ours {
			if len(r.cells) > 1 || r.cells[0] != "" || r.quotedEmpty(data) {
				got = append(got, r.cells)
			}
		}
		if !slices.EqualFunc(got, theirs, slices.Equal[[]string]) {
			t.Fatalf("%q\nours   %q\ntheirs %q", data, got, theirs)
		}
	})
}

// quotedEmpty tells a row of one empty cell in quotation marks from a blank
// line, which encoding/csv passes over.
func (r row) quotedEmpty(data []byte) bool {
	lines := bytes.Split(data, []byte("\n"))
	return len(lines[r.line-1]) > 0
}

func readRows(data []byte) (rows []row, whole bool) {
	c := csvRows{lines: newLines(bytes.NewReader(data)), comma: ','}
	for whole = true; ; {
		r, err := c.next()
		if err == io.EOF {
			return rows, whole
		}
		whole = whole && r.problem == ""
		rows = append(rows, r)
	}
}

func plainPlan() plan {
	pl, _, _ := findPlain([]string{"reference", "version", "procedure", "stage"})
	return pl
}

func TestManyLinesOfBrokenQuotesTakeNoLongerThanTheirLength(t *testing.T) {
	for _, line := range []string{"a,\"b\n", "\"\n", "a,\"\"\"\n", "x\"\n\"", "\"\"\"a\n"} {
		rows, _ := readRows([]byte(strings.Repeat(line, 100_000)))
		if len(rows) == 0 {
			t.Errorf("%q: no rows", line)
		}
	}
}

// accept is a Recorder that takes everything.
type accept struct{ results []visa.Recorded }

func (*accept) Overtaken(context.Context, string, string) (bool, error) { return false, nil }

func (a *accept) EndBatch(context.Context, visa.Batch) error { return nil }

func (a *accept) Record(_ context.Context, _ string, _ visa.Batch, u []visa.Update) ([]visa.Recorded, error) {
	if len(a.results) < len(u) {
		a.results = slices.Repeat([]visa.Recorded{{Result: visa.Applied, Version: 1}}, len(u))
	}
	return a.results[:len(u)], nil
}
func (a *accept) Preview(ctx context.Context, u []visa.Update) ([]visa.Recorded, error) {
	return a.Record(ctx, "", "", u)
}
func (a *accept) FinishFeed(context.Context, visa.Feed) error         { return nil }
func (a *accept) LastFeed(context.Context, string) (time.Time, error) { return time.Time{}, nil }

// BenchmarkImport reads 100,000 rows an iteration; ns/row is what counts.
func BenchmarkImport(b *testing.B) {
	const rows = 100_000
	rnd := rand.New(rand.NewPCG(1, 2))
	dir := b.TempDir()
	table, counted, lines := []byte("reference,version,updated_at,procedure,stage,outcome,document.kind,document.valid_until,leave_by,submitted_on\n"),
		[]byte("listed_on,application_number,decision\n"), []byte(nil)
	for i := range rows {
		ref := 10_000_000 + i*7
		day := visa.NewDate(2025, 6, 1+rnd.IntN(28))
		table = fmt.Appendf(table, "%d,7,%sT09:15:00+06:00,exit_visa,decided,approved,exit_visa,%s,%s,%s\n", ref, day, day+15, day+15, day-9)
		counted = fmt.Appendf(counted, "%s,%d,Approved\n", day, ref)
		lines = fmt.Appendf(lines, `{"reference":"%d","version":7,"updated_at":"%sT09:15:00+06:00","procedure":"exit_visa","stage":"decided","outcome":"approved","document":{"kind":"exit_visa","valid_until":"%s"},"deadlines":[{"kind":"leave_by","date":"%s"}],"submitted_on":"%s"}`+"\n", ref, day, day+15, day+15, day-9)
	}
	profile, err := os.ReadFile("../profiles/delhi-visa-decisions.json")
	if err != nil {
		b.Fatal(err)
	}
	delhi, err := ParseProfile("delhi", profile)
	if err != nil {
		b.Fatal(err)
	}
	for _, bb := range []struct {
		name    string
		data    []byte
		profile *Profile
	}{{"columns.csv", table, nil}, {"counted.csv", counted, delhi}, {"lines.jsonl", lines, nil}} {
		b.Run(bb.name, func(b *testing.B) {
			path := filepath.Join(dir, bb.name)
			if err := os.WriteFile(path, bb.data, 0o600); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				sum, err := Import(b.Context(), Options{Files: []string{path}, Profile: bb.profile, Zone: time.UTC, Now: time.Now}, &accept{})
				if err != nil || sum.Applied != rows {
					b.Fatal(err, sum)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rows, "ns/row")
		})
	}
}
