package register

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

var errNoObject = errors.New("is not one JSON object")

// jsonRows reads JSON Lines as a table, for a profile: the members of each
// line's object are its cells. Members that the profile does not name are
// passed over.
type jsonRows struct {
	lines     *lines
	places    map[string]int // by heading
	width     int
	reference int // whose value must be a string
}

func (j *jsonRows) next() (row, error) {
	for {
		line, tooLong, err := j.lines.next()
		if err != nil {
			return row{}, err
		}
		r := row{line: j.lines.n}
		if tooLong {
			r.partial = true
			r.problem = "has more than 1 MiB; is a line break missing?"
			return r, nil
		}
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		r.cells = make([]string, j.width)
		if err := j.read(line, r.cells); err != nil {
			r.problem, r.partial = err.Error(), true
		}
		return r, nil
	}
}

// read fills the cells of one line.
func (j *jsonRows) read(line []byte, cells []string) error {
	d := json.NewDecoder(bytes.NewReader(line))
	d.UseNumber()
	if t, err := d.Token(); err != nil || t != json.Delim('{') || !json.Valid(line) {
		return errNoObject
	}
	if !utf8.Valid(line) {
		return errors.New("is not UTF-8 text")
	}
	seen := make([]bool, j.width)
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return errNoObject
		}
		key, _ := t.(string)
		at, wanted := j.places[heading(key)]
		if !wanted {
			var past json.RawMessage
			if err := d.Decode(&past); err != nil {
				return errNoObject
			}
			continue
		}
		if seen[at] {
			return fmt.Errorf("has the field %s twice", quote(key))
		}
		seen[at] = true
		var v any
		if err := d.Decode(&v); err != nil {
			return errNoObject
		}
		switch v := v.(type) {
		case nil:
		case string:
			cells[at] = v
		case json.Number:
			if at == j.reference {
				return errors.New("reference is a number, in which leading zeros are lost; export it as a text in quotation marks")
			}
			cells[at] = v.String()
		case bool:
			cells[at] = fmt.Sprint(v)
		default:
			return fmt.Errorf("%s holds more than one value; a column must be a text, a number, true, false or null", quote(key))
		}
	}
	return nil
}

// withoutProof returns a line of JSON as it may be shown to whoever owns the
// file: with its proof blanked, and nothing at all where it is not JSON, since
// then nobody knows what is the proof in it.
func withoutProof(line []byte) string {
	d := json.NewDecoder(bytes.NewReader(line))
	t, err := d.Token()
	if err != nil || t != json.Delim('{') || !json.Valid(line) {
		return ""
	}
	var b strings.Builder
	b.WriteByte('{')
	for d.More() {
		k, err := d.Token()
		if err != nil {
			return ""
		}
		var v json.RawMessage
		if err := d.Decode(&v); err != nil && err != io.EOF {
			return ""
		}
		key, _ := k.(string)
		if strings.EqualFold(strings.TrimSpace(key), fieldNames[fProof]) {
			v = json.RawMessage(`""`)
		}
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		name, _ := json.Marshal(key)
		b.Write(name)
		b.WriteByte(':')
		b.Write(v)
	}
	b.WriteByte('}')
	return b.String()
}
