package visa_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kabarchy/visa"
)

// fullLine states every field.
const fullLine = `{"reference":"0041-7733","version":7,"updated_at":"2025-06-20T09:15:00.1234567+06:00","procedure":"exit_visa",` +
	`"campaign":"legalization-2025","stage":"decided","outcome":"approved",` +
	`"document":{"kind":"exit_visa","valid_from":"2025-06-20","valid_until":"2025-07-05"},` +
	`"deadlines":[{"kind":"collect_by","date":"2025-06-30","calculated":true},{"kind":"leave_by","date":"2025-07-05"}],` +
	`"submitted_on":"2025-06-02","reason":"fee_paid","proof":"12é4"}`

func reference(t testing.TB, s string) visa.Reference {
	t.Helper()
	r, err := visa.ParseReference(s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func day(t testing.TB, s string) visa.Date {
	t.Helper()
	d, err := visa.ParseDate(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

var equalReferences = cmp.Comparer(func(a, b visa.Reference) bool { return a == b })

func TestParseUpdateReadsEveryField(t *testing.T) {
	want := visa.Update{
		Reference: reference(t, "00417733"), Version: 7,
		UpdatedAt: time.Date(2025, 6, 20, 3, 15, 0, 123456000, time.UTC),
		Statement: visa.Statement{
			Procedure: visa.ProcedureExitVisa, Campaign: "legalization-2025",
			Stage: visa.StageDecided, Outcome: visa.OutcomeApproved, Reason: "fee_paid",
			Document: visa.Document{Kind: visa.DocumentExitVisa, ValidFrom: day(t, "2025-06-20"), ValidUntil: day(t, "2025-07-05")},
			Deadlines: []visa.Deadline{
				{Kind: visa.LeaveBy, Date: day(t, "2025-07-05")},
				{Kind: visa.CollectBy, Date: day(t, "2025-06-30"), Calculated: true},
			},
			SubmittedOn: day(t, "2025-06-02"),
		},
		Proof: "12é4",
	}
	line := []byte(fullLine)
	got, err := visa.ParseUpdate(line, visa.ReferenceRules{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range line {
		line[i] = 'x' // the result must share nothing with it
	}
	if diff := cmp.Diff(want, got, equalReferences); diff != "" {
		t.Errorf("ParseUpdate (-want +got):\n%s", diff)
	}
}

func TestParseUpdateAccepts(t *testing.T) {
	const least = `"reference":"20417733","version":1,"procedure":"visa","stage":"received"`
	tests := []struct{ name, line string }{
		{"the least that makes a statement", `{` + least + `}`},
		{"null for absent", `{` + least + `,"outcome":null,"document":null,"deadlines":null,"reason":null,"updated_at":null,"proof":null,"campaign":null,"submitted_on":null}`},
		{"a document of nulls is none", `{` + least + `,"document":{"kind":null,"valid_from":null,"valid_until":null}}`},
		{"no deadlines", `{` + least + `,"deadlines":[ ]}`},
		{"white space around everything", " {\t\"reference\" : \"20417733\" ,\r\n\"version\":1, \"procedure\":\"visa\",\"stage\":\"received\" } \n"},
		{"an escaped field name and value", `{"\u0072eference":"2041\u00377\/33","version":1,"procedure":"visa","stage":"re\u0063eived"}`},
		{"the greatest version", `{"reference":"20417733","version":9223372036854775807,"procedure":"visa","stage":"received"}`},
		{"a surrogate pair", `{` + least + `,"reason":"\ud83d\ude00 \" \\ \n"}`},
		{"calculated null or false", `{` + least + `,"deadlines":[{"kind":"leave_by","date":"2025-07-05","calculated":null},{"kind":"renew_by","date":"2025-07-05","calculated":false}]}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			u, err := visa.ParseUpdate([]byte(tt.line), visa.ReferenceRules{})
			if err != nil {
				t.Fatal(err)
			}
			sameAsStandardLibrary(t, []byte(tt.line), u)
		})
	}
}

func TestParseUpdateRefuses(t *testing.T) {
	const rest = `,"procedure":"visa","stage":"received"`
	const whole = `"reference":"20417733","version":1` + rest
	tests := []struct{ name, line, field, says string }{
		{"an empty line", ``, "", "nothing"},
		{"white space", "  \t", "", "nothing"},
		{"an array", `[{` + whole + `}]`, "", "no { that opens"},
		{"a string", `"x"`, "", "no { that opens"},
		{"null", `null`, "", "no { that opens"},
		{"an object cut off", `{` + whole, "", "no comma or }"},
		{"a string cut off", `{"reference":"2041`, "", "does not end"},
		{"a comma too many", `{` + whole + `,}`, "", "no field name"},
		{"no comma", `{"reference":"20417733" "version":1` + rest + `}`, "", "no comma"},
		{"no colon", `{"reference" "20417733"}`, "", "no colon"},
		{"something after it", `{` + whole + `} x`, "", "after the object"},
		{"two objects", `{` + whole + `}{` + whole + `}`, "", "after the object"},
		{"a byte order mark", "\ufeff{" + whole + `}`, "", "no { that opens"},
		{"not UTF-8", "{" + whole + ",\"reason\":\"\xff\"}", "", "not UTF-8"},
		{"a zero byte", "{" + whole + "}\x00", "", "zero"},
		{"half a surrogate pair", `{` + whole + `,"reason":"\ud83d"}`, "", "surrogate"},
		{"an escape unknown to JSON", `{` + whole + `,"reason":"\x"}`, "", "escape"},
		{"a raw line break in a string", "{" + whole + ",\"reason\":\"a\nb\"}", "", "control character"},
		{"nested too deeply", `{` + whole + `,"x":` + strings.Repeat("[", 100000), "", "too deeply"},
		{"single quotation marks", `{'reference':'20417733'}`, "", "no field name"},
		{"a comment", `{` + whole + `/* no */}`, "", "no comma"},
		{"NaN", `{"reference":"20417733","version":NaN` + rest + `}`, "", "no value"},
		{"a leading zero in a number", `{"reference":"20417733","version":01` + rest + `}`, "", "leading zero"},

		{"an unknown field", `{` + whole + `,"colour":"red"}`, `"colour"`, "the fields are reference, version"},
		{"a field in capitals", `{"Reference":"20417733","version":1` + rest + `}`, `"Reference"`, "write reference"},
		{"an unknown field of a document", `{` + whole + `,"document":{"type":"visa"}}`, `document."type"`, "the fields are kind"},
		{"an unknown field of a deadline", `{` + whole + `,"deadlines":[{"day":"2025-07-05"}]}`, `deadlines."day"`, "the fields are kind, date"},
		{"a field twice", `{` + whole + `,"version":1}`, "version", "stands twice"},
		{"a field twice, once escaped", `{` + whole + `,"v\u0065rsion":1}`, "version", "stands twice"},
		{"a field of a document twice", `{` + whole + `,"document":{"kind":"visa","kind":"visa"}}`, "document.kind", "stands twice"},
		{"a reference as a number", `{"reference":20417733,"version":1` + rest + `}`, "reference", "must be a string"},
		{"no reference", `{"version":1` + rest + `}`, "reference", "is missing"},
		{"a null reference", `{"reference":null,"version":1` + rest + `}`, "reference", "is missing"},
		{"a short reference", `{"reference":"2041","version":1` + rest + `}`, "reference", "has 4 digits; it must have 6 to 24"},
		{"an empty reference", `{"reference":"","version":1` + rest + `}`, "reference", "is empty"},
		{"a version as a string", `{"reference":"20417733","version":"1"` + rest + `}`, "version", "not a string"},
		{"a version with a fraction", `{"reference":"20417733","version":1.0` + rest + `}`, "version", "whole number"},
		{"a version with an exponent", `{"reference":"20417733","version":1e3` + rest + `}`, "version", "whole number"},
		{"a version too great", `{"reference":"20417733","version":9223372036854775808` + rest + `}`, "version", "9223372036854775807"},
		{"version zero", `{"reference":"20417733","version":0` + rest + `}`, "version", "whole number"},
		{"a negative version", `{"reference":"20417733","version":-1` + rest + `}`, "version", "whole number"},
		{"a version of true", `{"reference":"20417733","version":true` + rest + `}`, "version", "not true or false"},
		{"no version", `{"reference":"20417733"` + rest + `}`, "version", "whole number"},
		{"a stage as a number", `{"reference":"20417733","version":1,"procedure":"visa","stage":1}`, "stage", "must be a string, not a number"},
		{"an unknown stage", `{"reference":"20417733","version":1,"procedure":"visa","stage":"lost"}`, "stage", "must be one of received"},
		{"an outcome without a decision", `{` + whole + `,"outcome":"approved"}`, "outcome", "only the stages decided and closed"},
		{"a time without an offset", `{` + whole + `,"updated_at":"2025-06-20T09:15:00"}`, "updated_at", "with its offset"},
		{"a time of one digit", `{` + whole + `,"updated_at":"2025-06-20T9:15:00Z"}`, "updated_at", "such as 2025"},
		{"a time as a number", `{` + whole + `,"updated_at":1750389300}`, "updated_at", "must be a string"},
		{"the zero time", `{` + whole + `,"updated_at":"0001-01-01T00:00:00Z"}`, "updated_at", "such as 2025"},
		{"a year out of range", `{` + whole + `,"updated_at":"1066-10-14T12:00:00Z"}`, "updated_at", "1900 to 2199"},
		{"a day that does not exist", `{` + whole + `,"submitted_on":"2025-02-30"}`, "submitted_on", "YYYY-MM-DD"},
		{"an empty date", `{` + whole + `,"submitted_on":""}`, "submitted_on", "YYYY-MM-DD"},
		{"a document as a string", `{` + whole + `,"document":"visa"}`, "document", "must be an object"},
		{"deadlines as an object", `{` + whole + `,"deadlines":{"leave_by":"2025-07-05"}}`, "deadlines", "must be an array"},
		{"a deadline of null", `{` + whole + `,"deadlines":[null]}`, "deadlines", "must hold objects"},
		{"a deadline without a date", `{` + whole + `,"deadlines":[{"kind":"leave_by"}]}`, "deadlines.date", "is missing"},
		{"calculated as a string", `{` + whole + `,"deadlines":[{"kind":"leave_by","date":"2025-07-05","calculated":"yes"}]}`, "deadlines.calculated", "true or false"},
		{"a deadline twice", `{` + whole + `,"deadlines":[{"kind":"leave_by","date":"2025-07-05"},{"kind":"leave_by","date":"2025-07-06"}]}`, "deadlines", "leave_by twice"},
		{"very many deadlines", `{` + whole + `,"deadlines":[` + strings.Repeat(`{"kind":"leave_by","date":"2025-07-05"},`, 1000) + `{}]}`, "deadlines", "more than 5"},
		{"a long reason", `{` + whole + `,"reason":"` + strings.Repeat("я", 2001) + `"}`, "reason", "at most 2000"},
		{"a long proof", `{` + whole + `,"proof":"` + strings.Repeat("7", 65) + `"}`, "proof", "at most 64"},
		{"a control character in a proof", `{` + whole + `,"proof":"12\u0000"}`, "proof", "control character"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			u, err := visa.ParseUpdate([]byte(tt.line), visa.ReferenceRules{})
			if err == nil {
				t.Fatalf("accepted as %+v", u)
			}
			var fe *visa.FieldError
			var se *visa.SyntaxError
			switch {
			case tt.field == "" && !errors.As(err, &se), tt.field != "" && !errors.As(err, &fe):
				t.Fatalf("error is %T: %v", err, err)
			case fe != nil && fe.Field != tt.field:
				t.Errorf("field is %s; want %s", fe.Field, tt.field)
			}
			if !strings.Contains(err.Error(), tt.says) {
				t.Errorf("error is %q; want it to say %q", err, tt.says)
			}
			if tt.field != "" && tt.field != "reference" && tt.field != `"Reference"` && u.Reference.String() != "20417733" {
				t.Errorf("the reference was lost")
			}
			if diff := cmp.Diff(visa.Update{Reference: u.Reference}, u, equalReferences); diff != "" {
				t.Errorf("more than the reference came back:\n%s", diff)
			}
		})
	}
}

func TestParseUpdateAppliesTheRulesOfReferences(t *testing.T) {
	rules := visa.ReferenceRules{Pattern: regexp.MustCompile(`[0-9]{8}`)}
	_, err := visa.ParseUpdate([]byte(`{"reference":"AB240317","version":1,"procedure":"visa","stage":"received"}`), rules)
	if err == nil || err.Error() != "reference is not of the form the register uses" {
		t.Errorf("got %v", err)
	}
}

func TestParseUpdateErrorsKeepReferenceAndProofToThemselves(t *testing.T) {
	const whole = `"reference":"20417733","version":1,"proof":"AB12","procedure":"visa"`
	for _, line := range []string{
		`{` + whole + `,"stage":"20417733"}`,
		`{` + whole + `,"stage":"AB12"}`,
		`{` + whole + `,"stage":"received","submitted_on":"x20417733"}`,
		`{` + whole + `,"stage":"received","20417733":1}`,
		`{"2041-7733":1}`,
		`{` + whole + `,"stage":"received","AB12":1}`,
	} {
		_, err := visa.ParseUpdate([]byte(line), visa.ReferenceRules{})
		if err == nil || strings.Contains(err.Error(), "20417733") || strings.Contains(err.Error(), "2041-7733") || strings.Contains(err.Error(), "AB12") {
			t.Errorf("%s: %v", line, err)
		}
	}
}

// wire is what encoding/json makes of a line.
type wire struct {
	Reference string    `json:"reference"`
	Version   int64     `json:"version"`
	UpdatedAt time.Time `json:"updated_at"`
	Procedure string    `json:"procedure"`
	Campaign  string    `json:"campaign"`
	Stage     string    `json:"stage"`
	Outcome   string    `json:"outcome"`
	Document  struct {
		Kind       string    `json:"kind"`
		ValidFrom  visa.Date `json:"valid_from"`
		ValidUntil visa.Date `json:"valid_until"`
	} `json:"document"`
	Deadlines []struct {
		Kind       string    `json:"kind"`
		Date       visa.Date `json:"date"`
		Calculated bool      `json:"calculated"`
	} `json:"deadlines"`
	SubmittedOn visa.Date `json:"submitted_on"`
	Reason      string    `json:"reason"`
	Proof       string    `json:"proof"`
}

// sameAsStandardLibrary holds an accepted line against encoding/json.
func sameAsStandardLibrary(t *testing.T, line []byte, got visa.Update) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	var w wire
	if err := d.Decode(&w); err != nil || !json.Valid(line) {
		t.Fatalf("encoding/json refuses %q: %v", line, err)
	}
	want := visa.Update{
		Reference: reference(t, w.Reference), Version: w.Version, UpdatedAt: w.UpdatedAt, Proof: w.Proof,
		Statement: visa.Statement{
			Procedure: visa.Procedure(w.Procedure), Campaign: w.Campaign, Stage: visa.Stage(w.Stage), Outcome: visa.Outcome(w.Outcome),
			Document:    visa.Document{Kind: visa.DocumentKind(w.Document.Kind), ValidFrom: w.Document.ValidFrom, ValidUntil: w.Document.ValidUntil},
			SubmittedOn: w.SubmittedOn, Reason: w.Reason,
		},
	}
	for _, d := range w.Deadlines {
		want.Deadlines = append(want.Deadlines, visa.Deadline{Kind: visa.DeadlineKind(d.Kind), Date: d.Date, Calculated: d.Calculated})
	}
	want.Normalize()
	if diff := cmp.Diff(want, got, equalReferences); diff != "" {
		t.Fatalf("%q (-encoding/json +ParseUpdate):\n%s", line, diff)
	}
}

func FuzzParseUpdate(f *testing.F) {
	f.Add([]byte(fullLine))
	f.Add([]byte(`{"reference":"20417733","version":1,"procedure":"visa","stage":"received","x":[{},null,true,-1.5e+3,"\ud83d\ude00"]}`))
	f.Add([]byte(`{"reference":"20417733","reference":"20417733"}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		u, err := visa.ParseUpdate(line, visa.ReferenceRules{})
		if err != nil {
			var fe *visa.FieldError
			var se *visa.SyntaxError
			if !errors.As(err, &fe) && !errors.As(err, &se) {
				t.Fatalf("error is %T", err)
			}
			// A reference of words alone may be a word of the error.
			if r := u.Reference.String(); strings.ContainsAny(r, "0123456789") && strings.Contains(err.Error(), r) && r != "9223372036854775807" {
				t.Fatalf("error holds the reference: %v", err)
			}
			if len(err.Error()) > 600 {
				t.Fatalf("error has %d bytes", len(err.Error()))
			}
			return
		}
		sameAsStandardLibrary(t, line, u)
		roundTrip(t, u)
	})
}

func roundTrip(t *testing.T, u visa.Update) {
	t.Helper()
	b := visa.AppendUpdate(nil, u)
	again, err := visa.ParseUpdate(b, visa.ReferenceRules{})
	if err != nil {
		t.Fatalf("%s: %v", b, err)
	}
	if diff := cmp.Diff(u, again, equalReferences); diff != "" {
		t.Fatalf("%s (-written +read):\n%s", b, diff)
	}
}

func TestAppendUpdateWritesWhatParseUpdateReads(t *testing.T) {
	const seed = 20250620
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	texts := []string{"", "fee_paid", "a \"b\" \\ \n\t <&> \u2028 é 😀", "\r"}
	for range 2000 {
		u := visa.Update{Reference: reference(t, "00417733"), Version: rnd.Int64N(1<<62) + 1}
		u.Procedure = visa.Procedures[rnd.IntN(len(visa.Procedures))]
		u.Stage = visa.Stages[rnd.IntN(len(visa.Stages))]
		if u.Stage == visa.StageDecided {
			u.Outcome = visa.Outcomes[rnd.IntN(len(visa.Outcomes))]
		}
		if u.Outcome == visa.OutcomeApproved && rnd.IntN(2) == 0 {
			u.Document = visa.Document{Kind: visa.DocumentKinds[rnd.IntN(4)], ValidFrom: day(t, "2025-06-20").Add(rnd.IntN(99))}
		}
		for _, kind := range visa.DeadlineKinds {
			if rnd.IntN(3) == 0 {
				u.Deadlines = append(u.Deadlines, visa.Deadline{Kind: kind, Date: day(t, "2025-06-20").Add(rnd.IntN(999)), Calculated: rnd.IntN(2) == 0})
			}
		}
		if rnd.IntN(2) == 0 {
			u.UpdatedAt = time.UnixMicro(rnd.Int64N(4e15)).In(time.FixedZone("", 6*3600))
			u.SubmittedOn = day(t, "2025-06-20")
			u.Campaign = "legalization-2025"
			u.Proof = "Aé\"7"
		}
		u.Reason = texts[rnd.IntN(len(texts))]
		u.Normalize()
		if err := u.Validate(); err != nil {
			t.Fatal(err)
		}
		roundTrip(t, u)
	}
}

func BenchmarkParseUpdate(b *testing.B) {
	line := []byte(fullLine)
	b.ReportAllocs()
	b.SetBytes(int64(len(line)))
	for b.Loop() {
		if _, err := visa.ParseUpdate(line, visa.ReferenceRules{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendUpdate(b *testing.B) {
	u, err := visa.ParseUpdate([]byte(fullLine), visa.ReferenceRules{})
	if err != nil {
		b.Fatal(err)
	}
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = visa.AppendUpdate(buf[:0], u)
	}
}
