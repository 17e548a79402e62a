package register_test

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFilesThatAreNotUsable(t *testing.T) {
	const good = "Application Number,Decision\n20417733,Approved\n"
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	z.Write([]byte(strings.Repeat(good, 5000)))
	z.Close()
	tests := []struct{ name, file, content, says string }{
		{"empty", "2026-09-10.csv", "", "it is empty"},
		{"blank lines alone", "2026-09-10.csv", "\n\r\n \n", "it is empty"},
		{"no such columns", "2026-09-10.csv", "a,b\n1,2\n", `wants the columns "application_number", "decision"`},
		{"one column missing", "2026-09-10.csv", "title\nApplication Number,Result\n20417733,Approved\n", `wants the columns "decision", which the header does not have (line 2)`},
		{"a column twice", "2026-09-10.csv", "Application Number,Decision,decision\n20417733,Approved,Refused\n", `stand twice: "decision"`},
		{"no header", "2026-09-10.csv", "20417733,Approved\n20417734,Approved\n", "wants the columns"},
		{"a header too far down", "2026-09-10.csv", strings.Repeat("title\n", 30) + good, "wants the columns"},
		{"a zip archive", "2026-09-10.csv", "PK\x03\x04\x00\x00", "spreadsheet or a zip archive"},
		{"a spreadsheet", "2026-09-10.xlsx", "PK\x03\x04\x00\x00", `".xlsx", which is not read`},
		{"a PDF", "2026-09-10.csv", "%PDF-1.7\n", "it is a PDF"},
		{"gzip without the name", "2026-09-10.csv", zipped.String(), "let its name end in .gz"},
		{"UTF-16", "2026-09-10.csv", "\xff\xfea\x00", "UTF-16"},
		{"binary", "2026-09-10.csv", good + "\x00\x01", "line 3 holds bytes that are no text"},
		{"mixed encodings", "2026-09-10.csv", good + "20417734,Одобрено\n20417735,\xce\xe4\xee\n", "line 4 is not UTF-8"},
		{"one very long line", "2026-09-10.csv", strings.Repeat("x", 3<<20), "more than 1 MiB"},
		{"very many columns", "2026-09-10.csv", strings.Repeat("x,", 5000), "more than 1,000 columns"},
		{"no as-of", "decisions.csv", good, "its as-of date is not known"},
		{"two dates in its name", "2026-09-10-2026-09-11.csv", good, "its name holds two dates, 2026-09-10 and 2026-09-11"},
		{"an as-of in the future", "2026-11-23.csv", good, "2026-11-23 lies in the future"},
		{"a row dated in the future", "x.csv", "listed_on,Application Number,Decision\n2026-09-10,20417733,Approved\n2062-09-10,20417734,Approved\n", "from line 3, is wrong: 2062-09-10 lies in the future"},
		{"a wrong profile for all rows", "2026-09-10.csv", "Application Number,Decision\n20417733,granted\n20417734,denied\n", "not one of its 2 rows can be read"},
		{"not JSON Lines", "2026-09-10.jsonl", good, "no line begins with {"},
		{"an unknown extension", "2026-09-10.doc", good, `".doc", which is not read`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := refused(t, options(delhi(t), write(t, tt.file, tt.content)), newMemory())
			if !strings.Contains(got, tt.says) {
				t.Errorf("%s\ndoes not say %q", got, tt.says)
			}
		})
	}
	raw := func(name string, data []byte) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	damaged := bytes.Clone(zipped.Bytes())
	damaged[len(damaged)-5] ^= 0xff
	for _, tt := range []struct{ name, path, says string }{
		{"gzip cut off", raw("2026-09-10.csv.gz", zipped.Bytes()[:zipped.Len()-20]), "cut off"},
		{"gzip damaged", raw("2026-09-10.csv.gz", damaged), "damaged"},
		{"no gzip", raw("2026-09-10.csv.gz", []byte(good)), "it is not gzip"},
		{"a folder", t.TempDir(), "it is a folder"},
		{"no such file", filepath.Join(t.TempDir(), "none.csv"), "no such file"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := refused(t, options(delhi(t), tt.path), newMemory()); !strings.Contains(got, tt.says) {
				t.Errorf("%s\ndoes not say %q", got, tt.says)
			}
		})
	}
	t.Run("one bad file among good ones", func(t *testing.T) {
		o := options(delhi(t), write(t, "2026-09-10.csv", good), write(t, "2026-09-11.csv", ""))
		refused(t, o, newMemory())
	})
	t.Run("an --as-of that is no date", func(t *testing.T) {
		o := options(delhi(t), write(t, "2026-09-10.csv", good))
		o.AsOf = "10.09.2026"
		if got := refused(t, o, newMemory()); !strings.Contains(got, "--as-of is \"10.09.2026\"; write a date") {
			t.Error(got)
		}
	})
}

func TestAGzipBombIsStopped(t *testing.T) {
	var b bytes.Buffer
	z, _ := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	chunk := bytes.Repeat(append(bytes.Repeat([]byte("a"), 1023), '\n'), 1<<10)
	for range 80 {
		z.Write(chunk)
	}
	z.Close()
	path := filepath.Join(t.TempDir(), "2026-09-10.csv.gz")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := refused(t, options(delhi(t), path), newMemory()); !strings.Contains(got, "more than 200 times") {
		t.Error(got)
	}
}

