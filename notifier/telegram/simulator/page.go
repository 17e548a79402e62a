package simulator

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

//go:embed page.html
var pageHTML string

//go:embed page.css
var pageCSS string

//go:embed page.js
var pageJS string

var pageTemplate = template.Must(template.New("page").Parse(pageHTML))

// The page may run its own script and style and nothing else.
var pagePolicy = "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; connect-src 'self'; form-action 'self'" +
	"; style-src '" + sourceHash(pageCSS) + "'; script-src '" + sourceHash(pageJS) + "'"

func sourceHash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// payloadPattern is what Telegram takes after ?start=.
var payloadPattern = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// render writes the page.
func (s *Simulator) render(w http.ResponseWriter, status int, v *view) {
	v.CSS, v.JS = template.CSS(pageCSS), template.JS(pageJS)
	var b bytes.Buffer
	if err := pageTemplate.Execute(&b, v); err != nil {
		http.Error(w, "simulator: page: "+err.Error(), http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", pagePolicy)
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes())
}

// pageList shows the chats with none picked.
func (s *Simulator) pageList(w http.ResponseWriter, r *http.Request) {
	s.render(w, http.StatusOK, s.view(0, "", true))
}

// pageLink stands for https://t.me/BOT?start=TOKEN.
func (s *Simulator) pageLink(w http.ResponseWriter, r *http.Request) {
	if !s.isBot(r.PathValue("bot")) {
		http.NotFound(w, r)
		return
	}
	payload := r.URL.Query().Get("start")
	v := s.view(0, "", false)
	v.Linked, v.Title = true, "Open @"+s.opts.BotUsername+" – Simulation, not Telegram"
	if payload != "" && !payloadPattern.MatchString(payload) {
		v.Problem = "The link's start parameter is not 1 to 64 letters, digits, _ and -. Telegram would ignore it."
		payload = ""
	}
	v.Payload = payload
	s.render(w, http.StatusOK, v)
}

// pageChat shows one conversation; ?start= offers START with a payload, and
// ?still= leaves out the reloading.
func (s *Simulator) pageChat(w http.ResponseWriter, r *http.Request) {
	id, err := pathID(r)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	payload := r.URL.Query().Get("start")
	if !payloadPattern.MatchString(payload) {
		payload = ""
	}
	v := s.view(id, payload, !r.URL.Query().Has("still"))
	if v.Current == nil {
		v.Problem = "There is no such chat."
		s.render(w, http.StatusNotFound, v)
		return
	}
	s.render(w, http.StatusOK, v)
}

// pageCreate makes a chat with a person who has not started the bot, and
// shows it.
func (s *Simulator) pageCreate(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimSpace(cleanText(r.PostFormValue("first_name")))
	if name == "" || utf16Len(name) > 64 {
		v := s.view(0, "", false)
		v.Problem = "Enter a first name of 1 to 64 characters."
		s.render(w, http.StatusUnprocessableEntity, v)
		return
	}
	id := s.AddStranger(User{FirstName: name, LanguageCode: r.PostFormValue("language_code")})
	target := chatHref(id)
	if p := r.PostFormValue("payload"); payloadPattern.MatchString(p) {
		target += "?start=" + url.QueryEscape(p)
	}
	http.Redirect(w, r, target, http.StatusSeeOther)
}

// pageAct does what a person does on the page, and shows the conversation.
func (s *Simulator) pageAct(w http.ResponseWriter, r *http.Request) {
	id, err := pathID(r)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	name := r.PathValue("act")
	in := personAct{Text: r.PostFormValue("text"), Payload: r.PostFormValue("payload"), Button: r.PostFormValue("button")}
	in.MessageID, _ = strconv.Atoi(r.PostFormValue("message_id"))
	switch name {
	case "start":
		if in.Payload != "" && !payloadPattern.MatchString(in.Payload) {
			in.Payload = ""
		}
	case "restart": // as Telegram's own button does
		if _, err = s.Unblock(id); err == nil {
			name = "start"
			if c, _ := s.Chat(id); c.Type != "private" {
				name = ""
			}
		}
	case "text", "press", "block", "unblock":
	default:
		http.NotFound(w, r)
		return
	}
	if err == nil && name != "" {
		_, err = s.act(id, name, in)
	}
	if err == nil {
		http.Redirect(w, r, chatHref(id), http.StatusSeeOther)
		return
	}
	v := s.view(id, "", false)
	v.Typed = in.Text
	status := http.StatusConflict
	switch {
	case errors.Is(err, ErrText):
		v.Problem, status = "Enter a message of 1 to 4096 characters.", http.StatusUnprocessableEntity
	case errors.Is(err, ErrNoButton):
		v.Problem = "That button is not there any more."
	case errors.Is(err, ErrNoChat):
		v.Problem, status = "There is no such chat.", http.StatusNotFound
	default:
		v.Problem = "That is not possible now."
	}
	s.render(w, status, v)
}

func chatHref(id int64) string { return "/chats/" + strconv.FormatInt(id, 10) }
