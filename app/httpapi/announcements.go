package httpapi

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"

	"kabarchy/visa"
)

// maxAnnouncementBytes is the most bytes of an announcement: a long text in
// each of a dozen languages, every character escaped.
const maxAnnouncementBytes = 512 << 10

// announcementRequest is the body of POST /v1/announcements.
type announcementRequest struct {
	Request  *string           `json:"request"`
	Texts    map[string]string `json:"texts"`
	Audience struct {
		Campaign  *string         `json:"campaign"`
		Procedure *visa.Procedure `json:"procedure"`
		Stage     *visa.Stage     `json:"stage"`
	} `json:"audience"`
	DryRun bool `json:"dry_run"`
}

// announcement is what is asked for. A field that is there and empty is a
// fault: who meant a part must not reach everybody.
func (in *announcementRequest) announcement() (a visa.Announcement, problem string) {
	for _, f := range []struct {
		name  string
		empty bool
	}{
		{"request", in.Request != nil && *in.Request == ""},
		{"audience.campaign", in.Audience.Campaign != nil && *in.Audience.Campaign == ""},
		{"audience.procedure", in.Audience.Procedure != nil && *in.Audience.Procedure == ""},
		{"audience.stage", in.Audience.Stage != nil && *in.Audience.Stage == ""},
	} {
		if f.empty {
			return a, "The field " + f.name + " is empty; state a value, or leave the field out."
		}
	}
	a.Request, a.Texts = value(in.Request), in.Texts
	a.Audience = visa.Audience{Campaign: value(in.Audience.Campaign), Procedure: value(in.Audience.Procedure), Stage: value(in.Audience.Stage)}
	return a, ""
}

func value[T ~string](p *T) T {
	if p == nil {
		return ""
	}
	return *p
}

// announcementAnswer is an announcement on the wire.
type announcementAnswer struct {
	ID        int64                  `json:"id"`
	Request   string                 `json:"request"`
	State     visa.AnnouncementState `json:"state"`
	Audience  visa.Audience          `json:"audience"`
	CreatedBy string                 `json:"created_by"`
	CreatedAt string                 `json:"created_at"`
	EndedAt   *string                `json:"ended_at"`
	Total     int64                  `json:"total"`
	Written   int64                  `json:"written"`
	Waiting   int64                  `json:"waiting"`
	Done      int64                  `json:"done"`
	Texts     map[string]string      `json:"texts,omitempty"`
}

func (s *Server) announcementAnswer(a visa.Announcement) announcementAnswer {
	out := announcementAnswer{
		ID: a.ID, Request: a.Request, State: a.State, Audience: a.Audience, CreatedBy: a.CreatedBy,
		CreatedAt: a.CreatedAt.In(s.service.Zone()).Format(time.RFC3339),
		Total:     a.Total, Written: a.Written, Waiting: a.Waiting, Done: a.Done(), Texts: a.Texts,
	}
	if !a.EndedAt.IsZero() {
		ended := a.EndedAt.In(s.service.Zone()).Format(time.RFC3339)
		out.EndedAt = &ended
	}
	return out
}

// announce answers POST /v1/announcements.
func (s *Server) announce(r *request) {
	r.client() // before the body
	key, ok := s.authorized(r, visa.ScopeAnnounce)
	if !ok {
		return
	}
	if media, ok := r.contentType(); !ok || media != typeJSON {
		r.unsupported(typeJSON)
		return
	}
	body, ok := r.body(maxAnnouncementBytes)
	if !ok {
		return
	}
	var in announcementRequest
	if p, ok := decodeObject(body, &in, "request, texts, audience and dry_run, or of those of audience: campaign, procedure and stage"); !ok {
		r.fail(p)
		return
	}
	a, detail := in.announcement()
	if detail != "" {
		r.fail(problem{kind: invalidFields, detail: detail})
		return
	}
	a.CreatedBy = key.Name
	if err := s.announcer.Check(&a); err != nil {
		r.fail(problem{kind: invalidFields, detail: sentence(err)})
		return
	}
	ctx, cancel := s.timeLimited()
	defer cancel()
	if in.DryRun {
		s.planned(ctx, r, a)
		return
	}
	made, fresh, err := s.announcer.Announce(ctx, a)
	if err != nil {
		r.fail(announcementProblem(ctx, err))
		return
	}
	r.result(encodeJSON(s.announcementAnswer(made)))
	if fresh {
		r.ctx.Response.SetStatusCode(fasthttp.StatusCreated)
		r.ctx.Response.Header.Set(fasthttp.HeaderLocation, "/v1/announcements/"+strconv.FormatInt(made.ID, 10))
	}
}

