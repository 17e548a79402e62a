package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"net/url"
	"strings"
	"sync"
	"time"

	"kabarchy/guidance"
	"kabarchy/i18n"
)

//go:embed page
var files embed.FS

// style is the one stylesheet; the hash in CSP is of these very bytes.
var style = func() string {
	data, err := files.ReadFile("page/style.css")
	if err != nil {
		panic(err)
	}
	return strings.TrimSpace(string(data))
}()

// CSP is the Content-Security-Policy of every page of this package: its own
// style by its hash, its forms to this very service, nothing else.
var CSP = func() string {
	sum := sha256.Sum256([]byte(style))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; img-src data:; " +
		"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
}()

// Options are what pages depend on besides what they show.
type Options struct {
	Zone        *time.Location // in which times are said; nil: UTC
	BotUsername string         // without the @; "": no word of Telegram
	Bot         func() string  // tells BotUsername once Telegram has told it; nil: it is BotUsername
	PortalURL   string         // of the authorities' own portal, where the guidance has none; "": named, not linked
	AskProof    bool           // forms ask for the code that belongs to a number

	// Guidance returns what those who run the service say just now; nil: nothing.
	Guidance      func() *guidance.Guide
	CalendarKey   []byte // under which calendars' events are named; never empty outside of tests
	RetentionDays int    // after which a closed application is erased; 0: never
}

// Pages renders pages. It may be used by many goroutines.
type Pages struct {
	catalogues *i18n.Catalogues
	reasons    *i18n.Reasons
	o          Options
	books      map[*i18n.Catalogue]*template.Template
	buffers    sync.Pool
}

// New returns the pages in all languages of the catalogues. Reasons may be nil.
// It panics if a template is broken, which the tests of this package rule out.
func New(c *i18n.Catalogues, r *i18n.Reasons, o Options) *Pages {
	o.BotUsername = strings.TrimPrefix(o.BotUsername, "@")
	p := &Pages{catalogues: c, reasons: r, o: o, books: map[*i18n.Catalogue]*template.Template{}}
	for _, one := range c.All() {
		p.books[one] = template.Must(bind(newWords(one, c.All())))
	}
	p.buffers.New = func() any { return new(bytes.Buffer) }
	return p
}

// A Page is what every page needs to know of the request.
type Page struct {
	Language string // a code of a catalogue, or what the browser asked for
	Path     string // of this page, escaped as in the request line, without a query; "" is /
	Again    []Field
}

// A Field of a form that this page answers. Where a page has some, the links
// to the other languages send them again to its path.
type Field struct{ Name, Value string }

// frame is what the templates of every page take.
type frame struct {
	Path     string
	Again    []Field
	Title    string
	Portal   string
	Owner    string // who runs the service, "" if nobody has said
	AlertOn  bool   // there is a bot to follow with
	AskProof bool
	Private  bool // not for search engines
}

func (p *Pages) frame(c *i18n.Catalogue, page Page, titleKey, heading string) frame {
	f := frame{Path: ownPath(page.Path), Again: page.Again, Title: c.T(titleKey, "title", heading), Portal: p.o.PortalURL, Private: true,
		AlertOn: p.bot() != "", AskProof: p.o.AskProof}
	g := p.guide()
	if portal := g.Portal(); portal != "" {
		f.Portal = portal
	}
	f.Owner = g.Service(c.Code()).Name
	for i := range f.Again {
		f.Again[i].Value = clip(f.Again[i].Value)
	}
	return f
}

func (p *Pages) guide() *guidance.Guide {
	if p.o.Guidance == nil {
		return nil
	}
	return p.o.Guidance()
}

// Revision tells what pages say today from what they say once the guidance or
// the bot's name has changed.
func (p *Pages) Revision() string { return p.guide().Revision() + p.bot() }

// bot is the bot's user name, "" while it is not known.
func (p *Pages) bot() string {
	if p.o.Bot != nil {
		return strings.TrimPrefix(p.o.Bot(), "@")
	}
	return p.o.BotUsername
}

// ownPath makes sure that a path leads to this service and nowhere else.
func ownPath(path string) string {
	u, err := url.Parse(path)
	if err != nil || !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || strings.Contains(path, `\`) || u.Host != "" {
		return "/"
	}
	return u.EscapedPath()
}

func (p *Pages) render(c *i18n.Catalogue, name string, data any) ([]byte, error) {
	b := p.buffers.Get().(*bytes.Buffer)
	defer p.buffers.Put(b)
	b.Reset()
	if err := p.books[c].ExecuteTemplate(b, name, data); err != nil {
		return nil, fmt.Errorf("page %s: %w", name, err)
	}
	return bytes.Clone(b.Bytes()), nil
}
