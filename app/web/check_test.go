package web_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// maxBytes is what a page may weigh, compressed.
const maxBytes = 10_000

// A document is a page as a browser sees it.
type document struct {
	raw   string
	root  *html.Node
	nodes []*html.Node
}

// parse proves that a page is well formed and keeps what every page promises.
func parse(t *testing.T, page []byte, err error) document {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	wellFormed(t, page)
	d := document{raw: string(page)}
	if d.root, err = html.Parse(bytes.NewReader(page)); err != nil {
		t.Fatal(err)
	}
	for n := range d.root.Descendants() {
		d.nodes = append(d.nodes, n)
	}
	d.promises(t)
	return d
}

// wellFormed proves that each tag is closed by its own, in order.
func wellFormed(t *testing.T, page []byte) {
	t.Helper()
	void := []string{"meta", "link", "input", "br"}
	var open []string
	for z := html.NewTokenizer(bytes.NewReader(page)); ; {
		switch kind := z.Next(); kind {
		case html.ErrorToken:
			if !errors.Is(z.Err(), io.EOF) || len(open) > 0 {
				t.Errorf("the page ends with %v open: %v", open, z.Err())
			}
			return
		case html.StartTagToken:
			if name := z.Token().Data; !slices.Contains(void, name) {
				open = append(open, name)
			}
		case html.EndTagToken:
			name := z.Token().Data
			if len(open) == 0 || open[len(open)-1] != name {
				t.Fatalf("</%s> where %v are open", name, open)
			}
			open = open[:len(open)-1]
		}
	}
}

func (d document) promises(t *testing.T) {
	t.Helper()
	ids := map[string]int{}
	for _, n := range d.nodes {
		if id := attr(n, "id"); id != "" {
			ids[id]++
		}
	}
	for id, n := range ids {
		if n > 1 {
			t.Errorf("the id %q stands %d times", id, n)
		}
	}
	for _, n := range d.nodes {
		if n.Type != html.ElementNode {
			continue
		}
		switch n.Data {
		case "script", "img", "iframe", "object", "base":
			t.Errorf("the page holds <%s>", n.Data)
		case "input":
			if attr(n, "type") == "hidden" {
				continue
			}
			if attr(n, "autocomplete") != "off" || attr(n, "spellcheck") != "false" || attr(n, "inputmode") != "text" || attr(n, "type") != "text" || attr(n, "placeholder") != "" {
				t.Errorf("the field %s breaks the rules of fields", attr(n, "id"))
			}
			if d.find("label", "for", attr(n, "id")) == nil {
				t.Errorf("the field %s has no label", attr(n, "id"))
			}
		}
		for _, a := range n.Attr {
			switch {
			case strings.HasPrefix(a.Key, "on"), a.Key == "style":
				t.Errorf("<%s> has the attribute %s", n.Data, a.Key)
			case a.Key == "for" || a.Key == "aria-labelledby" || a.Key == "aria-describedby":
				for _, id := range strings.Fields(a.Val) {
					if ids[id] == 0 {
						t.Errorf("%s refers to %q, which is not there", a.Key, id)
					}
				}
			case a.Key == "href" && strings.HasPrefix(a.Val, "#"):
				if ids[a.Val[1:]] == 0 {
					t.Errorf("a link leads to %s, which is not there", a.Val)
				}
			case strings.Contains(a.Val, "ZgotmplZ"):
				t.Errorf("<%s %s> was refused by the escaper", n.Data, a.Key)
			}
		}
	}
	for _, tag := range []string{"html", "title", "h1", "main", "header", "footer", "nav", "style"} {
		if n := len(d.all(tag)); n != 1 {
			t.Errorf("there are %d <%s>", n, tag)
		}
	}
	root := d.all("html")[0]
	if attr(root, "lang") == "" || attr(root, "dir") == "" {
		t.Error("the page does not state its language and direction")
	}
	for _, n := range d.nodes {
		if n.Type == html.TextNode && n.Parent.Data != "style" && strings.ContainsAny(n.Data, "{}") {
			t.Errorf("the page shows %q", n.Data)
		}
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write([]byte(d.raw))
	_ = z.Close()
	if packed.Len() > maxBytes {
		t.Errorf("the page weighs %d bytes compressed", packed.Len())
	}
}

func attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func (d document) all(tag string) []*html.Node {
	var out []*html.Node
	for _, n := range d.nodes {
		if n.Type == html.ElementNode && n.Data == tag {
			out = append(out, n)
		}
	}
	return out
}

// find returns the first element with an attribute of this value, or nil.
func (d document) find(tag, key, value string) *html.Node {
	for _, n := range d.all(tag) {
		if attr(n, key) == value {
			return n
		}
	}
	return nil
}

// text is what a reader reads in an element, spaces made one.
func text(n *html.Node) string {
	if n == nil {
		return ""
	}
	var b strings.Builder
	for c := range n.Descendants() {
		if c.Type == html.TextNode && c.Parent.Data != "style" {
			b.WriteString(c.Data)
			b.WriteByte(' ')
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

func (d document) text() string  { return text(d.all("body")[0]) }
func (d document) title() string { return text(d.all("title")[0]) }
func (d document) h1() string    { return text(d.all("h1")[0]) }