// planned answers a dry run.
func (s *Server) planned(ctx context.Context, r *request, a visa.Announcement) {
	plan, err := s.announcer.Plan(ctx, a)
	if err != nil {
		r.fail(announcementProblem(ctx, err))
		return
	}
	type language struct {
		Language string   `json:"language"`
		Chats    int64    `json:"chats"`
		Text     string   `json:"text"`
		Preview  string   `json:"preview"`
		Buttons  []string `json:"buttons"`
	}
	out := struct {
		DryRun    bool       `json:"dry_run"`
		Total     int64      `json:"total"`
		Languages []language `json:"languages"`
	}{DryRun: true, Total: plan.Total}
	for _, l := range plan.Languages {
		out.Languages = append(out.Languages, language{l.Code, l.Chats, l.TextOf, l.Shown.Text, append([]string{}, l.Buttons...)})
	}
	r.result(encodeJSON(out))
}

// announcements answers GET /v1/announcements.
func (s *Server) announcements(r *request) {
	if _, ok := s.authorized(r, visa.ScopeAnnounce); !ok {
		return
	}
	ctx, cancel := s.timeLimited()
	defer cancel()
	all, err := s.announcer.List(ctx)
	if err != nil {
		r.fail(announcementProblem(ctx, err))
		return
	}
	list := struct {
		Announcements []announcementAnswer `json:"announcements"`
	}{[]announcementAnswer{}}
	for _, a := range all {
		a.Texts = nil
		list.Announcements = append(list.Announcements, s.announcementAnswer(a))
	}
	r.result(encodeJSON(list))
}

// announcement answers GET /v1/announcements/{id}.
func (s *Server) announcement(r *request) {
	if _, ok := s.authorized(r, visa.ScopeAnnounce); !ok {
		return
	}
	ctx, cancel := s.timeLimited()
	defer cancel()
	a, err := s.announcer.Show(ctx, r.announcementID())
	if err != nil {
		r.fail(announcementProblem(ctx, err))
		return
	}
	r.result(encodeJSON(s.announcementAnswer(a)))
}

// setAnnouncement answers POST /v1/announcements/{id}/pause, resume and cancel,
// which have no body.
func (s *Server) setAnnouncement(state visa.AnnouncementState) handler {
	return func(r *request) {
		r.client()
		if _, ok := s.authorized(r, visa.ScopeAnnounce); !ok {
			return
		}
		ctx, cancel := s.timeLimited()
		defer cancel()
		a, err := s.announcer.Set(ctx, r.announcementID(), state)
		if err != nil {
			r.fail(announcementProblem(ctx, err))
			return
		}
		r.result(encodeJSON(s.announcementAnswer(a)))
		r.leaveBody()
	}
}

// announcementID reads the id from the path; 0, which is none's, if it is no
// id.
func (r *request) announcementID() int64 {
	text := r.fiber.Params(restOfPath)
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id < 1 || strconv.FormatInt(id, 10) != text {
		return 0
	}
	return id
}

func announcementProblem(ctx context.Context, err error) problem {
	switch {
	case errors.Is(err, visa.ErrNotFound):
		return problem{kind: unknownAnnouncement, detail: "There is no announcement of this id. GET /v1/announcements lists them."}
	case errors.Is(err, visa.ErrRequestUsed):
		return problem{kind: usedRequest, detail: "An announcement with other texts or another audience was made with this request. State a new one to make another announcement."}
	case errors.Is(err, visa.ErrEnded):
		return problem{kind: endedAnnouncement, detail: "It is done or cancelled, and nothing is sent of it any more. Make a new one."}
	}
	return faultOf(overdue(ctx, err))
}
