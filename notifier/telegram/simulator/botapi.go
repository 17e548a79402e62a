package simulator

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// call is one request to the Bot API on its way through.
type call struct {
	r        *http.Request
	p        params
	chat     int64 // 0: none named, or not a number
	received time.Time
	seq      int64
	epoch    int64 // which life of the oracle seq belongs to
}

// method is one method of the Bot API.
type method struct {
	name  string
	run   func(*Simulator, *call) answer
	sends bool // it makes a message: limits and pace apply
}

// methods by their names in lower case, which is how they are looked up.
// Their usual spelling is there too, so that it needs no lowering.
var methods = func() map[string]*method {
	table := map[string]*method{}
	for _, m := range methodList() {
		table[m.name] = m
		table[strings.ToLower(m.name)] = m
	}
	return table
}()

func methodList() []*method {
	return []*method{
		{name: "sendMessage", run: (*Simulator).sendMessage, sends: true},
		{name: "sendDocument", run: sendFile("document"), sends: true},
		{name: "sendPhoto", run: sendFile("photo"), sends: true},
		{name: "editMessageText", run: (*Simulator).editMessageText},
		{name: "editMessageReplyMarkup", run: (*Simulator).editMessageReplyMarkup},
		{name: "deleteMessage", run: (*Simulator).deleteMessage},
		{name: "answerCallbackQuery", run: (*Simulator).answerCallbackQuery},
		{name: "sendChatAction", run: (*Simulator).sendChatAction},
		{name: "getChat", run: (*Simulator).getChat},
		{name: "getUpdates", run: (*Simulator).getUpdates},
		{name: "setWebhook", run: (*Simulator).setWebhook},
		{name: "deleteWebhook", run: (*Simulator).deleteWebhook},
		{name: "getWebhookInfo", run: (*Simulator).getWebhookInfo},
		{name: "getMe", run: (*Simulator).getMe},
		{name: "setMyCommands", run: (*Simulator).setMyCommands},
		{name: "getMyCommands", run: (*Simulator).getMyCommands},
		{name: "deleteMyCommands", run: (*Simulator).deleteMyCommands},
		{name: "setMyName", run: setText("name", 64)},
		{name: "getMyName", run: getText("name")},
		{name: "setMyDescription", run: setText("description", 512)},
		{name: "getMyDescription", run: getText("description")},
		{name: "setMyShortDescription", run: setText("short_description", 120)},
		{name: "getMyShortDescription", run: getText("short_description")},
		{name: "setChatMenuButton", run: (*Simulator).setChatMenuButton},
		{name: "getChatMenuButton", run: (*Simulator).getChatMenuButton},
		{name: "logOut", run: trivial},
		{name: "close", run: trivial},
	}
}

func trivial(*Simulator, *call) answer { return ok(true) }

// serveBot answers one request to the Bot API.
func (s *Simulator) serveBot(w http.ResponseWriter, r *http.Request, token, name string) {
	p, readErr := readParams(r)
	m := methods[name]
	if m == nil {
		m = methods[strings.ToLower(name)]
	}
	if m != nil {
		name = m.name
	} else if len(name) > 64 {
		name = name[:64]
	}
	c := &call{r: r, p: p}
	if v := p.get("chat_id"); v != "" {
		c.chat, _ = strconv.ParseInt(strings.TrimSpace(v), 10, 64)
	}

	a, fault, outage := s.receive(c, m, name, token, readErr)
	switch {
	case outage:
		s.finish(c, answer{}, 0, "outage")
		resetConnection(w)
	case fault != nil && fault.transport():
		s.spoil(w, c, m, a, fault)
	case fault != nil:
		a = refuse(fault.refusal())
		s.finish(c, a, a.status(), fault.Kind)
		writeAnswer(w, a)
	default:
		if a.fail == nil {
			a = m.run(s, c)
		}
		s.deliver(w, c, a, "")
	}
}

