package register_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"kabarchy/profiles"
	"kabarchy/register"
)

func TestProfilesThatAreRefused(t *testing.T) {
	const columns = `"columns":{"reference":"number","stage":"state"},"fixed":{"procedure":"visa"}`
	tests := []struct{ name, profile, says string }{
		{"empty", ``, "it ends too early"},
		{"not JSON", `columns: number`, "invalid character"},
		{"an array", `[]`, "it must be one JSON object"},
		{"cut off", `{"columns":{`, "it ends too early"},
		{"two objects", `{} {}`, "after its end"},
		{"an unknown key", `{` + columns + `,"version":"count","colour":1}`, `unknown field "colour"`},
		{"a key twice", `{` + columns + `,"version":"count","version":"count"}`, "version stands twice"},
		{"an inner key twice", `{"columns":{"stage":"a","stage":"b"}}`, "columns.stage stands twice"},
		{"an unknown field", `{"columns":{"reference":"n","outcom":"x"},"version":"count"}`, "columns.outcom is not a field; the fields are updated_at"},
		{"version as a column", `{"columns":{"reference":"n","version":"v"},"version":"count"}`, `versions are stated by "version"`},
		{"no reference", `{"columns":{"stage":"s"},"fixed":{"procedure":"visa"},"version":"count"}`, "columns.reference is missing"},
		{"no stage", `{"columns":{"reference":"n"},"fixed":{"procedure":"visa"},"version":"count"}`, "stage is missing"},
		{"a column of no name", `{"columns":{"reference":" "},"version":"count"}`, "a column's name is empty"},
		{"a column of another type", `{"columns":{"reference":7},"version":"count"}`, "a column is named by a text"},
		{"both a column and fixed", `{"columns":{"reference":"n","stage":"s"},"fixed":{"procedure":"visa","stage":"decided"},"version":"count"}`, "stage is both a column and fixed"},
		{"a fixed reference", `{"columns":{"reference":"n","stage":"s"},"fixed":{"proof":"x"},"version":"count"}`, "fixed.proof cannot be the same"},
		{"a fixed word that is none", `{"columns":{"reference":"n","stage":"s"},"fixed":{"procedure":"travel"},"version":"count"}`, `fixed.procedure is "travel"; it must be one of visa`},
		{"a fixed date that does not exist", `{"columns":{"reference":"n","stage":"s"},"fixed":{"procedure":"visa","submitted_on":"2025-02-30"},"version":"count"}`, "write a date that exists"},
		{"a value that means no word", `{` + columns + `,"values":{"stage":{"a":"opened"}},"version":"count"}`, `values.stage is "opened"`},
		{"values without a column", `{` + columns + `,"values":{"outcome":{"a":"approved"}},"version":"count"}`, "values.outcome has no column"},
		{"a value that means two things", `{` + columns + `,"values":{"stage":{"A":"received","a ":"decided"}},"version":"count"}`, "means two things"},
		{"optional without a column", `{` + columns + `,"optional":["outcome"],"version":"count"}`, "optional: outcome"},
		{"no version", `{` + columns + `}`, "version is missing"},
		{"another version", `{` + columns + `,"version":"guess"}`, `version must be "count"`},
		{"a version of both kinds", `{` + columns + `,"version":{"column":"a","date_column":"b"}}`, `version must be "count"`},
		{"a version with an unknown key", `{` + columns + `,"version":{"col":"a"}}`, `unknown field "col"`},
		{"an as-of of nothing", `{` + columns + `,"version":"count","as_of":{}}`, "as_of must be"},
		{"an as-of of a bad form", `{` + columns + `,"version":"count","as_of":{"file_name":"date"}}`, `"date" is not a form of dates`},
		{"a bad form of dates", `{` + columns + `,"version":"count","dates":["dd.mm.yyyy"]}`, "write it with YYYY"},
		{"a form without a year", `{` + columns + `,"version":"count","dates":["DD.MM."]}`, "that can be read back"},
		{"a form with two months", `{` + columns + `,"version":"count","dates":["YYYY-MM-DD MM"]}`, "has MM twice"},
		{"a bad delimiter", `{` + columns + `,"version":"count","delimiter":"::"}`, "delimiter is"},
		{"a bad width", `{` + columns + `,"version":"count","reference_width":3}`, "reference_width is 3"},
		{"a bad skip", `{` + columns + `,"version":"count","skip":-1}`, "skip is -1"},
		{"a bad pattern", `{` + columns + `,"version":"count","ignore_rows_where":{"reference":"["}}`, "is not a regular expression"},
		{"an ignored field without a column", `{` + columns + `,"version":"count","ignore_rows_without":"proof"}`, "ignore_rows_without.proof has no column"},
		{"nested deeply", strings.Repeat(`{"a":`, 5000), "nested too deeply"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := register.ParseProfile("test", []byte(tt.profile))
			var u *register.UnusableError
			if !errors.As(err, &u) || !strings.HasPrefix(err.Error(), "profile test: ") || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%v\ndoes not say %q", err, tt.says)
			}
		})
	}
}

