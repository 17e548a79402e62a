package browser

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"

	"kabarchy/test/harness"
)

// The commands of the DevTools protocol used by one test alone.
var (
	getCookies = network.GetCookies
	setMedia   = emulation.SetEmulatedMedia
)

type (
	getCookiesParams = network.GetCookiesParams
	setMediaParams   = emulation.SetEmulatedMediaParams
)

// maxBytes is what a page may weigh with everything in it, compressed.
const maxBytes = 10_000

// TestNoBarriers looks at pages on a screen of 320 px: with -matrix at every
// page in every language, scheme and state, else at so many that each of these
// is looked at with some of the others.
func TestNoBarriers(t *testing.T) {
	s := newSite(t, nil)
	languages := s.languages(t)
	looked, passed := 0, 0
	b := newTab(t, s.URL, device{width: 320})
	for i, lang := range languages {
		for j, dark := range []bool{false, true} {
			b.use(device{width: 320, dark: dark, language: lang})
			for k, v := range views {
				if !*matrix && (i*2+j+k)%len(languages) != 0 {
					continue
				}
				where := fmt.Sprintf("%s, %s, dark %t", v.name, lang, dark)
				v.open(b, lang)
				if got := ask[string](b, `document.documentElement.lang`); got != lang {
					t.Errorf("%s: the page is in %s", where, got)
				}
				if got := b.overflow(); got != "" {
					t.Errorf("%s: wider than 320 px: %s", where, got)
				}
				found, good := b.barriers()
				for _, barrier := range found {
					t.Errorf("%s: %s", where, barrier)
				}
				if good < 10 {
					t.Errorf("%s: only %d rules had anything to look at", where, good)
				}
				looked, passed = looked+1, passed+good
			}
		}
	}
	t.Logf("axe-core looked at %d pages (%d views, %d languages, light and dark): %d rules kept", looked, len(views), len(languages), passed)
}

func TestABarrierWouldBeFound(t *testing.T) {
	s := newSite(t, nil)
	b := newTab(t, s.URL, device{width: 320})
	b.visit("/")
	_ = ask[int](b, `document.querySelector("label").remove(), document.querySelector("h1").style.width = "900px", document.querySelector(".hint").style.color = "#ddd", 0`)
	if found, _ := b.barriers(); len(found) < 2 || b.overflow() == "" {
		t.Errorf("a field without a label, pale letters and a wide heading are not found: %q %q", found, b.overflow())
	}
}

func TestPagesWeighLittleAndAskForNothingElse(t *testing.T) {
	s := newSite(t, nil)
	heaviest, of := 0, ""
	for _, lang := range s.languages(t) {
		for _, one := range states {
			path := "/status/" + one.reference
			size := s.weight(t, path, lang)
			if size > maxBytes {
				t.Errorf("%s in %s weighs %d bytes", one.name, lang, size)
			}
			if size > heaviest {
				heaviest, of = size, one.name+" in "+lang
			}
		}
		for _, path := range []string{"/", "/help", "/alerts", "/status/" + unknown} {
			if size := s.weight(t, path, lang); size > maxBytes {
				t.Errorf("%s in %s weighs %d bytes", path, lang, size)
			} else if size > heaviest {
				heaviest, of = size, path+" in "+lang
			}
		}
		b := newTab(t, s.URL, device{language: lang})
		for _, path := range []string{"/", "/help", "/alerts", "/status/" + states[3].reference} {
			b.visit(path)
			if asked := b.asked(); len(asked) != 1 || !strings.HasPrefix(asked[0], s.URL) {
				t.Errorf("%s in %s asks for %v", path, lang, asked)
			}
			if n := len(send(b, getCookies, getCookiesParams{}).Cookies); n != 0 {
				t.Errorf("%s in %s sets %d cookies before a choice", path, lang, n)
			}
		}
	}
	t.Logf("the heaviest page is %s: %d bytes, headers apart", of, heaviest)
}

// weight returns how many bytes a page is sent as to a browser that takes gzip.
func (s *site) weight(t *testing.T, path, lang string) int {
	t.Helper()
	a := s.Send(harness.Request{Method: http.MethodGet, Path: path, Header: map[string]string{"Accept-Language": lang, "Accept-Encoding": "gzip"}})
	if a.Header.Get("Content-Encoding") != "gzip" || a.Header.Get("Content-Language") != lang {
		t.Errorf("%s in %s: coded as %q, in %q", path, lang, a.Header.Get("Content-Encoding"), a.Header.Get("Content-Language"))
		return len(a.Body)
	}
	if z, err := gzip.NewReader(bytes.NewReader(a.Body)); err != nil {
		t.Errorf("%s in %s is no gzip: %v", path, lang, err)
	} else {
		_ = z.Close()
	}
	csp := a.Header.Get("Content-Security-Policy")
	if strings.Contains(csp, "unsafe") || !strings.Contains(csp, "default-src 'none'") || a.Header.Get("Referrer-Policy") != "no-referrer" {
		t.Errorf("%s in %s: %q, referrer %q", path, lang, csp, a.Header.Get("Referrer-Policy"))
	}
	return len(a.Body)
}
