package simulator

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// scriptError is a mistake in a scripting request.
type scriptError struct{ text string }

func (e scriptError) Error() string { return e.text }

// script makes a handler of the scripting API from what it does: the value is
// answered as JSON, an error as {"error": …}.
func script(do func(*http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v, err := do(r)
		status := http.StatusOK
		var mistake scriptError
		switch {
		case err == nil:
		case errors.Is(err, ErrNoChat), errors.Is(err, ErrNoMessage), errors.Is(err, ErrNoButton):
			status = http.StatusNotFound
		case errors.Is(err, ErrNotNow):
			status = http.StatusConflict
		case errors.As(err, &mistake):
			status = http.StatusBadRequest
		default:
			status = http.StatusUnprocessableEntity
		}
		if err != nil {
			v = map[string]string{"error": err.Error()}
		}
		if v == nil {
			v = struct{}{}
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(v)
	}
}

// read decodes a request's JSON body into v; an empty body changes nothing,
// an unknown field is a mistake.
func read(r *http.Request, v any) error {
	d := json.NewDecoder(io.LimitReader(r.Body, maxBodyBytes))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil && err != io.EOF {
		return scriptError{"body: " + err.Error()}
	}
	return nil
}

func pathID(r *http.Request) (int64, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return 0, scriptError{"chat id: not a number"}
	}
	return id, nil
}

