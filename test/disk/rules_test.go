package disk

import (
	"fmt"
	"strings"
	"testing"
)

const wal = "/data/k.db-wal"

// frame writes a page into the log, from an offset on; the last one commits.
func frame(offset int, page string, commits bool) string {
	mark := `\0\0\0\0`
	if commits {
		mark = `\0\0\0\2`
	}
	return fmt.Sprintf("1 1.0 pwrite64(8<%s>, \"\\0\\0\\0\\1%s\\1\\2\\3\\4\\1\\2\\3\\4\\1\\2\\3\\4\\1\\2\\3\\4\", 24, %d) = 24\n", wal, mark, offset) +
		fmt.Sprintf("1 1.0 pwrite64(8<%s>, %q, %d, %d) = %d\n", wal, page, len(page), offset+24, len(page))
}

const synced = "1 1.0 fsync(8<" + wal + ">) = 0\n"

func TestAnAcknowledgementNeedsASyncBetweenTheLastWriteAndItself(t *testing.T) {
	const asked = "1 1.0 read(9<socket:[5]>, \"PUT fact-x-000001\", 4096) = 17\n"
	const answered = "2 1.0 write(9<socket:[5]>, \"HTTP/1.1 200 OK\\r\\n\\r\\n\", 19) = 19\n"
	row := frame(32, "fact-x-000001", true)
	tests := []struct {
		name  string
		lines string
		wrong bool
	}{
		{name: "written, synced, answered", lines: asked + row + synced + answered},
		{name: "synced under another name of the call", lines: asked + row + strings.Replace(synced, "fsync", "fdatasync", 1) + answered},
		{name: "a later transaction that holds it too need not be synced", lines: asked + row + synced + frame(69, "fact-x-000001 fact-x-000002", true) + answered},
		{name: "never synced", lines: asked + row + answered, wrong: true},
		{name: "never written", lines: asked + synced + answered, wrong: true},
		{name: "synced after the answer", lines: asked + row + answered + synced, wrong: true},
		{name: "synced before the last page", lines: asked + frame(32, "fact-x-000001", false) + synced + frame(69, "index", true) + answered, wrong: true},
		{name: "another file synced", lines: asked + row + strings.Replace(synced, wal, "/data/k.db", 1) + answered, wrong: true},
		{name: "a sync that failed", lines: asked + row + strings.Replace(synced, "= 0", "= -1 EIO (Input/output error)", 1) + answered, wrong: true},
		{name: "a sync that has not come back", wrong: true,
			lines: asked + row + "1 1.0 fsync(8<" + wal + "> <unfinished ...>\n" + answered + "1 1.0 <... fsync resumed>) = 0\n"},
		{name: "a sync that came back in time", lines: asked + row + "1 1.0 fsync(8<" + wal + "> <unfinished ...>\n" +
			"2 1.0 read(3</x>, \"\", 1) = 0\n1 1.0 <... fsync resumed>) = 0\n" + answered},
		{name: "a sync that began before the last write came back", wrong: true, lines: asked + frame(32, "fact-x-000001", false) +
			"3 1.0 fsync(8<" + wal + "> <unfinished ...>\n" + frame(69, "index", true) + "3 1.0 <... fsync resumed>) = 0\n" + answered},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tr, err := parse(strings.NewReader(tt.lines))
			if err != nil {
				t.Fatal(err)
			}
			l, err := logOf(tr, wal)
			if err != nil {
				t.Fatal(err)
			}
			s := &scene{t: t}
			found := l.violations([]acknowledgement{{kind: "x", facts: []fact{{word: "fact-x-000001"}}, line: s.answer(tr, "fact-x-000001")}})
			if (len(found) > 0) != tt.wrong {
				t.Errorf("found %v in\n%s", found, tt.lines)
			}
		})
	}
}

func TestACommandThatPrintsHasSyncedAllThatItCommitted(t *testing.T) {
	first, second := frame(32, "fact-x-000001", true), frame(69, "index", true)
	for _, tt := range []struct {
		name, lines string
		wrong       bool
	}{
		{name: "each synced", lines: first + synced + second + synced},
		{name: "both by one sync", lines: first + second + synced},
		{name: "the second one not", lines: first + synced + second, wrong: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tr, err := parse(strings.NewReader(tt.lines + "1 1.0 write(1<pipe:[4]>, \"done\\n\", 5) = 5\n"))
			if err != nil {
				t.Fatal(err)
			}
			l, err := logOf(tr, wal)
			if err != nil {
				t.Fatal(err)
			}
			s := &scene{t: t}
			found := l.violations([]acknowledgement{{kind: "x", facts: []fact{{word: "fact-x-000001"}}, all: true, line: s.printed(tr)}})
			if (len(found) > 0) != tt.wrong {
				t.Errorf("found %v in\n%s", found, tt.lines)
			}
		})
	}
}

func TestATraceThatIsNotUnderstoodIsAnError(t *testing.T) {
	for _, tt := range []struct{ name, lines string }{
		{"a line of something else", "strace: something\n"},
		{"an end without a beginning", "1 1.0 <... read resumed>\"x\", 1) = 1\n"},
		{"a text without an end", "1 1.0 read(3</x>, \"abc\n"},
		{"a call without a result", "1 1.0 read(3</x>, \"abc\", 3)\n"},
		{"a page that is cut short", strings.Replace(frame(32, "page", true), `"page"`, `"pa"...`, 1)},
		{"a write that took only half", strings.Replace(frame(32, "page", true), "= 4\n", "= 2\n", 1)},
		{"a page at the wrong place", strings.Replace(frame(32, "page", true), "4, 56)", "4, 57)", 1)},
		{"a transaction without an end", frame(32, "page", false)},
		{"a log written by another call", "1 1.0 pwritev(8<" + wal + ">, [{iov_base=\"x\", iov_len=1}], 1, 32) = 1\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tr, err := parse(strings.NewReader(tt.lines))
			if err == nil {
				_, err = logOf(tr, wal)
			}
			if err == nil {
				t.Error("it was understood")
			}
		})
	}
}

func TestTextsAreReadAsTheBytesTheyStandFor(t *testing.T) {
	const line = `12 3.4 writev(7<socket:[8]>, [{iov_base="a\0b\377\"\\", iov_len=6}, {iov_base="\n\0019", iov_len=3}], 2) = 9` + "\n"
	tr, err := parse(strings.NewReader(line))
	if err != nil {
		t.Fatal(err)
	}
	if got := tr.calls[0]; got.data != "a\x00b\xff\"\\\n\x019" || got.path != "socket:[8]" || got.fd != 7 || got.ret != 9 {
		t.Errorf("read as %+v", got)
	}
}
