package httpapi

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"os"
	"strings"

	"github.com/valyala/fasthttp"
)

// Most bytes of the bodies that are read whole.
const (
	maxUpdateBytes  = 64 << 10
	maxLookupBytes  = 256 << 10
	maxFormBytes    = 16 << 10
	maxWebhookBytes = 1 << 20
)

// utf8BOM is what some programs begin a file with; it says nothing here.
var utf8BOM = []byte("\xef\xbb\xbf")

// body reads the whole body, of at most so many bytes, into memory that is not
// Fiber's. On a problem it has answered, and returns false.
func (r *request) body(most int) ([]byte, bool) {
	declared := r.ctx.Request.Header.ContentLength()
	if declared > most {
		r.fail(tooLargeProblem(most))
		return nil, false
	}
	stream := r.ctx.RequestBodyStream()
	if stream == nil {
		return nil, true
	}
	var buf bytes.Buffer
	if declared > 0 {
		buf.Grow(declared + bytes.MinRead)
	}
	_, err := buf.ReadFrom(io.LimitReader(stream, int64(most)+1))
	if err == nil && buf.Len() <= most && r.cut(buf.Len()) {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		r.fail(r.brokenBody(err))
		return nil, false
	}
	if buf.Len() > most {
		r.fail(tooLargeProblem(most))
		return nil, false
	}
	r.whole = true
	return bytes.TrimPrefix(buf.Bytes(), utf8BOM), true
}

func tooLargeProblem(most int) problem {
	return problem{kind: tooLarge, detail: "The body may have at most " + byteCount(most) + "."}
}

func byteCount(n int) string {
	switch {
	case n%(1<<20) == 0:
		return itoa(n>>20) + " MiB"
	case n%(1<<10) == 0:
		return itoa(n>>10) + " KiB"
	}
	return itoa(n) + " bytes"
}

// brokenBody says why a body could not be read to its end. The connection is
// asked, since fasthttp's errors do not always tell.
func (r *request) brokenBody(err error) problem {
	conn, ok := r.ctx.Conn().(*trackedConn)
	if errors.Is(err, os.ErrDeadlineExceeded) || ok && conn.timedOut.Load() {
		return problem{kind: requestTimeout, detail: "The body stopped arriving. Send it again."}
	}
	return problem{kind: malformedBody, detail: "The body ended before it was complete. Send it again."}
}

// cut reports whether a body that was read to its end, n bytes in all, is not
// whole. fasthttp tells that of neither form: a body of known length that is
// cut short ends like any other, and so does a chunked one that is cut between
// two chunks.
func (r *request) cut(n int) bool {
	if declared := r.ctx.Request.Header.ContentLength(); declared >= 0 {
		return n < declared
	}
	conn, ok := r.ctx.Conn().(*trackedConn)
	return ok && conn.ended.Load()
}

// contentType returns the media type of the body in small letters, without
// parameters; ok is false if it says that it is not UTF-8, or is compressed.
func (r *request) contentType() (media string, ok bool) {
	h := &r.ctx.Request.Header
	if coding := string(h.ContentEncoding()); coding != "" && !strings.EqualFold(coding, "identity") {
		return "", false
	}
	media, params, err := mime.ParseMediaType(string(h.ContentType()))
	if err != nil {
		return "", false
	}
	charset, stated := params["charset"]
	return media, !stated || strings.EqualFold(charset, "utf-8")
}

// unsupported answers that a body of another type is needed.
func (r *request) unsupported(accepted string) {
	r.fail(problem{kind: unsupportedMediaType, detail: "Send the body as " + accepted + ", in UTF-8 and not compressed."})
	r.ctx.Response.Header.Set("Accept-Post", strings.ReplaceAll(accepted, " or ", ", "))
}

// bearer returns the key of the header Authorization, in memory of its own; ""
// if there is none.
func bearer(ctx *fasthttp.RequestCtx) string {
	const scheme = "bearer "
	v := ctx.Request.Header.Peek(fasthttp.HeaderAuthorization)
	if len(v) <= len(scheme) || !strings.EqualFold(string(v[:len(scheme)]), scheme) {
		return ""
	}
	return string(bytes.TrimSpace(v[len(scheme):]))
}