// queryInt reads a whole number from the query, or returns otherwise.
func queryInt(r *http.Request, name string, otherwise int64) (int64, error) {
	v := r.URL.Query().Get(name)
	if v == "" {
		return otherwise, nil
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil {
		return 0, scriptError{name + ": not a whole number"}
	}
	return n, nil
}

// queryWait reads ?wait= in seconds, with fractions; at most a minute.
func queryWait(r *http.Request) (time.Duration, error) {
	v := r.URL.Query().Get("wait")
	if v == "" {
		return 0, nil
	}
	f, err := strconv.ParseFloat(v, 64)
	if err != nil || !(f >= 0 && f <= 60) {
		return 0, scriptError{"wait: seconds, 0 to 60"}
	}
	return time.Duration(f * float64(time.Second)), nil
}

// personAct is the body of every act of a person; each takes what it needs.
type personAct struct {
	Text      string `json:"text"`
	Payload   string `json:"payload"`
	Button    string `json:"button"`
	MessageID int    `json:"message_id"`
	To        int64  `json:"to"`
	From      int64  `json:"from"`
	UpdateID  int    `json:"update_id"`
	Media
}

// act does what a person does, by name.
func (s *Simulator) act(chat int64, name string, in personAct) (any, error) {
	var opts []Option
	if in.From != 0 {
		opts = append(opts, From(in.From))
	}
	if in.UpdateID != 0 {
		opts = append(opts, WithUpdateID(in.UpdateID))
	}
	switch name {
	case "text":
		return s.SendText(chat, in.Text, opts...)
	case "start":
		return s.Start(chat, in.Payload, opts...)
	case "press":
		return s.Press(chat, in.MessageID, in.Button, opts...)
	case "media":
		return s.SendMedia(chat, in.Media, opts...)
	case "edit":
		return s.EditText(chat, in.MessageID, in.Text, opts...)
	case "block":
		return s.Block(chat, opts...)
	case "unblock":
		return s.Unblock(chat, opts...)
	case "deactivate":
		return nil, s.Deactivate(chat)
	case "migrate":
		to, err := s.Migrate(chat, in.To)
		return map[string]int64{"id": to}, err
	}
	return nil, scriptError{fmt.Sprintf("no such act: %q", name)}
}

// newChat is the body that makes a chat.
type newChat struct {
	ID        int64  `json:"id"`
	Type      string `json:"type"` // "", private, group, supergroup
	FirstName string `json:"first_name"`
	LastName  string `json:"last_name"`
	Username  string `json:"username"`
	Language  string `json:"language_code"`
	Title     string `json:"title"`
	Stranger  bool   `json:"stranger"`
	Members   []User `json:"members"`
	CreatorID int64  `json:"creator_id"`
}

func (s *Simulator) create(in newChat) (int64, error) {
	person := User{ID: in.ID, FirstName: in.FirstName, LastName: in.LastName, Username: in.Username, LanguageCode: in.Language}
	switch in.Type {
	case "", "private":
		if in.ID < 0 || in.ID > 1<<52 {
			return 0, scriptError{"id: a person's is 1 to 2^52"}
		}
		if in.Stranger {
			return s.AddStranger(person), nil
		}
		return s.AddUser(person), nil
	case "group", "supergroup":
		if in.ID > 0 {
			return 0, scriptError{"id: a group's is negative"}
		}
		person.ID = in.CreatorID
		return s.AddGroup(Group{ID: in.ID, Title: in.Title, Supergroup: in.Type == "supergroup", Creator: person, Members: in.Members}), nil
	}
	return 0, scriptError{"type: private, group or supergroup"}
}

// scriptRoutes adds the scripting API, as the package comment describes it.
func (s *Simulator) scriptRoutes(mux *http.ServeMux) {
	const api = "/simulator/api/"
	mux.HandleFunc("GET "+api+"state", script(s.scriptState))
	mux.HandleFunc("POST "+api+"reset", script(func(*http.Request) (any, error) { s.Reset(); return nil, nil }))

	mux.HandleFunc("GET "+api+"chats", script(func(*http.Request) (any, error) {
		return map[string]any{"chats": s.Chats()}, nil
	}))
	mux.HandleFunc("POST "+api+"chats", script(func(r *http.Request) (any, error) {
		var in newChat
		if err := read(r, &in); err != nil {
			return nil, err
		}
		id, err := s.create(in)
		return map[string]int64{"id": id}, err
	}))
	mux.HandleFunc("GET "+api+"chats/{id}", script(s.scriptChat))
	mux.HandleFunc("DELETE "+api+"chats/{id}", script(func(r *http.Request) (any, error) {
		id, err := pathID(r)
		if err != nil {
			return nil, err
		}
		return nil, s.DeleteChat(id)
	}))
	mux.HandleFunc("POST "+api+"chats/{id}/{act}", script(func(r *http.Request) (any, error) {
		id, err := pathID(r)
		if err != nil {
			return nil, err
		}
		var in personAct
		if err := read(r, &in); err != nil {
			return nil, err
		}
		return s.act(id, r.PathValue("act"), in)
	}))

	mux.HandleFunc("GET "+api+"messages", script(s.scriptMessages))
	mux.HandleFunc("GET "+api+"requests", script(s.scriptRequests))
	mux.HandleFunc("GET "+api+"answers", script(s.scriptAnswers))
	mux.HandleFunc("GET "+api+"pace", script(func(*http.Request) (any, error) { return s.Pace(), nil }))
	mux.HandleFunc("GET "+api+"duplicates", script(func(*http.Request) (any, error) {
		return map[string]any{"duplicates": s.Duplicates()}, nil
	}))

	mux.HandleFunc("GET "+api+"updates", script(s.scriptPending))
	mux.HandleFunc("POST "+api+"updates", script(func(r *http.Request) (any, error) {
		raw, err := io.ReadAll(io.LimitReader(r.Body, maxBodyBytes))
		if err != nil {
			return nil, err
		}
		return nil, s.InjectRaw(raw)
	}))
	mux.HandleFunc("POST "+api+"updates/redeliver", script(func(r *http.Request) (any, error) {
		var in struct {
			ID int `json:"update_id"`
		}
		if err := read(r, &in); err != nil {
			return nil, err
		}
		return nil, s.Redeliver(in.ID)
	}))
	mux.HandleFunc("POST "+api+"updates/next", script(func(r *http.Request) (any, error) {
		var in struct {
			ID int `json:"update_id"`
		}
		if err := read(r, &in); err != nil {
			return nil, err
		}
		if in.ID <= 0 {
			return nil, scriptError{"update_id: greater than 0"}
		}
		s.SetNextUpdateID(in.ID)
		return nil, nil
	}))
	s.troubleRoutes(mux, api)
}
