package simulator

import (
	"encoding/xml"
	"io"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestParseHTML(t *testing.T) {
	tests := []struct {
		name, in, want string
		entities       []Entity
		err            string
	}{
		{name: "plain", in: "a > b", want: "a > b"},
		{name: "every simple tag", in: "<b>a</b><strong>b</strong><i>c</i><em>d</em><u>e</u><ins>f</ins><s>g</s><strike>h</strike><del>i</del>", want: "abcdefghi", entities: []Entity{
			{Type: "bold", Offset: 0, Length: 1}, {Type: "bold", Offset: 1, Length: 1}, {Type: "italic", Offset: 2, Length: 1}, {Type: "italic", Offset: 3, Length: 1},
			{Type: "underline", Offset: 4, Length: 1}, {Type: "underline", Offset: 5, Length: 1}, {Type: "strikethrough", Offset: 6, Length: 1}, {Type: "strikethrough", Offset: 7, Length: 1}, {Type: "strikethrough", Offset: 8, Length: 1}}},
		{name: "capitals", in: "<B>x</b>", want: "x", entities: []Entity{{Type: "bold", Length: 1}}},
		{name: "nested, the outer one first", in: "<b>a<i>b</i></b>", want: "ab", entities: []Entity{{Type: "bold", Length: 2}, {Type: "italic", Offset: 1, Length: 1}}},
		{name: "offsets in UTF-16", in: "😀<b>ж</b>", want: "😀ж", entities: []Entity{{Type: "bold", Offset: 2, Length: 1}}},
		{name: "the four named entities", in: "&lt;b&gt; &amp;amp; &quot;", want: `<b> &amp; "`},
		{name: "an entity without its semicolon", in: "&lt b", want: "< b"},
		{name: "numeric entities", in: "&#1078;&#x436;&#128512;", want: "жж😀"},
		{name: "an entity that Telegram does not know stays", in: "&nbsp;&copy; R&D &", want: "&nbsp;&copy; R&D &"},
		{name: "zero and endless numbers stay", in: "&#0;&#99999999999;", want: "&#0;&#99999999999;"},
		{name: "half a surrogate pair", in: "&#xd83d;", err: "Text contains invalid Unicode characters after decoding HTML entities, check for unmatched surrogate code units"},
		{name: "link", in: `<a href="https://example.org/?a=1&amp;b=2">x</a>`, want: "x", entities: []Entity{{Type: "text_link", Length: 1, URL: "https://example.org/?a=1&b=2"}}},
		{name: "link in single quotes", in: `<a href='http://example.org'>x</a>`, want: "x", entities: []Entity{{Type: "text_link", Length: 1, URL: "http://example.org/"}}},
		{name: "link that runs a script is dropped", in: `<a href="javascript:alert(1)">x</a>`, want: "x"},
		{name: "link without an address takes its text", in: `<a>example.org</a>`, want: "example.org", entities: []Entity{{Type: "text_link", Length: 11, URL: "http://example.org/"}}},
		{name: "spoiler", in: `<span class="tg-spoiler">x</span><tg-spoiler>y</tg-spoiler>`, want: "xy", entities: []Entity{{Type: "spoiler", Length: 1}, {Type: "spoiler", Offset: 1, Length: 1}}},
		{name: "span of another class", in: `<span class="red">x</span>`, err: `Tag "span" must have class "tg-spoiler" at byte offset 0`},
		{name: "pre with a language", in: `<pre><code class="language-go">x</code></pre>`, want: "x", entities: []Entity{{Type: "pre", Length: 1, Language: "go"}}},
		{name: "blockquote that expands", in: `<blockquote expandable>x</blockquote>`, want: "x", entities: []Entity{{Type: "expandable_blockquote", Length: 1}}},
		{name: "empty end tag closes any", in: "<b>x</>", want: "x", entities: []Entity{{Type: "bold", Length: 1}}},
		{name: "empty entity vanishes", in: "<b></b>x", want: "x"},
		{name: "unknown tag", in: "a<p>x</p>", err: `Unsupported start tag "p" at byte offset 1`},
		{name: "script", in: "<script>alert(1)</script>", err: `Unsupported start tag "script" at byte offset 0`},
		{name: "line break tag", in: "a<br>b", err: `Unsupported start tag "br" at byte offset 1`},
		{name: "self-closing tag", in: "<b/>", err: `Unsupported start tag "b/" at byte offset 0`},
		{name: "comment", in: "<!-- x -->", err: `Unsupported start tag "!--" at byte offset 0`},
		{name: "arrow from a register", in: "1 < 2", err: `Unsupported start tag "" at byte offset 2`},
		{name: "sign at the end", in: "x <", err: "Unclosed start tag at byte offset 2"},
		{name: "unclosed", in: "<b>x", err: `Can't find end tag corresponding to start tag "b"`},
		{name: "unclosed start tag", in: "<b", err: "Unclosed start tag at byte offset 0"},
		{name: "unclosed attribute", in: `<a href="x`, err: "Unclosed start tag at byte offset 0"},
		{name: "attribute without a value", in: `<a href>x</a>`, err: `Expected equal sign in declaration of an attribute of the tag "a" at byte offset 0`},
		{name: "attribute without a name", in: `<a ="x">x</a>`, err: `Empty attribute name in the tag "a" at byte offset 0`},
		{name: "token that does not end", in: `<a href=http://x>x</a>`, err: "Unexpected end of name token at byte offset 8"},
		{name: "end without a start", in: "x</b>", err: "Unexpected end tag at byte offset 1"},
		{name: "crossed", in: "<b><i>x</b></i>", err: `Unmatched end tag at byte offset 7, expected "</i>", found "</b>"`},
		{name: "unclosed end tag", in: "<b>x</b", err: "Unclosed end tag at byte offset 4"},
		{name: "custom emoji without a number", in: `<tg-emoji emoji-id="x">👍</tg-emoji>`, err: "Invalid custom emoji identifier specified"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, entities, err := parseHTML(tt.in)
			if tt.err != "" {
				if err == nil || err.Error() != tt.err {
					t.Fatalf("parseHTML(%q) = %q, %v; want error %q", tt.in, got, err, tt.err)
				}
				return
			}
			if err != nil || got != tt.want || len(entities)+len(tt.entities) > 0 && !reflect.DeepEqual(entities, tt.entities) {
				t.Errorf("parseHTML(%q) = %q, %+v, %v; want %q, %+v", tt.in, got, entities, err, tt.want, tt.entities)
			}
		})
	}
}

