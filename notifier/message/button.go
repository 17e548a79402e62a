package message

import (
	"strconv"
	"strings"

	"kabarchy/visa"
)

// maxData is the most bytes that Telegram takes as a button's data.
const maxData = 64

// languagesInRow is how many names of languages fit a small screen side by side.
const languagesInRow = 3

// maxButton is how many characters a button shows on a small screen.
const maxButton = 40

// row adds a row of buttons; the ones without data or address are left out.
func (r *renderer) row(buttons ...Button) {
	var row []Button
	for _, b := range buttons {
		if b.Text != "" && (b.Data != "" || b.URL != "") {
			b.Text = shortened(b.Text, maxButton)
			row = append(row, b)
		}
	}
	if len(row) > 0 {
		r.buttons = append(r.buttons, row)
	}
}

// button is a button with a text of the catalogue. An argument that is no
// argument gives no button.
func (r *renderer) button(key, verb, argument string) Button {
	return Button{Text: r.c.T(key), Data: data(verb, argument)}
}

// data joins a verb and its argument, or gives "" where the argument is empty,
// too long, or not of A-Za-z0-9_-.
func data(verb, argument string) string {
	d := verb + ":" + argument
	if argument == "" || len(d) > maxData {
		return ""
	}
	for i := 0; i < len(argument); i++ {
		c := argument[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-') {
			return ""
		}
	}
	return d
}

func number(id int64) string { return strconv.FormatInt(id, 10) }

func (r *renderer) listButton() Button { return r.button("button.list", visa.ButtonList, "0") }

func (r *renderer) helpButton() Button {
	return Button{Text: r.c.T("button.help"), Data: visa.ButtonHelp}
}

// languages adds a button for each language, named in itself.
func (r *renderer) languages() {
	var row []Button
	for _, c := range r.all.All() {
		row = append(row, Button{Text: c.Name(), Data: data(visa.ButtonLanguage, c.Code())})
		if len(row) == languagesInRow {
			r.row(row...)
			row = nil
		}
	}
	r.row(row...)
}

// chatLink is the address of a private chat with the bot, or "".
func chatLink(username string) string {
	username = strings.TrimPrefix(username, "@")
	if data("u", username) == "" {
		return ""
	}
	return "https://t.me/" + username
}
