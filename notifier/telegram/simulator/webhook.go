package simulator

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"time"
)

// webhook is where updates are pushed.
type webhook struct {
	url       string // "": nowhere
	maxConn   int
	lastError string
	errorAt   time.Time
	stop      context.CancelFunc
}

var secretPattern = regexp.MustCompile(`^[A-Za-z0-9_-]{1,256}$`)

// setWebhook begins pushing. Unlike the real server it also takes http URLs and
// any port, so that a test can listen on loopback; certificates and fixed
// addresses are ignored.
func (s *Simulator) setWebhook(c *call) answer {
	target, secret := c.p.get("url"), c.p.get("secret_token")
	if target == "" {
		return s.deleteWebhook(c)
	}
	if u, err := url.Parse(target); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return refuse(badRequest("bad webhook: An HTTPS URL must be provided for webhook"))
	}
	if len(secret) > 256 {
		return refuse(badRequest("secret token is too long"))
	}
	if secret != "" && !secretPattern.MatchString(secret) {
		return refuse(badRequest("secret token contains unallowed characters"))
	}
	maxConn := c.p.int("max_connections")
	if maxConn < 1 || maxConn > 100 {
		maxConn = 40
	}
	s.stopWebhook()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return answer{gone: true}
	}
	s.abortPollLocked(conflictSet)
	s.allowLocked(c.p)
	if c.p.flag("drop_pending_updates") {
		s.updates.queue = nil
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.hook = webhook{url: target, maxConn: maxConn, stop: cancel}
	s.wg.Go(func() { s.push(ctx, target, secret) })
	s.changedLocked()
	return ok(true)
}

// deleteWebhook ends pushing.
func (s *Simulator) deleteWebhook(c *call) answer {
	s.stopWebhook()
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.p.flag("drop_pending_updates") {
		s.updates.queue = nil
		s.changedLocked()
	}
	return ok(true)
}

func (s *Simulator) stopWebhook() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.hook.stop != nil {
		s.hook.stop()
	}
	s.hook = webhook{}
}

type wireWebhookInfo struct {
	URL        string   `json:"url"`
	HasCert    bool     `json:"has_custom_certificate"`
	Pending    int      `json:"pending_update_count"`
	ErrorAt    int64    `json:"last_error_date,omitempty"`
	Error      string   `json:"last_error_message,omitempty"`
	MaxConn    int      `json:"max_connections,omitempty"`
	AllowedFor []string `json:"allowed_updates,omitempty"`
}

func (s *Simulator) getWebhookInfo(*call) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return ok(s.webhookInfoLocked())
}

func (s *Simulator) webhookInfoLocked() wireWebhookInfo {
	info := wireWebhookInfo{
		URL: s.hook.url, Pending: len(s.updates.queue), MaxConn: s.hook.maxConn, AllowedFor: s.updates.allowedList(),
	}
	if s.hook.lastError != "" {
		info.Error, info.ErrorAt = s.hook.lastError, s.hook.errorAt.Unix()
	}
	return info
}

// push delivers updates one after another until ctx ends or the Simulator
// closes. One that fails is tried again after a growing pause; nothing
// overtakes it.
func (s *Simulator) push(ctx context.Context, target, secret string) {
	for failures := 0; ; {
		var u *update
		if err := s.wait(ctx, func() bool {
			s.updates.confirm(0, s.now())
			if ctx.Err() != nil || s.outage || len(s.updates.queue) == 0 {
				return false
			}
			u = s.updates.queue[0]
			u.delivered = true
			return true
		}); err != nil {
			return
		}
		err := s.pushOne(ctx, target, secret, u.raw)
		s.mu.Lock()
		if ctx.Err() != nil { // replaced or deleted meanwhile: its success or failure is nobody's
			s.mu.Unlock()
			return
		}
		if err == nil {
			failures = 0
			s.updates.queue = slices.DeleteFunc(s.updates.queue, func(o *update) bool { return o == u })
			s.changedLocked()
		} else {
			failures++
			s.hook.lastError, s.hook.errorAt = err.Error(), s.now()
		}
		s.mu.Unlock()
		if err != nil && !s.rest(ctx, s.opts.WebhookPause(failures)) {
			return
		}
	}
}

// rest waits for d and reports whether it came to the end.
func (s *Simulator) rest(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
	case <-s.done:
	}
	return false
}

// pushOne posts one update. Its errors are the real server's words.
func (s *Simulator) pushOne(ctx context.Context, target, secret string, raw []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(raw))
	if err != nil {
		return errors.New("Invalid URL")
	}
	req.Header.Set("Content-Type", "application/json")
	if secret != "" {
		req.Header.Set("X-Telegram-Bot-Api-Secret-Token", secret)
	}
	resp, err := s.opts.WebhookClient.Do(req)
	if err != nil {
		return errors.New("Connection failed")
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxBodyBytes))
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return fmt.Errorf("Wrong response from the webhook: %d %s", resp.StatusCode, http.StatusText(resp.StatusCode))
	}
	return nil
}
