package simulator

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
)

// The largest bodies that are read: parameters, and parameters with files.
const (
	maxBodyBytes   = 1 << 20
	maxUploadBytes = 50 << 20
)

// params are a request's parameters, in the order of their coming. There are
// few, so that looking through a slice beats a map.
type params []param

type param struct {
	name, value string
	upload      *file // set for a file sent in the body; value is then empty
}

// get returns a parameter's value, "" if it is absent.
func (p params) get(name string) string {
	for i := range p {
		if p[i].name == name {
			return p[i].value
		}
	}
	return ""
}

// upload returns the file sent in the body under this name, or nil.
func (p params) file(name string) *file {
	for i := range p {
		if p[i].name == name && p[i].upload != nil {
			return p[i].upload
		}
	}
	return nil
}

// flag reads a boolean as the real server does: "true", "yes" and "1", in any case.
func (p params) flag(name string) bool {
	switch strings.ToLower(p.get(name)) {
	case "true", "yes", "1":
		return true
	}
	return false
}

// int returns a whole number, 0 if it is absent or is none.
func (p params) int(name string) int {
	n, _ := strconv.Atoi(strings.TrimSpace(p.get(name)))
	return n
}

// asMap returns a copy for the oracle's record; files appear by name.
func (p params) asMap() map[string]string {
	m := make(map[string]string, len(p))
	for _, e := range p {
		if e.upload != nil {
			m[e.name] = "attach:" + e.upload.Name
		} else {
			m[e.name] = e.value
		}
	}
	return m
}

var errTooLarge = errors.New("simulator: request body too large")

var bodies = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// readParams reads the query and the body: form, multipart or JSON. The body
// is read to its end in any case, so that a client's going away is noticed
// while the answer is delayed. It returns errTooLarge, or why the body could
// not be read.
func readParams(r *http.Request) (params, error) {
	p := make(params, 0, 8)
	if r.URL.RawQuery != "" {
		p = p.addForm(r.URL.RawQuery)
	}
	ct := r.Header.Get("Content-Type")
	if strings.HasPrefix(ct, "multipart/") {
		return p.addMultipart(r)
	}
	if r.Body == nil || r.Body == http.NoBody {
		return p, nil
	}
	buf := bodies.Get().(*bytes.Buffer)
	defer bodies.Put(buf)
	buf.Reset()
	if _, err := buf.ReadFrom(io.LimitReader(r.Body, maxBodyBytes+1)); err != nil {
		return p, err
	}
	if buf.Len() > maxBodyBytes {
		return p, errTooLarge
	}
	if strings.HasPrefix(ct, "application/json") {
		return p.addJSON(buf.Bytes())
	}
	return p.addForm(buf.String()), nil
}

// addForm adds application/x-www-form-urlencoded pairs. What cannot be decoded
// is taken as it stands.
func (p params) addForm(s string) params {
	for len(s) > 0 {
		var pair string
		pair, s, _ = strings.Cut(s, "&")
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		if n, err := url.QueryUnescape(name); err == nil {
			name = n
		}
		if v, err := url.QueryUnescape(value); err == nil {
			value = v
		}
		p = append(p, param{name: name, value: value})
	}
	return p
}

// addJSON adds the fields of a JSON object. Strings lose their quotes; other
// values stay JSON text, which is how they look in a form.
func (p params) addJSON(b []byte) (params, error) {
	if len(bytes.TrimSpace(b)) == 0 {
		return p, nil
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(b, &fields); err != nil {
		return p, err
	}
	for name, raw := range fields {
		value := string(raw)
		if len(raw) > 0 && raw[0] == '"' {
			if err := json.Unmarshal(raw, &value); err != nil {
				return p, err
			}
		}
		if value == "null" {
			continue
		}
		p = append(p, param{name: name, value: value})
	}
	return p, nil
}

// addMultipart adds the fields of a multipart form. Of files only the name,
// the type and the size are kept.
func (p params) addMultipart(r *http.Request) (params, error) {
	if _, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil {
		return p, err
	}
	mr, err := r.MultipartReader()
	if err != nil {
		return p, err
	}
	left := int64(maxUploadBytes)
	for {
		part, err := mr.NextPart()
		if err == io.EOF {
			return p, nil
		}
		if err != nil {
			return p, err
		}
		e := param{name: part.FormName()}
		if part.FileName() != "" {
			n, err := io.Copy(io.Discard, io.LimitReader(part, left+1))
			if err != nil {
				return p, err
			}
			left -= n
			e.upload = &file{Name: part.FileName(), MIME: part.Header.Get("Content-Type"), Size: n}
		} else {
			b, err := io.ReadAll(io.LimitReader(part, maxBodyBytes+1))
			if err != nil {
				return p, err
			}
			left -= int64(len(b))
			e.value = string(b)
		}
		if left < 0 {
			return p, errTooLarge
		}
		p = append(p, e)
	}
}