func TestEveryShippedProfileLoads(t *testing.T) {
	files, err := profiles.FS.ReadDir(".")
	if err != nil || len(files) == 0 {
		t.Fatal(err, len(files))
	}
	for _, f := range files {
		name := strings.TrimSuffix(f.Name(), ".json")
		p, err := register.LoadProfile(name, profiles.FS)
		if err != nil || p.Name() != name {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLoadProfileByNameAndByPath(t *testing.T) {
	const profile = `{"columns":{"reference":"n","stage":"s"},"fixed":{"procedure":"visa"},"version":"count"}`
	shipped := fstest.MapFS{"one.json": {Data: []byte(profile)}, "two.json": {Data: []byte("{")}}
	path := filepath.Join(t.TempDir(), "mine.json")
	if err := os.WriteFile(path, []byte("\ufeff"+profile), 0o600); err != nil {
		t.Fatal(err)
	}
	for arg, name := range map[string]string{"one": "one", path: "mine"} {
		if p, err := register.LoadProfile(arg, shipped); err != nil || p.Name() != name {
			t.Errorf("%s: %v", arg, err)
		}
	}
	for arg, says := range map[string]string{
		"three":                              `there is no profile "three"; choose from one, two`,
		"two":                                "profile two: it ends too early",
		filepath.Join(t.TempDir(), "x.json"): "cannot be read: no such file",
		t.TempDir():                          "cannot be read",
		"":                                   "there is no profile",
	} {
		if _, err := register.LoadProfile(arg, shipped); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v; want it to say %q", arg, err, says)
		}
	}
}

func TestAProfileOfEverything(t *testing.T) {
	p, err := register.ParseProfile("all", []byte(`{
		"about": "every key there is",
		"columns": {"reference": "Номер", "stage": "Статус", "outcome": "Статус", "document.kind": "Статус", "document.valid_until": "До",
			"deadlines.leave_by": "До", "submitted_on": "Подано", "reason": "Причина", "proof": "Паспорт"},
		"optional": ["reason"],
		"values": {
			"stage": {"в работе": "in_processing", "выдано": "decided", "отказано": "decided", "": "received"},
			"outcome": {"в работе": null, "выдано": "approved", "отказано": "refused", "": null},
			"document.kind": {"в работе": null, "выдано": "exit_visa", "отказано": null, "": null},
			"reason": {"не хватает документов": "documents_missing"}
		},
		"fixed": {"procedure": "exit_visa", "campaign": "legalization-2025"},
		"dates": ["D.M.YYYY", "D MMMM YYYY"], "delimiter": ";", "skip": 3, "reference_width": 8,
		"ignore_rows_without": ["reference"], "ignore_rows_where": {"reference": "^Итого"},
		"version": {"column": "Версия"}, "as_of": {"file_name": "YYYYMMDD"}}`))
	if err != nil {
		t.Fatal(err)
	}
	path := write(t, "export_20250620.csv", "Реестр;;\nНОМЕР;Версия;статус;До;Подано;Паспорт;Причина;Примечание\n"+
		"00417733;3;Выдано;5.7.2025;2 June 2025;AB12;;x\n"+
		"20417734;4;Отказано;;02.06.2025;;Не хватает  документов;\n"+
		"20417735;1;;;;;;\n"+
		"20417736;1;Потеряно;;;;;\n"+
		"Итого: 4;;;;;;;\n")
	m := newMemory()
	sum := load(t, options(p, path), m)
	if sum.Applied != 3 || sum.Rejected != 1 || sum.Ignored != 1 || sum.ReasonsDropped != 0 {
		t.Fatalf("%+v", sum)
	}
	a := m.known[ref(t, "00417733")]
	if a.Version != 3 || a.Outcome != "approved" || a.Document.Kind != "exit_visa" || a.Document.ValidUntil.String() != "2025-07-05" ||
		len(a.Deadlines) != 1 || a.SubmittedOn.String() != "2025-06-02" || a.Campaign != "legalization-2025" || m.proofs[a.Reference] != "AB12" {
		t.Errorf("%+v", a)
	}
	if a := m.known[ref(t, "20417734")]; a.Reason != "documents_missing" || a.Outcome != "refused" {
		t.Errorf("%+v", a)
	}
	if a := m.known[ref(t, "20417735")]; a.Stage != "received" {
		t.Errorf("%+v", a)
	}
}