func TestColumnsWithoutAProfileThatAreNotUsable(t *testing.T) {
	tests := []struct{ name, content, says string }{
		{"an unknown column", "reference,version,procedure,stage,colour\n20417733,1,visa,received,red\n", `unknown columns "colour"; without a profile the columns are reference, version`},
		{"a column twice", "reference,version,Reference\n20417733,1,20417733\n", `stand twice: "Reference"`},
		{"leave_by and deadlines.leave_by", "reference,version,leave_by,deadlines.leave_by\n", "stand twice"},
		{"no reference", "version,procedure,stage\n1,visa,received\n", "no column reference"},
		{"nothing known", "a,b\n", "no column is known"},
		{"no version and no as-of", "reference,procedure,stage\n20417733,visa,received\n", "give --as-of YYYY-MM-DD"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := refused(t, options(nil, write(t, "in.csv", tt.content)), newMemory())
			if !strings.Contains(got, tt.says) {
				t.Errorf("%s\ndoes not say %q", got, tt.says)
			}
		})
	}
}

func TestCellsThatAreRefused(t *testing.T) {
	tests := []struct{ name, cells, says string }{
		{"scientific notation", "2.0417733E7,Approved", "scientific notation that has lost digits; format the column as text"},
		{"scientific notation with a comma", `"2,0417733E+07",Approved`, "scientific notation"},
		{"decimals", "20417733.0,Approved", "a number with decimals"},
		{"lost leading zeros", "417733,Approved", "has 6 characters, those of this source have 8; leading zeros may have been lost"},
		{"too many digits", "204177331,Approved", "has 9 characters; those of this source have 8"},
		{"an error of a formula", "#REF!12,Approved", "only letters A to Z and digits"},
		{"an outcome the profile does not map", "20417733,Pending", `outcome is "Pending"; the profile maps "Approved", "Refused"`},
		{"an empty outcome", "20417733,", "outcome is empty"},
		{"a cell too many", "20417733,Approved,x", "has 3 cells, the header has 2"},
		{"text after a quotation mark", `20417733,"Approved"x`, "text after a closing quotation mark"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := write(t, "2026-09-10.csv", "Application Number,Decision\n20417732,Approved\n"+tt.cells+"\n20417739,Refused\n")
			sum := load(t, options(delhi(t), path), newMemory())
			if sum.Applied != 2 || sum.Rejected != 1 {
				t.Fatalf("%+v", sum)
			}
			got := strings.ReplaceAll(read(t, path+".rejected.csv"), `""`, `"`)
			if !strings.Contains(got, tt.says) || !strings.Contains(got, "\n3,") {
				t.Errorf("%s\ndoes not say %q", got, tt.says)
			}
		})
	}
}

func TestCellsThatAreForgiven(t *testing.T) {
	path := write(t, "2026-09-10.csv", "APPLICATION  NUMBER ,decision\n"+
		"'00417731,approved\n\"=\"\"00417732\"\"\", REFUSED \n0041 7733,\"Approved\"\n\u00a000417734\u00a0,aPPROVED\nAPPLICATION  NUMBER ,decision\n,\n00417735,Refused")
	m := newMemory()
	sum := load(t, options(delhi(t), path), m)
	if sum.Applied != 5 || sum.Rejected != 0 || sum.Ignored != 1 || len(m.known) != 5 {
		t.Errorf("%+v", sum)
	}
	for _, r := range []string{"00417731", "00417732", "00417733", "00417734", "00417735"} {
		if _, ok := m.known[ref(t, r)]; !ok {
			t.Errorf("%s is not known", r)
		}
	}
}

func TestADateInTheFutureRejectsACountedRow(t *testing.T) {
	o := options(delhi(t), write(t, "x.csv", "listed_on,Application Number,Decision\n2062-09-10,20417733,Approved\n2026-09-10,20417734,Approved\n"))
	o.AsOf = "2026-09-10"
	sum := load(t, o, newMemory())
	if sum.Applied != 1 || sum.Rejected != 1 || !strings.Contains(read(t, sum.Files[0].Rejects), "in the future") {
		t.Errorf("%+v", sum)
	}
}

func TestARowThatIsTooLongIsRejectedAlone(t *testing.T) {
	path := write(t, "2026-09-10.csv", "Application Number,Decision\n20417733,Approved\n20417734,"+strings.Repeat("x", 2<<20)+
		"\n20417735,Approved\n20417736,\"open\n"+strings.Repeat("x", 2<<20)+"\n20417737,Approved\n20417738,lost\n")
	sum := load(t, options(delhi(t), path), newMemory())
	if sum.Applied != 3 || sum.Rejected != 4 {
		t.Errorf("%+v", sum)
	}
	got := read(t, path+".rejected.csv")
	for _, want := range []string{"\n3,has more than 1 MiB", "\n5,has a quotation mark", "\n6,has more than 1 MiB", "\n8,\"outcome is"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in %q", want, got)
		}
	}
}

func TestTheRejectedRowsGoToTheWorkingFolderWhereTheirOwnIsReadOnly(t *testing.T) {
	path := write(t, "2026-09-10.csv", "Application Number,Decision\n20417733,Approved\n20417734,lost\n")
	// A folder in the file's place cannot be written even by root.
	if err := os.Mkdir(path+".rejected.csv", 0o700); err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	sum := load(t, options(delhi(t), path), newMemory())
	if sum.Files[0].Rejects != "2026-09-10.csv.rejected.csv" || !strings.Contains(read(t, "2026-09-10.csv.rejected.csv"), "20417734") {
		t.Errorf("%+v", sum)
	}
}
