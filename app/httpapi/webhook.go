package httpapi

import (
	"errors"
)

// telegram answers POST /telegram/webhook: 200 once the update is stored.
// Anything else makes Telegram send it again, with growing pauses.
func (s *Server) telegram(r *request) {
	secret := string(r.ctx.Request.Header.Peek("X-Telegram-Bot-Api-Secret-Token"))
	if media, ok := r.contentType(); !ok || media != typeJSON {
		r.unsupported(typeJSON)
		return
	}
	body, ok := r.body(maxWebhookBytes)
	if !ok {
		return
	}
	ctx, cancel := s.timeLimited()
	defer cancel()
	switch err := s.webhook(ctx, secret, body); {
	case err == nil:
		emptyBlock.CopyTo(&r.ctx.Response.Header)
	case errors.Is(err, ErrForbidden):
		r.fail(problem{kind: forbidden, detail: "The secret of the webhook is missing or wrong."})
	case errors.Is(err, ErrNotUpdate):
		r.fail(problem{kind: malformedBody, detail: "The body is not an update of the Bot API."})
	default:
		r.fail(faultOf(err))
	}
}