// receive records a request and decides whether it may run: a.fail says why
// not, a fault what befalls it.
func (s *Simulator) receive(c *call, m *method, name, token string, readErr error) (a answer, fault *Fault, outage bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.received = s.now()
	if m == nil {
		name = "?" + name // so that nobody's typing errors pass for methods
	}
	c.seq = s.oracle.begin(name, c.chat, c.p, c.received)
	c.epoch = s.epoch
	if s.oracle.keep == KeepAll {
		s.changedLocked()
	}
	if s.outage || s.closed {
		return a, nil, true
	}
	if s.tokens != nil && !s.tokens[token] || token == "" {
		a.fail = &apiError{Code: http.StatusUnauthorized, Description: "Unauthorized"}
		return a, nil, false
	}
	fault = s.faults.pick(strings.TrimPrefix(name, "?"), c.chat, c.received)
	switch {
	case readErr == errTooLarge:
		a.fail = &apiError{Code: http.StatusRequestEntityTooLarge, Description: "Request Entity Too Large"}
	case readErr != nil:
		a.fail = badRequest("can't parse the request")
	case m == nil:
		a.fail = &apiError{Code: http.StatusNotFound, Description: "Not Found"}
	case m.sends && c.chat != 0:
		pc := s.pace.chat(c.chat)
		s.pace.add(pc, c.received)
		if fault != nil {
			break
		}
		if v, early := s.limiter.check(pc, c.chat, c.received); early {
			s.pace.violations++
			if len(s.pace.examples) < maxExamples {
				s.pace.examples = append(s.pace.examples, v)
			}
			if s.limiter.Mode == LimitEnforce {
				a.fail = tooManyRequests(v.RetryAfter)
			}
		}
	}
	return a, fault, false
}

// deliver records and sends an answer.
func (s *Simulator) deliver(w http.ResponseWriter, c *call, a answer, fault FaultKind) {
	if a.gone {
		s.finish(c, a, 0, fault)
		resetConnection(w)
		return
	}
	s.finish(c, a, a.status(), fault)
	writeAnswer(w, a)
}

// finish records how a request ended, before the client can know it: whoever
// has its answer finds it in the oracle.
func (s *Simulator) finish(c *call, a answer, status int, fault FaultKind) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.epoch != s.epoch {
		return // Reset came in between
	}
	s.oracle.finish(c.seq, a, status, fault, s.now())
	if s.oracle.keep == KeepAll {
		s.changedLocked()
	}
}

// spoil runs a request, or does not, and shows a fault of the transport.
func (s *Simulator) spoil(w http.ResponseWriter, c *call, m *method, a answer, f *Fault) {
	if (f.Accept || f.Kind == FaultSlow) && a.fail == nil {
		a = m.run(s, c)
	}
	switch f.Kind {
	case FaultSlow:
		if !s.pause(c.r, f.Delay) {
			a.gone = true
		}
		s.deliver(w, c, a, f.Kind)
	case FaultHang:
		s.pause(c.r, f.Delay)
		s.finish(c, a, 0, f.Kind)
		resetConnection(w)
	case FaultReset, FaultResetAfter:
		s.finish(c, a, 0, f.Kind)
		resetConnection(w)
	case FaultServerError:
		s.finish(c, a, http.StatusInternalServerError, f.Kind)
		writeAnswer(w, refuse(&apiError{Code: http.StatusInternalServerError, Description: "Internal Server Error"}))
	case FaultBadGateway:
		s.finish(c, a, http.StatusBadGateway, f.Kind)
		writeAnswer(w, refuse(&apiError{Code: http.StatusBadGateway, Description: "Bad Gateway"}))
	case FaultBadGatewayHTML:
		s.finish(c, a, http.StatusBadGateway, f.Kind)
		writeBody(w, http.StatusBadGateway, "text/html", "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n")
	case FaultEmptyBody:
		s.finish(c, a, http.StatusOK, f.Kind)
		writeBody(w, http.StatusOK, "application/json", "")
	case FaultTruncated:
		s.finish(c, a, http.StatusOK, f.Kind)
		writeBody(w, http.StatusOK, "application/json", truncated(a))
	}
}

// truncated returns the first half of an answer's JSON, which is never valid.
func truncated(a answer) string {
	if a.result == nil && a.fail == nil {
		return `{"ok":true,"result":{"mess`
	}
	b := replies.Get().(*reply)
	defer replies.Put(b)
	b.encode(a)
	return string(b.Bytes()[:b.Len()/2])
}

// pause waits for d, or for ever if it is 0, and reports whether it came to
// the end: false if the client left or the Simulator closes first.
func (s *Simulator) pause(r *http.Request, d time.Duration) bool {
	var end <-chan time.Time
	if d > 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		end = t.C
	}
	select {
	case <-end:
		return true
	case <-r.Context().Done():
	case <-s.done:
	}
	return false
}
