package register_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kabarchy/profiles"
	"kabarchy/register"
	"kabarchy/visa"
)

func delhi(t testing.TB) *register.Profile {
	t.Helper()
	p, err := register.LoadProfile("delhi-visa-decisions", profiles.FS)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// write puts a file into a folder of the test; .gz is compressed.
func write(t testing.TB, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	data := []byte(content)
	if strings.HasSuffix(name, ".gz") {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		z.Write(data)
		z.Close()
		data = b.Bytes()
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// load imports and fails the test on an error.
func load(t testing.TB, o register.Options, m *memory) register.Summary {
	t.Helper()
	sum, err := register.Import(context.Background(), o, m)
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

// refused imports what must not be usable, and returns why it is not.
func refused(t testing.TB, o register.Options, m *memory) string {
	t.Helper()
	known, feeds := len(m.known), len(m.feeds)
	sum, err := register.Import(context.Background(), o, m)
	var u *register.UnusableError
	if !errors.As(err, &u) || sum.ExitCode() != 2 {
		t.Fatalf("imported with error %v, exit status %d", err, sum.ExitCode())
	}
	if len(m.known) != known || len(m.feeds) != feeds {
		t.Fatal("something changed")
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("the error has more than one line: %v", err)
	}
	return err.Error()
}

func realRows(t testing.TB, keep func(day string) bool) string {
	t.Helper()
	data, err := os.ReadFile("testdata/visa-decisions.csv")
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for i, line := range strings.SplitAfter(string(data), "\n") {
		if i == 0 || len(line) > 10 && keep(line[:10]) {
			b.WriteString(line)
		}
	}
	return b.String()
}

func TestTheRealRegisterIsImportedDayByDay(t *testing.T) {
	m := newMemory()
	const lastDay = "2026-09-09"
	earlier := write(t, "earlier.csv", realRows(t, func(d string) bool { return d < lastDay }))
	last := write(t, "last.csv", realRows(t, func(d string) bool { return d == lastDay }))

	sum := load(t, options(delhi(t), earlier), m)
	if sum.Rows != 1032 || sum.Applied != 1032 || sum.New != 1032 || sum.ExitCode() != 0 {
		t.Fatalf("earlier days: %+v", sum)
	}
	for line := range strings.SplitSeq(realRows(t, func(d string) bool { return d == lastDay }), "\n") {
		if cells := strings.Split(line, ","); len(cells) == 3 && cells[0] == lastDay && len(m.followed) < 3 {
			m.followed[ref(t, cells[1])] = true
		}
	}
	sum = load(t, options(delhi(t), last), m)
	if sum.Rows != 291 || sum.Applied != 291 || sum.Told != 3 || len(m.told) != 3 {
		t.Fatalf("the last day: %+v", sum)
	}
	if f := m.feeds[1]; f.Source != "delhi-visa-decisions" || f.Origin != "last.csv" || !f.Complete ||
		!f.AsOf.Equal(time.Date(2026, 9, 9, 23, 59, 59, 0, bishkek)) {
		t.Errorf("feed %+v", f)
	}
	sum = load(t, options(delhi(t), last), m)
	if sum.Applied != 0 || sum.Duplicate != 291 || sum.Told != 0 || sum.ExitCode() != 0 {
		t.Errorf("once more: %+v", sum)
	}
	if got := refused(t, options(delhi(t), earlier), m); !strings.Contains(got, "2026-09-08 23:59:59 +06:00") || !strings.Contains(got, "2026-09-09 23:59:59 +06:00") {
		t.Errorf("the older file: %s", got)
	}
	// Numbers of a family lie side by side with opposite outcomes.
	if a, b := m.known[ref(t, "75825391")], m.known[ref(t, "75825392")]; a.Outcome != visa.OutcomeApproved || b.Outcome != visa.OutcomeRefused {
		t.Errorf("75825391 is %s, 75825392 is %s", a.Outcome, b.Outcome)
	}
	if a := m.known[ref(t, "75825391")]; a.Stage != visa.StageDecided || a.Procedure != visa.ProcedureVisa || visa.DateOf(a.UpdatedAt.In(bishkek)).String() < "2026-07-12" {
		t.Errorf("75825391 is %+v", a)
	}
}

func TestFilesOfTheRealSourceInOtherForms(t *testing.T) {
	const titled = "Visa decisions,\r\n\"Embassy, New Delhi\",\r\n,\r\nApplication Number,Decision\r\n" +
		"00417733,APPROVED\r\n 75825391 , refused \r\nPlease do not telephone about decisions.\r\n,Remark: closed on Friday\r\n\r\n75825392,Approved\r\n"
	tests := []struct {
		name, file, content, asOf string
		want                      time.Time
	}{
		{"the date in the file's name", "decisions-2026-09-10.csv", titled, "", time.Date(2026, 9, 10, 23, 59, 59, 0, bishkek)},
		{"a date given", "decisions.csv", titled, "2026-09-10", time.Date(2026, 9, 10, 23, 59, 59, 0, bishkek)},
		{"a time given", "decisions.csv", titled, "2026-09-10T20:05:00+06:00", time.Date(2026, 9, 10, 20, 5, 0, 0, bishkek)},
		{"a date given wins over the name", "d_20260910.csv", titled, "2026-09-11", time.Date(2026, 9, 11, 23, 59, 59, 0, bishkek)},
		{"today is not over", "d_22.11.2026.csv", titled, "", now},
		{"gzipped", "decisions 2026-09-10.csv.gz", titled, "", time.Date(2026, 9, 10, 23, 59, 59, 0, bishkek)},
		{"semicolons and a byte order mark", "2026-09-10.csv", "\ufeff" + strings.ReplaceAll(titled, ",", ";"), "", time.Date(2026, 9, 10, 23, 59, 59, 0, bishkek)},
		{"tabs", "2026-09-10.tsv", strings.ReplaceAll(titled, ",", "\t"), "", time.Date(2026, 9, 10, 23, 59, 59, 0, bishkek)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := newMemory()
			o := options(delhi(t), write(t, tt.file, tt.content))
			o.AsOf = tt.asOf
			sum := load(t, o, m)
			if sum.Rows != 5 || sum.Applied != 3 || sum.Ignored != 2 || sum.Rejected != 0 {
				t.Errorf("%+v", sum)
			}
			if !m.feeds[0].AsOf.Equal(tt.want) {
				t.Errorf("as of %s; want %s", m.feeds[0].AsOf, tt.want)
			}
			if a := m.known[ref(t, "00417733")]; a.Outcome != visa.OutcomeApproved {
				t.Errorf("the reference with leading zeros is %+v", a)
			}
		})
	}
}

func TestCountedVersionsGrowOnlyWhereContentChanged(t *testing.T) {
	m := newMemory()
	first := write(t, "2026-09-10.csv", "Application Number,Decision\n20417733,Refused\n20417734,Approved\n")
	second := write(t, "2026-09-11.csv", "Application Number,Decision\n20417733,Approved\n20417734,Approved\n")
	load(t, options(delhi(t), second, first), m) // taken in the order of their dates
	if a := m.known[ref(t, "20417733")]; a.Version != 2 || a.Outcome != visa.OutcomeApproved {
		t.Errorf("%+v", a)
	}
	if a := m.known[ref(t, "20417734")]; a.Version != 1 {
		t.Errorf("%+v", a)
	}
	if got := refused(t, options(delhi(t), first), m); !strings.Contains(got, "older than the last file") {
		t.Error(got)
	}
}

func TestAReferenceThatStandsTwice(t *testing.T) {
	m := newMemory()
	path := write(t, "2026-09-10.csv", "Application Number,Decision\n20417733,Refused\n20417733,Approved\n20417733,Refused\n20417734,Approved\n")
	sum := load(t, options(delhi(t), path), m)
	if sum.Applied != 2 || sum.Duplicate != 1 || sum.Rejected != 1 || sum.ExitCode() != 1 {
		t.Errorf("%+v", sum)
	}
	if a := m.known[ref(t, "20417733")]; a.Outcome != visa.OutcomeRefused {
		t.Errorf("the first row does not count: %+v", a)
	}
	const want = "line,reason,Application Number,Decision\n3,stands twice in this file with other content (line 2); that line counts,20417733,Approved\n"
	if got := read(t, path+".rejected.csv"); got != want {
		t.Errorf("rejected:\n%s\nwant:\n%s", got, want)
	}
}

func read(t testing.TB, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestADryRunSaysWhatWouldHappenAndChangesNothing(t *testing.T) {
	m := newMemory()
	m.followed[ref(t, "75825391")] = true
	o := options(delhi(t), "testdata/visa-decisions.csv")
	o.DryRun = true
	sum := load(t, o, m)
	if sum.Applied != 1323 || sum.Told != 1 || len(m.known) != 0 || len(m.feeds) != 0 || len(m.told) != 0 {
		t.Errorf("%+v; %d known", sum, len(m.known))
	}
}

func TestRejectedRowsAreWrittenWithoutProofs(t *testing.T) {
	path := write(t, "in.csv", "reference,version,procedure,stage,outcome,proof\n"+
		"20417733,1,visa,received,,SECRET1\n"+
		"20417734,x,visa,received,,SECRET2\n"+
		"20417735,1,visa,received,SECRET3\n"+
		"\"2041\n7736\",1,visa,decided,,SECRET4\n"+
		"20417737,1,visa,\"received,,SECRET5\n"+
		"20417738,1,visa,lost,,SECRET6\n")
	m := newMemory()
	sum := load(t, options(nil, path), m)
	if sum.Rows != 6 || sum.Applied != 1 || sum.Rejected != 5 || sum.ExitCode() != 1 {
		t.Errorf("%+v", sum)
	}
	got := read(t, sum.Files[0].Rejects)
	if strings.Contains(got, "SECRET") {
		t.Errorf("a proof was written:\n%s", got)
	}
	for _, want := range []string{"\n3,\"version is \"\"x", "\n4,\"has 5 cells, the header has 6", "\n5,\"outcome is missing", "\n7,has a quotation mark that is never closed", "\n8,\"stage is \"\"lost\"\""} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in:\n%s", want, got)
		}
	}
	if m.proofs[ref(t, "20417733")] != "SECRET1" {
		t.Error("the proof did not reach the recorder")
	}
	if info, err := os.Stat(sum.Files[0].Rejects); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestColumnsThatAreTheUpdatesFields(t *testing.T) {
	path := write(t, "in.csv", "Reference;Version;updated_at;procedure;campaign;stage;outcome;document.kind;document_valid_from;document.valid_until;leave_by;deadlines;submitted_on;reason;proof;\n"+
		"0041-7733;7;2025-06-20T09:15:00+06:00;exit_visa;legalization-2025;decided;approved;exit_visa;2025-06-20;2025-07-05;2025-07-05;collect_by=2025-06-30;2025-06-02;documents_missing;AB12;\n"+
		"20417734;1;2025-06-20 09:15;visa;;received;;;;;;;;some text;;\n")
	m := newMemory()
	sum := load(t, options(nil, path), m)
	if sum.Applied != 2 || sum.ReasonsDropped != 1 || sum.ExitCode() != 0 {
		t.Fatalf("%+v", sum)
	}
	line := string(visa.AppendUpdate(nil, visa.Update{Reference: ref(t, "00417733"), Version: 7, UpdatedAt: m.known[ref(t, "00417733")].UpdatedAt, Statement: m.known[ref(t, "00417733")].Statement}))
	const want = `{"reference":"00417733","version":7,"updated_at":"2025-06-20T03:15:00Z","procedure":"exit_visa","campaign":"legalization-2025","stage":"decided","outcome":"approved",` +
		`"document":{"kind":"exit_visa","valid_from":"2025-06-20","valid_until":"2025-07-05"},"deadlines":[{"kind":"leave_by","date":"2025-07-05"},{"kind":"collect_by","date":"2025-06-30"}],"submitted_on":"2025-06-02","reason":"documents_missing"}`
	if line != want {
		t.Errorf("got  %s\nwant %s", line, want)
	}
	if a := m.known[ref(t, "20417734")]; !a.UpdatedAt.Equal(time.Date(2025, 6, 20, 9, 15, 0, 0, bishkek)) || a.Reason != "" {
		t.Errorf("%+v", a)
	}
	if f := m.feeds[0]; f.Source != register.UndatedSource || !f.AsOf.Equal(now) {
		t.Errorf("feed %+v", f)
	}
}

func TestAnUndatedFileDoesNotMakeADatedOneLookOld(t *testing.T) {
	m := newMemory()
	load(t, options(nil, write(t, "a.csv", "reference,version,procedure,stage\n20417733,1,visa,received\n")), m)
	o := options(nil, write(t, "b.csv", "reference,procedure,stage\n20417734,visa,received\n"))
	o.AsOf = "2025-06-20"
	if sum := load(t, o, m); sum.Applied != 1 {
		t.Errorf("%+v", sum)
	}
}

func TestJSONLines(t *testing.T) {
	path := write(t, "in.jsonl", `{"reference":"00417733","version":1,"procedure":"visa","stage":"received","reason":"free text"}`+"\n\n"+
		`{"reference":"20417734","version":"1","procedure":"visa","stage":"received","proof":"SECRET"}`+"\r\n"+
		`{"reference":"20417735","proof":"SECRET`+"\n"+
		`{"reference":"00417733","version":1,"procedure":"visa","stage":"in_processing","proof":"SECRET"}`+"\n"+
		`{"reference":"00417733","version":2,"procedure":"visa","stage":"in_processing"}`)
	m := newMemory()
	sum := load(t, options(nil, path), m)
	if sum.Rows != 5 || sum.Applied != 2 || sum.Rejected != 2 || sum.Conflict != 1 || sum.ReasonsDropped != 1 || sum.ExitCode() != 1 {
		t.Errorf("%+v", sum)
	}
	got := read(t, path+".rejected.csv")
	if strings.Contains(got, "SECRET") {
		t.Errorf("a proof was written:\n%s", got)
	}
	for _, want := range []string{"line,reason,text\n", "\n3,\"version must be", "\n4,not one JSON object", "\n5,conflict: version 1"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in:\n%s", want, got)
		}
	}
}

func TestJSONLinesThroughAProfile(t *testing.T) {
	p, err := register.ParseProfile("permits", []byte(`{"columns":{"reference":"number","stage":"state","deadlines.leave_by":"leave","proof":"pass"},
		"values":{"stage":{"open":"in_processing","1":"received"}},"fixed":{"procedure":"single_permit"},"dates":["DD.MM.YYYY"],
		"version":{"date_column":"changed"},"as_of":{"column":"changed"}}`))
	if err != nil {
		t.Fatal(err)
	}
	path := write(t, "in.ndjson", `{"number":"00417733","state":"OPEN","changed":"20.06.2025","leave":"05.07.2025","other":{"a":[1]},"pass":"AB12"}`+"\n"+
		`{"number":20417734,"state":"open","changed":"19.06.2025","pass":"SECRET"}`+"\n"+
		`{"number":"20417735","state":1,"changed":"18.06.2025","leave":null}`+"\n"+
		`{"number":"20417736","state":["open"],"changed":"18.06.2025"}`+"\n")
	m := newMemory()
	sum := load(t, options(p, path), m)
	if sum.Applied != 2 || sum.Rejected != 2 {
		t.Errorf("%+v", sum)
	}
	a := m.known[ref(t, "00417733")]
	if d, ok := a.Deadline(visa.LeaveBy); !ok || d.Date.String() != "2025-07-05" || a.Stage != visa.StageInProcessing || a.Version != time.Date(2025, 6, 20, 0, 0, 0, 0, bishkek).Unix() {
		t.Errorf("%+v", a)
	}
	if got := read(t, path+".rejected.csv"); strings.Contains(got, "SECRET") || !strings.Contains(got, "reference is a number, in which leading zeros are lost") {
		t.Errorf("rejected:\n%s", got)
	}
	if !m.feeds[0].AsOf.Equal(time.Date(2025, 6, 20, 23, 59, 59, 0, bishkek)) {
		t.Errorf("feed %+v", m.feeds[0])
	}
}

func TestARecorderThatFailsLeavesWholeBatches(t *testing.T) {
	m := newMemory()
	m.failAfter = 2
	o := options(delhi(t), "testdata/visa-decisions.csv")
	o.BatchSize = 100
	sum, err := register.Import(context.Background(), o, m)
	if !errors.Is(err, errDisk) || sum.Applied != 200 || len(m.known) != 200 || len(m.feeds) != 0 || sum.ExitCode() != 1 {
		t.Fatalf("%v, %+v", err, sum)
	}
	m.failAfter = 0
	if sum := load(t, o, m); sum.Applied != 1123 || sum.Duplicate != 200 || len(m.known) != 1323 {
		t.Errorf("run again: %+v", sum)
	}
}

func TestOfTwoFilesOfOneDayTheFirstIsNotTakenInAgainAfterTheSecond(t *testing.T) {
	m := newMemory()
	dir := t.TempDir()
	write := func(name, decision string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte("listed_on,application_number,decision\n2026-11-20,11112222,"+decision+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	first, second := write("1.csv", "Approved"), write("2.csv", "Refused")
	load(t, options(delhi(t), first), m)
	load(t, options(delhi(t), second), m)
	load(t, options(delhi(t), second), m)
	if got := refused(t, options(delhi(t), first), m); !strings.Contains(got, "--as-of") {
		t.Errorf("the first file again: %s", got)
	}
	again := options(delhi(t), first)
	again.AsOf = "2026-11-21"
	if sum := load(t, again, m); sum.Applied != 1 {
		t.Errorf("said to be the latest: %+v", sum)
	}
}

func TestAFileWithoutRowsIsNotUsable(t *testing.T) {
	path := filepath.Join(t.TempDir(), "head.csv")
	if err := os.WriteFile(path, []byte("listed_on,application_number,decision\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	o := options(delhi(t), path)
	o.AsOf = "2026-11-20"
	refused(t, o, newMemory())
}

func TestAnImportThatBrokeOffStillKeepsAnOlderFileOut(t *testing.T) {
	m := newMemory()
	m.failAfter = 2
	o := options(delhi(t), "testdata/visa-decisions.csv")
	o.BatchSize = 100
	if _, err := register.Import(t.Context(), o, m); !errors.Is(err, errDisk) {
		t.Fatal(err)
	}
	m.failAfter = 0
	older := options(delhi(t), "testdata/visa-decisions.csv")
	older.AsOf = "2026-09-08"
	if got := refused(t, older, m); !strings.Contains(got, "older than the last file") {
		t.Errorf("the older file: %s", got)
	}
}

func TestACancelledImportStops(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	m := newMemory()
	o := options(delhi(t), "testdata/visa-decisions.csv")
	o.BatchSize = 10
	o.Progress = func(done, total, rows int64) {
		if rows >= 50 {
			cancel()
		}
		if done > total || total != 38221 {
			t.Errorf("progress %d of %d", done, total)
		}
	}
	sum, err := register.Import(ctx, o, m)
	if !errors.Is(err, context.Canceled) || sum.Applied > 100 || len(m.feeds) != 0 {
		t.Errorf("%v, %+v", err, sum)
	}
}

func TestProgressReachesTheEnd(t *testing.T) {
	var last, all int64
	o := options(delhi(t), "testdata/visa-decisions.csv")
	o.Progress = func(done, total, rows int64) { last, all = done, total }
	load(t, o, newMemory())
	if last != all || all != 38221 {
		t.Errorf("%d of %d", last, all)
	}
}

func TestTheSummaryIsPlain(t *testing.T) {
	m := newMemory()
	sum := load(t, options(delhi(t), "testdata/visa-decisions.csv"), m)
	sum.Took = 250 * time.Millisecond
	var b strings.Builder
	if err := sum.Print(&b, bishkek); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"visa-decisions.csv: 1,323 rows, as of Wednesday 9 September 2026, 23:59\n",
		"  applied          1,323  1,323 of them not known before\n",
		"1,323 rows in 250ms, 5,292 a second.\n",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in:\n%s", want, b.String())
		}
	}
}
