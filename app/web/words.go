package web

import (
	"html/template"
	"io/fs"
	"strings"

	"kabarchy/i18n"
)

// words are the fixed texts of the pages in a language.
type words struct {
	Code, Direction string
	All             []*i18n.Catalogue
	Style           template.HTML

	Service, Skip, Languages, Footer, Portal, Help, StartLink, Again string
	ErrorSummary, ErrorPrefix                                        string

	Intro, ReferenceLabel, ReferenceHint, ProofLabel, ProofHint, Button string

	Todo, Deadlines, Reason, Document, Then, History, Check       string
	Reference, Procedure, Submitted, NotYours, NotDocument, Alert string
	Advice, Whom, PortalNote, Calendar, Follow, FollowText        string
	AlertsIntro, AlertsButton, AlertsOpen, AlertsScan             string
	AlertsDigits, AlertsElse, AlertsOnce                          string
	Unreviewed                                                    string // "" where somebody has looked the language over
}

func newWords(c *i18n.Catalogue, all []*i18n.Catalogue) *words {
	w := &words{
		Code: c.Code(), Direction: c.Direction(), All: all,
		Style: template.HTML("<style>" + style + "</style>"), // ours, and as it was hashed

		Service: c.T("web.service"), Skip: c.T("web.skip"), Languages: c.T("web.languages"), Footer: c.T("web.footer"),
		Portal: c.T("web.portal"), Help: c.T("web.help_link"), StartLink: c.T("web.start_link"), Again: c.T("web.status.again"),
		ErrorSummary: c.T("web.error_summary"), ErrorPrefix: c.T("web.error_prefix"),

		Intro: c.T("web.start.intro"), ReferenceLabel: c.T("web.start.label"), ReferenceHint: c.T("web.start.hint"),
		ProofLabel: c.T("web.start.proof"), ProofHint: c.T("web.start.proof_hint"), Button: c.T("web.start.button"),

		Todo: c.T("label.todo"), Deadlines: c.T("label.deadlines"), Reason: c.T("label.reason"), Document: c.T("label.document"),
		Then: c.T("label.then"), History: c.T("label.history"), Check: c.T("label.check"),
		Reference: c.T("label.reference"), Procedure: c.T("label.procedure"), Submitted: c.T("label.submitted"),
		NotYours: c.T("web.status.not_yours"), NotDocument: c.T("note.page_not_document"), Alert: c.T("web.status.alert"),

		Advice: c.T("label.advice"), Whom: c.T("label.whom"), PortalNote: c.T("note.portal"), Calendar: c.T("web.status.calendar"),
		Follow: c.T("web.unknown.follow"), FollowText: c.T("web.unknown.follow_text"),
		AlertsIntro: c.T("web.alerts.intro"), AlertsButton: c.T("web.alerts.button"), AlertsOpen: c.T("web.alerts.open"),
		AlertsScan: c.T("web.alerts.scan"), AlertsDigits: c.T("web.alerts.digits"), AlertsElse: c.T("web.alerts.digits_else"),
		AlertsOnce: c.T("web.alerts.once"),
	}
	if c.Reviewer() == "" {
		w.Unreviewed = c.T("note.unreviewed")
	}
	return w
}

// bind makes the templates of one language. The files hold two kinds of
// actions: [[ ]] for the words of a language, filled here once and for all, and
// {{ }} for what differs from page to page. Both are escaped for where they
// stand. Filling a page's fifty fixed words for every reader would take longer
// than all the rest.
func bind(w *words) (*template.Template, error) {
	names, err := fs.Glob(files, "page/*.html")
	if err != nil {
		return nil, err
	}
	book := template.New("pages")
	for _, name := range names {
		source, err := files.ReadFile(name)
		if err != nil {
			return nil, err
		}
		fixed, err := template.New(name).Delims("[[", "]]").Parse(string(source))
		if err != nil {
			return nil, err
		}
		var b strings.Builder
		if err := fixed.Execute(&b, w); err != nil {
			return nil, err
		}
		if book, err = book.Parse(b.String()); err != nil {
			return nil, err
		}
	}
	return book, nil
}
