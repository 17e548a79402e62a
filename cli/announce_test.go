package cli

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	core "kabarchy/app"
	"kabarchy/visa"
)

func TestTextsOfAnAnnouncementComeFromFiles(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	en, bom := file("en=us.txt", "Closed,\nsorry"), file("ru.txt", "\xef\xbb\xbfЗакрыто")
	tests := []struct {
		name  string
		texts []string
		want  map[string]string
		err   string
	}{
		{"two languages", []string{"en=" + en, "ru=" + bom}, map[string]string{"en": "Closed,\nsorry", "ru": "Закрыто"}, ""},
		{"no language", []string{en}, nil, ""},
		{"no file", []string{"en"}, nil, "write a language and a file"},
		{"an empty language", []string{"=" + bom}, nil, "write a language and a file"},
		{"a language twice", []string{"en=" + en, "en=" + bom}, nil, "two texts"},
		{"a file there is not", []string{"en=" + dir + "/none"}, nil, "no such file"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			made, err := announceMake{Text: tt.texts}.read()
			if tt.want == nil {
				var e exit
				if !errors.As(err, &e) || e.status != exitUnusable || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("got %v, want a status 2 that says %q", err, tt.err)
				}
				return
			}
			if err != nil || len(made.Texts) != len(tt.want) {
				t.Fatalf("got %v, %v", made.Texts, err)
			}
			for lang, want := range tt.want {
				if made.Texts[lang] != want {
					t.Errorf("%s: got %q, want %q", lang, made.Texts[lang], want)
				}
			}
		})
	}
}

type announcements = core.Announcements

// played is a store in which an announcement goes through states, one a look.
type played struct {
	announcements
	mu     sync.Mutex
	states []visa.Announcement
}

func (p *played) Announcement(context.Context, int64) (visa.Announcement, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	a := p.states[0]
	if len(p.states) > 1 {
		p.states = p.states[1:]
	}
	return a, nil
}

func TestAnAnnouncementIsWatchedUntilItHasEnded(t *testing.T) {
	is := func(state visa.AnnouncementState, written, waiting int64) visa.Announcement {
		return visa.Announcement{ID: 3, State: state, Total: 10, Written: written, Waiting: waiting}
	}
	run := is(visa.AnnouncementRunning, 5, 3)
	tests := []struct {
		name   string
		states []visa.Announcement
		status int
		out    string
		err    string
	}{
		{"done", []visa.Announcement{run, is(visa.AnnouncementDone, 10, 0)}, exitFine, "Announcement 3 is done: 10 of 10 chats.", ""},
		{"paused, and then done", []visa.Announcement{is(visa.AnnouncementPaused, 5, 3), run, is(visa.AnnouncementDone, 9, 0)}, exitFine, "is done: 9 of 10 chats.", ""},
		{"cancelled", []visa.Announcement{run, is(visa.AnnouncementCancelled, 5, 0)}, exitFailed, "is cancelled: 5 of 10 chats.", ""},
		{"nothing moves, and the command is ended", []visa.Announcement{run}, exitFine, "", "Does the service run"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var out, errOut bytes.Buffer
				ctx, stop := context.WithTimeout(context.Background(), time.Minute)
				defer stop()
				a := &app{out: &out, err: &errOut}
				err := a.watch(ctx, core.NewAnnouncer(core.AnnouncerOptions{Store: &played{states: tt.states}}), run)
				if status := finish(err, &errOut); status != tt.status || !strings.Contains(out.String(), tt.out) || !strings.Contains(errOut.String(), tt.err) {
					t.Errorf("status %d\n%s\n%s", status, out.String(), errOut.String())
				}
				if ended := strings.Contains(errOut.String(), "goes on without this command"); ended != (tt.out == "") {
					t.Errorf("it says\n%s", errOut.String())
				}
			})
		})
	}
}

func TestACommandThatIsRunOnceMoreTheSameDayIsTheSameAnnouncement(t *testing.T) {
	morning := time.Date(2025, 6, 20, 9, 0, 0, 0, time.UTC)
	made := func(text, campaign string) visa.Announcement {
		return visa.Announcement{Texts: map[string]string{"en": text, "ru": "Закрыто"}, Audience: visa.Audience{Campaign: campaign}}
	}
	first := announceMake{}.request(made("Closed", ""), morning)
	tests := []struct {
		name string
		m    announceMake
		made visa.Announcement
		now  time.Time
		same bool
	}{
		{"that evening", announceMake{}, made("Closed", ""), morning.Add(14 * time.Hour), true},
		{"the next day", announceMake{}, made("Closed", ""), morning.Add(24 * time.Hour), false},
		{"another text", announceMake{}, made("Open", ""), morning, false},
		{"another audience", announceMake{}, made("Closed", "legalization-2025"), morning, false},
		{"a request of its own", announceMake{Request: "monday"}, made("Closed", ""), morning, false},
		{"once more on purpose", announceMake{Again: true}, made("Closed", ""), morning, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.made.Request = tt.m.request(tt.made, tt.now)
			if (tt.made.Request == first) != tt.same {
				t.Errorf("known by %q, the first by %q", tt.made.Request, first)
			}
			if err := tt.made.Validate([]string{"en", "ru"}); err != nil {
				t.Error(err)
			}
			if wanted := tt.m.Request != ""; wanted && tt.made.Request != tt.m.Request {
				t.Errorf("known by %q", tt.made.Request)
			}
		})
	}
	if (announceMake{Again: true}).request(made("Closed", ""), morning) != "" {
		t.Error("--again says which announcement it is")
	}
}
