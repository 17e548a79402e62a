package httpapi

import (
	"bytes"
	"compress/gzip"
	"strings"
	"sync"

	"github.com/valyala/fasthttp"
)

var gzipCoding = []byte("gzip")

// takesGzip reports whether the client takes a body packed by gzip: it names
// it, or everything, and not with a weight of zero.
func (r *request) takesGzip() bool {
	for _, v := range r.ctx.Request.Header.PeekAll(fasthttp.HeaderAcceptEncoding) {
		if acceptsGzip(v) {
			return true
		}
	}
	return false
}

func acceptsGzip(field []byte) bool {
	for part := range bytes.SplitSeq(field, []byte(",")) {
		coding, parameters, _ := bytes.Cut(bytes.TrimSpace(part), []byte(";"))
		if name := string(bytes.TrimSpace(coding)); !strings.EqualFold(name, "gzip") && name != "*" {
			continue
		}
		weight, ok := bytes.CutPrefix(bytes.TrimSpace(parameters), []byte("q="))
		return !ok || len(bytes.Trim(weight, "0. ")) > 0
	}
	return false
}

// packers are kept by level: one takes longer to make than a page to pack.
var packers [gzip.BestCompression + 1]sync.Pool

// pack packs a page.
func pack(page []byte, level int) []byte {
	var out bytes.Buffer
	out.Grow(len(page) / 2)
	z, ok := packers[level].Get().(*gzip.Writer)
	if ok {
		z.Reset(&out)
	} else {
		z, _ = gzip.NewWriterLevel(&out, level) // the levels are ours
	}
	_, _ = z.Write(page) // into memory
	_ = z.Close()
	packers[level].Put(z)
	return out.Bytes()
}
