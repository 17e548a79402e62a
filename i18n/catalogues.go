package i18n

import (
	"cmp"
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"golang.org/x/text/language"
)

// Fallback is the language for those whose own is not here.
const Fallback = "en"

//go:embed catalogue/*.json
var embedded embed.FS

// Catalogues are all languages. They do not change and may be used by many
// goroutines.
type Catalogues struct {
	all      []*Catalogue
	byCode   map[string]*Catalogue
	fallback *Catalogue
	tags     []language.Tag // the fallback first, as the matcher wants it
	matcher  language.Matcher
}

// Default returns the catalogues built in. It panics if one is broken, which
// the tests of this package rule out.
var Default = sync.OnceValue(func() *Catalogues {
	folder, err := fs.Sub(embedded, "catalogue")
	if err != nil {
		panic(err)
	}
	s, err := loadCatalogues(folder)
	if err != nil {
		panic(err)
	}
	return s
})

// finish sorts the languages and prepares matching.
func (s *Catalogues) finish() error {
	s.fallback = s.byCode[Fallback]
	if s.fallback == nil {
		return fmt.Errorf("there is no catalogue of the fallback language %q", Fallback)
	}
	slices.SortFunc(s.all, func(a, b *Catalogue) int {
		return cmp.Or(cmp.Compare(a.order, b.order), cmp.Compare(a.code, b.code))
	})
	s.tags = []language.Tag{s.fallback.tag}
	for _, c := range s.all {
		if c != s.fallback {
			c.fallback = s.fallback
			s.tags = append(s.tags, c.tag)
		}
	}
	s.matcher = language.NewMatcher(s.tags)
	return nil
}

// All returns the languages in the order in which they are listed. The caller
// must not change the slice.
func (s *Catalogues) All() []*Catalogue { return s.all }

// Lookup returns the language of exactly this code, and whether there is one:
// for a choice somebody made.
func (s *Catalogues) Lookup(code string) (*Catalogue, bool) {
	c, ok := s.byCode[code]
	return c, ok
}

// Get returns the language of a code, or else what Match makes of it.
func (s *Catalogues) Get(code string) *Catalogue {
	if c, ok := s.byCode[code]; ok {
		return c
	}
	return s.Match(code)
}

// maxHeader bounds what is read of an Accept-Language header, in bytes.
const maxHeader = 256

// Match returns the best language for an Accept-Language header or for a code
// as Telegram gives it ("pt-br"). Where none fits it returns the fallback. A
// language that most of its readers pair with another is taken for that one:
// Kazakh, say, gets Russian. A language asked for in a script that it has none
// of here is given in the one it has, if nothing else asked for is here:
// Uzbek in Cyrillic gets Uzbek.
func (s *Catalogues) Match(header string) *Catalogue {
	if header == "" {
		return s.fallback
	}
	if len(header) > maxHeader {
		header = header[:maxHeader]
		if i := strings.LastIndexByte(header, ','); i >= 0 {
			header = header[:i]
		}
	}
	wanted, _, err := language.ParseAcceptLanguage(header)
	if err != nil || len(wanted) == 0 {
		return s.fallback
	}
	_, i, confidence := s.matcher.Match(wanted...)
	if confidence == language.No {
		return s.inAnotherScript(wanted)
	}
	if c, ok := s.byCode[s.tags[i].String()]; ok {
		return c
	}
	return s.fallback
}

// inAnotherScript returns the first of the wanted languages that is here in
// whatever script, else the fallback.
func (s *Catalogues) inAnotherScript(wanted []language.Tag) *Catalogue {
	for _, w := range wanted {
		base, confidence := w.Base()
		if confidence < language.High {
			continue
		}
		if c, ok := s.byCode[base.String()]; ok {
			return c
		}
	}
	return s.fallback
}
