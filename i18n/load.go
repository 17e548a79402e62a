package i18n

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"

	"kabarchy/strictjson"
)

// catalogueFile is a catalogue as it is written.
type catalogueFile struct {
	Code      string                     `json:"code"`
	Name      string                     `json:"name"`
	Direction string                     `json:"direction"`
	Reviewer  *string                    `json:"reviewer"`
	Order     int                        `json:"order"` // among the languages, where they are listed
	Tables    map[string][]string        `json:"tables"`
	Styles    map[string]string          `json:"styles"`
	Messages  map[string]json.RawMessage `json:"messages"`
}

// categories are the CLDR plural categories by name.
var categories = map[string]plural.Form{
	"zero": plural.Zero, "one": plural.One, "two": plural.Two,
	"few": plural.Few, "many": plural.Many, "other": plural.Other,
}

// readCatalogue reads one file. Its errors name the key at fault.
func readCatalogue(data []byte) (*Catalogue, error) {
	if err := strictjson.Object(data); err != nil {
		return nil, err
	}
	var in catalogueFile
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&in); err != nil {
		return nil, err
	}
	tag, err := language.Parse(in.Code)
	if err != nil || tag.String() != in.Code {
		return nil, fmt.Errorf("code %q is not a language tag in its usual spelling", in.Code)
	}
	if in.Name == "" || in.Reviewer == nil {
		return nil, errors.New("name and reviewer must be given; the reviewer may be empty")
	}
	if in.Direction != "ltr" && in.Direction != "rtl" {
		return nil, fmt.Errorf("direction %q is neither ltr nor rtl", in.Direction)
	}
	c := &Catalogue{
		code: in.Code, name: in.Name, direction: in.Direction, reviewer: *in.Reviewer,
		order: in.Order, tag: tag, tables: in.Tables,
		styles: map[string]style{}, messages: map[string]message{},
	}
	for _, name := range sortedKeys(in.Tables) {
		if err := checkTable(name, in.Tables[name]); err != nil {
			return nil, err
		}
	}
	for _, name := range sortedKeys(in.Styles) {
		if c.styles[name], err = parseStyle(in.Styles[name], in.Tables); err != nil {
			return nil, fmt.Errorf("style %s: %w", name, err)
		}
	}
	for _, key := range sortedKeys(in.Messages) {
		if c.messages[key], err = c.readMessage(in.Messages[key]); err != nil {
			return nil, fmt.Errorf("message %s: %w", key, err)
		}
	}
	return c, nil
}

func (c *Catalogue) readMessage(raw json.RawMessage) (message, error) {
	texts := map[string]string{}
	m := message{forms: map[plural.Form]form{}}
	if raw[0] == '{' {
		m.plural = true
		if err := json.Unmarshal(raw, &texts); err != nil {
			return m, err
		}
	} else {
		var text string
		if err := json.Unmarshal(raw, &text); err != nil {
			return m, err
		}
		texts["other"] = text
	}
	for _, name := range sortedKeys(texts) {
		category, ok := categories[name]
		if !ok {
			return m, fmt.Errorf("%q is no plural category", name)
		}
		f, err := parseForm(texts[name])
		if err != nil {
			return m, err
		}
		for _, p := range f {
			_, plain := c.styles[p.style]
			_, long := c.styles[p.style+"_year"]
			if p.style != "" && !plain && !long {
				return m, fmt.Errorf("there is no style %q", p.style)
			}
		}
		m.forms[category] = f
	}
	if m.plural {
		return m, c.checkPlural(m)
	}
	return m, nil
}

// checkPlural wants the categories that whole numbers of the language have,
// and "other"; no more, no less.
func (c *Catalogue) checkPlural(m message) error {
	want := map[plural.Form]bool{plural.Other: true}
	for n := range 1100 {
		want[c.category(n)] = true
	}
	for name, category := range categories {
		if _, has := m.forms[category]; has != want[category] {
			return fmt.Errorf("plural category %q: given is %t, needed is %t", name, has, want[category])
		}
	}
	return nil
}

// loadCatalogues reads all .json files at the root of fsys.
func loadCatalogues(fsys fs.FS) (*Catalogues, error) {
	names, err := fs.Glob(fsys, "*.json")
	if err != nil {
		return nil, err
	}
	s := &Catalogues{byCode: map[string]*Catalogue{}}
	for _, name := range names {
		data, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, err
		}
		c, err := readCatalogue(data)
		if err != nil {
			return nil, fmt.Errorf("catalogue %s: %w", name, err)
		}
		if name != c.code+".json" {
			return nil, fmt.Errorf("catalogue %s is of the language %q; its name must be %s.json", name, c.code, c.code)
		}
		s.all = append(s.all, c)
		s.byCode[c.code] = c
	}
	return s, s.finish()
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
