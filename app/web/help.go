package web

import (
	"kabarchy/explain"
	"kabarchy/i18n"
)

// A HelpView is the page of help.
type HelpView struct{ Page }

type section struct {
	Head       string
	Paragraphs []string
	Items      []string
	Terms      []explain.Term
}

type helpPage struct {
	frame
	Heading  string
	Sections []section
}

// Help renders the page of help.
func (p *Pages) Help(v HelpView) ([]byte, error) {
	c := p.catalogues.Get(v.Language)
	d := helpPage{Heading: c.T("web.help.title"), Sections: p.sections(c)}
	d.frame = p.frame(c, v.Page, "web.title", d.Heading)
	d.Private = false
	return p.render(c, "help", &d)
}

func (p *Pages) sections(c *i18n.Catalogue) []section {
	words := explain.Vocabulary(c, nil)
	view := explain.View{Catalogue: c, Guide: p.guide()}
	text := func(name string, more ...string) section {
		return section{Head: c.T("web.help." + name + ".head"), Paragraphs: append([]string{c.T("web.help." + name + ".text")}, more...)}
	}
	stored := text("stored", c.T("web.help.stored.follow"))
	if days := p.o.RetentionDays; days > 0 {
		stored.Paragraphs = append(stored.Paragraphs, c.T("web.help.stored.retention", "n", days))
	}
	out := []section{
		text("what", c.T("note.portal")),
		{Head: c.T("web.help.stages.head"), Terms: append(words.Stages, words.Outcomes...)},
		{Head: c.T("web.help.number.head"), Items: view.Unknown().Checks},
		text("lost"), text("wait"), text("passed"),
	}
	if bot := p.bot(); bot != "" {
		out = append(out, text("telegram", c.T("web.help.telegram.bot", "bot", c.Isolate("@"+bot))), text("official"))
	}
	out = append(out, text("never"), text("who"), stored)
	if p.bot() != "" {
		out = append(out, text("erase"))
	}
	if whom := view.Whom(); len(whom) > 0 {
		out = append(out, section{Head: c.T("label.whom"), Items: whom})
	}
	return out
}