func TestRenderTextIsBalancedAndEscaped(t *testing.T) {
	link := func(u string) string {
		if strings.HasPrefix(u, "https://") {
			return u
		}
		return ""
	}
	tests := []struct {
		name, text string
		entities   []Entity
		want       string
	}{
		{name: "markup in the text", text: "<script>&\"'", want: "&lt;script&gt;&amp;&#34;&#39;"},
		{name: "nested", text: "abc", entities: []Entity{{Type: "bold", Length: 3}, {Type: "italic", Offset: 1, Length: 1}}, want: "<strong>a<em>b</em>c</strong>"},
		{name: "overlapping", text: "abc", entities: []Entity{{Type: "bold", Length: 2}, {Type: "italic", Offset: 1, Length: 2}}, want: "<strong>a<em>b</em></strong><em>c</em>"},
		{name: "after an emoji", text: "😀x", entities: []Entity{{Type: "code", Offset: 2, Length: 1}}, want: "😀<code>x</code>"},
		{name: "past the end", text: "x", entities: []Entity{{Type: "bold", Offset: 0, Length: 99}}, want: "<strong>x</strong>"},
		{name: "link with a quote", text: "x", entities: []Entity{{Type: "text_link", Length: 1, URL: `https://e.org/"><b>`}}, want: `<a href="https://e.org/&#34;&gt;&lt;b&gt;" rel="noopener noreferrer">x</a>`},
		{name: "link that leads nowhere", text: "x", entities: []Entity{{Type: "text_link", Length: 1, URL: "javascript:alert(1)"}}, want: "x"},
		{name: "address in the text", text: "a https://e.org", entities: []Entity{{Type: "url", Offset: 2, Length: 13}}, want: `a <a href="https://e.org" rel="noopener noreferrer">https://e.org</a>`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := string(renderText(tt.text, tt.entities, link)); got != tt.want {
				t.Errorf("renderText = %s; want %s", got, tt.want)
			}
		})
	}
}

// FuzzHTML: whatever a bot sends is refused, or shown as balanced HTML that
// says nothing but the text.
func FuzzHTML(f *testing.F) {
	for _, s := range []string{"<b>x</b>", `<a href="https://x.y/&amp;">z</a>`, "<b><i>x</b></i>", "&#x1f600;<pre><code class='language-a'>", "<", "</", "<a href", "😀<u>&lt</u>"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		if !utf8.ValidString(in) {
			return
		}
		text, entities, err := parseHTML(cleanText(in))
		if err != nil {
			return
		}
		text, entities = trimText(text, entities)
		entities = withDetected(text, entities)
		n := utf16Len(text)
		for _, e := range entities {
			if e.Offset < 0 || e.Length <= 0 || e.Offset+e.Length > n {
				t.Fatalf("entity %+v outside of %q", e, text)
			}
		}
		page := string(renderText(text, entities, func(u string) string { return checkedLink(u) }))
		if strings.ContainsFunc(page, func(r rune) bool { return r == 0xfffd || r == 0xfffe || r == 0xffff || r < 0x20 && r != '\n' }) {
			return // characters that XML, which judges below, cannot hold
		}
		var said strings.Builder
		d := xml.NewDecoder(strings.NewReader("<x>" + page + "</x>"))
		for {
			tok, err := d.Token()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatalf("%q is shown as %s: %v", in, page, err)
			}
			if c, ok := tok.(xml.CharData); ok {
				said.Write(c)
			}
		}
		if said.String() != text {
			t.Fatalf("%q says %q, is shown as %q", in, text, said.String())
		}
	})
}

func TestWhatTelegramFindsByItself(t *testing.T) {
	tests := []struct {
		text string
		want []Entity
	}{
		{"/start abc-1", []Entity{{Type: "bot_command", Length: 6}}},
		{"/status@kabarchy_demo_bot 20417733", []Entity{{Type: "bot_command", Length: 25}}},
		{"😀 /help", []Entity{{Type: "bot_command", Offset: 3, Length: 5}}},
		{"12/06/2025 and ж/ж", nil},
		{"/путь", nil},
		{"see https://e.org/x.", []Entity{{Type: "url", Offset: 4, Length: 15}}},
		{"ask @kabarchy_demo_bot", []Entity{{Type: "mention", Offset: 4, Length: 18}}},
		{"a@example.org", nil},
	}
	for _, tt := range tests {
		if got := withDetected(tt.text, nil); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("withDetected(%q) = %+v, want %+v", tt.text, got, tt.want)
		}
	}
}
