package register

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"kabarchy/strictjson"
	"kabarchy/visa"
)

// A Profile says how to read one source's exports: which column is which
// field, which values mean what, and what is the same in every row. Its name
// is its source's.
type Profile struct {
	name     string
	columns  map[field]names
	optional map[field]bool
	values   map[field]valueMap
	fixed    map[field]string
	layouts  []layout // empty: ISO forms
	comma    byte     // 0: found from the header
	skip     int      // rows above the header, at most
	width    int      // characters of a reference; 0: any
	without  []field  // a row without one of these is a remark
	where    []remark
	version  versionRule
	asOf     []asOfRule
}

// Name returns the profile's name, which is the source of its feeds.
func (p *Profile) Name() string { return p.name }

// A valueMap says what the values of a column mean. Keys are in the form that
// fold gives, and as they were written.
type valueMap struct {
	to      map[string]string
	written []string // for errors
}

// A remark is a rule by which a row is no data: its cell matches.
type remark struct {
	field   field
	pattern *regexp.Regexp
}

// A versionRule says where versions come from; the zero one counts them.
type versionRule struct {
	column names
	date   names
}

// An asOfRule says where a file's as-of comes from: a column, or its name.
type asOfRule struct {
	column   names
	fileName []layout
}

// names are the headings a column may have. In JSON: a string or a list.
type names []string

func (n *names) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*n = names{one}
		return n.check()
	}
	var many []string
	if err := json.Unmarshal(b, &many); err != nil || len(many) == 0 {
		return errors.New("a column is named by a text, or a list of texts")
	}
	*n = many
	return n.check()
}

func (n names) check() error {
	for _, name := range n {
		if strings.TrimSpace(name) == "" {
			return errors.New("a column's name is empty")
		}
	}
	return nil
}

// profileFile is a profile as it is written.
type profileFile struct {
	About             string                        `json:"about"`
	Columns           map[string]names              `json:"columns"`
	Optional          []string                      `json:"optional"`
	Values            map[string]map[string]*string `json:"values"`
	Fixed             map[string]string             `json:"fixed"`
	Dates             []string                      `json:"dates"`
	Delimiter         string                        `json:"delimiter"`
	Skip              *int                          `json:"skip"`
	ReferenceWidth    int                           `json:"reference_width"`
	IgnoreRowsWithout names                         `json:"ignore_rows_without"`
	IgnoreRowsWhere   map[string]string             `json:"ignore_rows_where"`
	Version           json.RawMessage               `json:"version"`
	AsOf              json.RawMessage               `json:"as_of"`
}

const (
	maxProfileBytes = 1 << 20
	defaultSkip     = 20
	maxSkip         = 1000
)

// LoadProfile returns the profile of a name, from those shipped, or of a path.
// What ends in .json or holds a separator is a path. The error is an
// *UnusableError.
func LoadProfile(nameOrPath string, shipped fs.FS) (*Profile, error) {
	name := strings.TrimSuffix(filepath.Base(nameOrPath), ".json")
	var data []byte
	var err error
	if name == nameOrPath || nameOrPath == "" {
		if data, err = fs.ReadFile(shipped, name+".json"); err != nil {
			return nil, unusable("there is no profile %s; %s, or give the path of a file that ends in .json", quote(nameOrPath), known(shipped))
		}
	} else if data, err = readBounded(nameOrPath); err != nil {
		return nil, unusable("the profile %s cannot be read: %v", quote(nameOrPath), err)
	}
	return ParseProfile(name, data)
}

func known(shipped fs.FS) string {
	files, _ := fs.Glob(shipped, "*.json")
	for i, f := range files {
		files[i] = strings.TrimSuffix(path.Base(f), ".json")
	}
	if len(files) == 0 {
		return "none is shipped"
	}
	return "choose from " + strings.Join(files, ", ")
}

func readBounded(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, errors.Unwrap(err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxProfileBytes+1))
	if err == nil && len(data) > maxProfileBytes {
		err = errors.New("it has more than 1 MiB")
	}
	return data, err
}

// ParseProfile reads a profile. Whatever is wrong with it is one
// *UnusableError that names the place.
func ParseProfile(name string, data []byte) (*Profile, error) {
	fail := func(err error) (*Profile, error) { return nil, unusable("profile %s: %v", name, err) }
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if err := strictjson.Object(data); err != nil {
		return fail(err)
	}
	var f profileFile
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&f); err != nil {
		return fail(plainJSON(err))
	}
	p, err := f.compile(name)
	if err != nil {
		return fail(err)
	}
	return p, nil
}

