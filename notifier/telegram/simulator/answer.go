package simulator

import (
	"bytes"
	"encoding/json"
	"net"
	"net/http"
	"strconv"
	"sync"
)

// apiError is a refusal in the Bot API's shape; Code is the HTTP status too.
type apiError struct {
	Code        int
	Description string
	RetryAfter  int   // seconds, with 429
	MigrateTo   int64 // the supergroup's chat id
}

func badRequest(description string) *apiError {
	return &apiError{Code: http.StatusBadRequest, Description: "Bad Request: " + description}
}

func forbidden(description string) *apiError {
	return &apiError{Code: http.StatusForbidden, Description: "Forbidden: " + description}
}

func tooManyRequests(seconds int) *apiError {
	return &apiError{
		Code:        http.StatusTooManyRequests,
		Description: "Too Many Requests: retry after " + strconv.Itoa(seconds),
		RetryAfter:  seconds,
	}
}

// answer is what a method says: a result, or why not.
type answer struct {
	result   any
	fail     *apiError
	accepted bool // it took effect
	message  int  // id of the message made or changed
	gone     bool // the client left, or the simulator closes: nothing to say
}

func ok(result any) answer      { return answer{result: result, accepted: true} }
func refuse(e *apiError) answer { return answer{fail: e} }
func (a answer) status() int {
	if a.fail != nil {
		return a.fail.Code
	}
	return http.StatusOK
}

// reply is a reusable buffer with its encoder.
type reply struct {
	bytes.Buffer
	enc *json.Encoder
}

var replies = sync.Pool{New: func() any {
	r := &reply{}
	r.enc = json.NewEncoder(&r.Buffer)
	r.enc.SetEscapeHTML(false)
	return r
}}

type wireFailure struct {
	OK          bool            `json:"ok"`
	Code        int             `json:"error_code"`
	Description string          `json:"description"`
	Parameters  *wireParameters `json:"parameters,omitempty"`
}

type wireParameters struct {
	MigrateTo  int64 `json:"migrate_to_chat_id,omitempty"`
	RetryAfter int   `json:"retry_after,omitempty"`
}

// encode fills the buffer with the answer's JSON.
func (b *reply) encode(a answer) {
	b.Reset()
	if e := a.fail; e != nil {
		f := wireFailure{Code: e.Code, Description: e.Description}
		if e.RetryAfter != 0 || e.MigrateTo != 0 {
			f.Parameters = &wireParameters{MigrateTo: e.MigrateTo, RetryAfter: e.RetryAfter}
		}
		if err := b.enc.Encode(f); err != nil {
			panic("simulator: encode: " + err.Error())
		}
		b.Truncate(b.Len() - 1)
		return
	}
	b.WriteString(`{"ok":true,"result":`)
	if a.result == true {
		b.WriteString("true")
	} else {
		if err := b.enc.Encode(a.result); err != nil {
			panic("simulator: encode: " + err.Error())
		}
		b.Truncate(b.Len() - 1) // Encode ends with a line feed
	}
	b.WriteByte('}')
}

var jsonHeader = []string{"application/json"}

// writeAnswer sends an answer as the real server would.
func writeAnswer(w http.ResponseWriter, a answer) {
	b := replies.Get().(*reply)
	defer replies.Put(b)
	b.encode(a)
	status := a.status()
	h := w.Header()
	h["Content-Type"] = jsonHeader
	h["Content-Length"] = []string{strconv.Itoa(b.Len())}
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes())
}

// writeBody sends a body that is no Bot API answer, as a proxy in between does.
func writeBody(w http.ResponseWriter, status int, contentType, body string) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write([]byte(body))
}

// resetConnection drops the connection so that the client sees a reset (RST),
// or, where there is no TCP connection to take over, a broken answer.
func resetConnection(w http.ResponseWriter) {
	h, ok := w.(http.Hijacker)
	if !ok {
		panic(http.ErrAbortHandler)
	}
	conn, _, err := h.Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}
