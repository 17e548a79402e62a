package register

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"kabarchy/visa"
)

// compileForm reads how the file itself is written.
func (f *profileFile) compileForm(p *Profile) error {
	for _, text := range f.Dates {
		l, err := parseLayout(text)
		if err != nil {
			return fmt.Errorf("dates: %w", err)
		}
		p.layouts = append(p.layouts, l)
	}
	switch f.Delimiter {
	case "":
	case ",", ";", "\t", "|":
		p.comma = f.Delimiter[0]
	default:
		return fmt.Errorf(`delimiter is %s; it must be "," or ";" or "|" or "\t"`, quote(f.Delimiter))
	}
	if f.Skip != nil {
		if p.skip = *f.Skip; p.skip < 0 || p.skip > maxSkip {
			return fmt.Errorf("skip is %d; the rows above the header are 0 to %d", p.skip, maxSkip)
		}
	}
	if w := p.width; w != 0 && (w < visa.MinReference || w > visa.MaxReference) {
		return fmt.Errorf("reference_width is %d; it must be %d to %d", w, visa.MinReference, visa.MaxReference)
	}
	return nil
}

// compileRemarks reads by what a row is no data.
func (f *profileFile) compileRemarks(p *Profile) error {
	for _, name := range f.IgnoreRowsWithout {
		fd, err := p.column("ignore_rows_without", name)
		if err != nil {
			return err
		}
		p.without = append(p.without, fd)
	}
	for _, name := range sorted(f.IgnoreRowsWhere) {
		fd, err := p.column("ignore_rows_where", name)
		if err != nil {
			return err
		}
		pattern, err := regexp.Compile(f.IgnoreRowsWhere[name])
		if err != nil {
			return fmt.Errorf("ignore_rows_where.%s is not a regular expression: %v", name, err)
		}
		p.where = append(p.where, remark{fd, pattern})
	}
	return nil
}

func (p *Profile) column(within, name string) (field, error) {
	fd, err := fieldNamed(within, name)
	if err != nil {
		return 0, err
	}
	if _, ok := p.columns[fd]; !ok {
		return 0, fmt.Errorf("%s.%s has no column to read; name it under columns", within, name)
	}
	return fd, nil
}

func (f *profileFile) compileVersion(p *Profile) error {
	const help = `version must be "count", {"column": …} or {"date_column": …}`
	if len(f.Version) == 0 {
		return errors.New("version is missing; " + help)
	}
	var word string
	if json.Unmarshal(f.Version, &word) == nil {
		if word != "count" {
			return errors.New(help)
		}
		return nil
	}
	var v struct {
		Column     names `json:"column"`
		DateColumn names `json:"date_column"`
	}
	if err := strict(f.Version, &v); err != nil {
		return fmt.Errorf("%s: %v", help, err)
	}
	if (len(v.Column) == 0) == (len(v.DateColumn) == 0) {
		return errors.New(help)
	}
	p.version = versionRule{column: v.Column, date: v.DateColumn}
	return nil
}

// compileAsOf reads one rule or a list of them, of which the first that
// applies to a file counts.
func (f *profileFile) compileAsOf(p *Profile) error {
	const help = `as_of must be {"column": …}, {"file_name": …}, or a list of these`
	raw := bytes.TrimSpace(f.AsOf)
	if len(raw) == 0 {
		return nil
	}
	if raw[0] != '[' {
		raw = slices.Concat([]byte("["), raw, []byte("]"))
	}
	var rules []struct {
		Column   names `json:"column"`
		FileName names `json:"file_name"`
	}
	if err := strict(raw, &rules); err != nil {
		return fmt.Errorf("%s: %v", help, err)
	}
	for _, r := range rules {
		if (len(r.Column) == 0) == (len(r.FileName) == 0) {
			return errors.New(help)
		}
		rule := asOfRule{column: r.Column}
		for _, text := range r.FileName {
			l, err := parseLayout(text)
			if err != nil {
				return fmt.Errorf("as_of.file_name: %w", err)
			}
			rule.fileName = append(rule.fileName, l)
		}
		p.asOf = append(p.asOf, rule)
	}
	return nil
}

func strict(data []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return plainJSON(err)
	}
	return nil
}

// fold is the form in which values are compared: case, spaces at the ends and
// the number of spaces between words do not count.
func fold(s string) string { return strings.ToLower(strings.Join(strings.Fields(s), " ")) }

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