// plainJSON takes the talk of Go's types out of an error of encoding/json.
func plainJSON(err error) error {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		return fmt.Errorf("%s must not be a %s", wrong.Field, wrong.Value)
	}
	return errors.New(strings.TrimPrefix(err.Error(), "json: "))
}

// fieldNamed resolves a field's name in a profile.
func fieldNamed(within, name string) (field, error) {
	i := slices.Index(fieldNames[:], name)
	switch {
	case name == "version":
		return 0, fmt.Errorf(`%s.version: versions are stated by "version": {"column": …}, {"date_column": …} or "count"`, within)
	case i < 0:
		return 0, fmt.Errorf("%s.%s is not a field; the fields are %s", within, name, strings.Join(fieldNames[fVersion+1:], ", ")+" and reference")
	}
	return field(i), nil
}

func (f *profileFile) compile(name string) (*Profile, error) {
	p := &Profile{
		name: name, columns: map[field]names{}, optional: map[field]bool{}, values: map[field]valueMap{},
		fixed: map[field]string{}, skip: defaultSkip, width: f.ReferenceWidth,
	}
	for _, part := range []func(*Profile) error{f.compileColumns, f.compileValues, f.compileForm, f.compileRemarks, f.compileVersion, f.compileAsOf} {
		if err := part(p); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func (f *profileFile) compileColumns(p *Profile) error {
	for _, name := range sorted(f.Columns) {
		fd, err := fieldNamed("columns", name)
		if err != nil {
			return err
		}
		p.columns[fd] = f.Columns[name]
	}
	for _, name := range sorted(f.Fixed) {
		fd, err := fieldNamed("fixed", name)
		if err != nil {
			return err
		}
		if fd == fReference || fd == fProof {
			return fmt.Errorf("fixed.%s cannot be the same for all", name)
		}
		if _, twice := p.columns[fd]; twice {
			return fmt.Errorf("%s is both a column and fixed; state one", name)
		}
		if p.fixed[fd] = f.Fixed[name]; f.Fixed[name] != "" {
			if err := checkWord(fd, f.Fixed[name]); err != nil {
				return fmt.Errorf("fixed.%w", err)
			}
		}
	}
	for _, name := range f.Optional {
		fd, err := fieldNamed("optional", name)
		if err != nil {
			return err
		}
		if _, ok := p.columns[fd]; !ok || fd == fReference {
			return fmt.Errorf("optional: %s must be one of columns, and not reference", name)
		}
		p.optional[fd] = true
	}
	if len(p.columns[fReference]) == 0 {
		return errors.New("columns.reference is missing; name the column that holds the reference number")
	}
	for _, fd := range []field{fProcedure, fStage} {
		if p.fixed[fd] == "" && len(p.columns[fd]) == 0 {
			return fmt.Errorf("%s is missing; state it under columns or fixed", fieldNames[fd])
		}
	}
	return nil
}

func (f *profileFile) compileValues(p *Profile) error {
	for _, name := range sorted(f.Values) {
		fd, err := fieldNamed("values", name)
		if err != nil {
			return err
		}
		if _, ok := p.columns[fd]; !ok {
			return fmt.Errorf("values.%s has no column to read; name it under columns", name)
		}
		m := valueMap{to: map[string]string{}}
		for _, from := range sorted(f.Values[name]) {
			to := ""
			if v := f.Values[name][from]; v != nil {
				to = *v
			}
			if to != "" {
				if err := checkWord(fd, to); err != nil {
					return fmt.Errorf("values.%w", err)
				}
			}
			if other, ok := m.to[fold(from)]; ok && other != to {
				return fmt.Errorf("values.%s means two things by %s", name, quote(from))
			}
			m.to[fold(from)], m.to[from] = to, to
			m.written = append(m.written, quote(from))
		}
		p.values[fd] = m
	}
	return nil
}

// checkWord checks a value that a profile itself states.
func checkWord(fd field, value string) error {
	u := visa.Update{Counted: true}
	m := mapper{clocks: map[field]*clock{}}
	if err := m.set(&u, fd, value); err != nil {
		return err
	}
	var all []string
	switch fd {
	case fProcedure:
		all = words(visa.Procedures)
	case fStage:
		all = words(visa.Stages)
	case fOutcome:
		all = words(visa.Outcomes)
	case fDocumentKind:
		all = words(visa.DocumentKinds)
	default:
		return nil
	}
	if !slices.Contains(all, value) {
		return fmt.Errorf("%s is %s; it must be one of %s", fieldNames[fd], quote(value), strings.Join(all, ", "))
	}
	return nil
}

func words[T ~string](all []T) []string {
	out := make([]string, len(all))
	for i, w := range all {
		out[i] = string(w)
	}
	return out
}
