package guidance

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync/atomic"
	"time"
)

// A Source is a file that is read again whenever it changes. It may be used by
// many goroutines. The nil Source has no guide.
type Source struct {
	path      string
	languages []string
	log       *slog.Logger
	current   atomic.Pointer[Guide]
	seen      stamp
}

// stamp tells one state of a file from another.
type stamp struct {
	size     int64
	modified time.Time
}

// Open reads a file. A file that cannot be read or understood is an error.
func Open(path string, languages []string, log *slog.Logger) (*Source, error) {
	s := &Source{path: path, languages: languages, log: log}
	if err := s.load(); err != nil {
		return nil, err
	}
	return s, nil
}

// Current returns the guide in effect.
func (s *Source) Current() *Guide {
	if s == nil {
		return nil
	}
	return s.current.Load()
}

// Watch looks at the file every so often until ctx ends, and reads it anew
// when it has changed. One that is broken or gone leaves the last good one in
// effect, and is logged once for each state of the file.
func (s *Source) Watch(ctx context.Context, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			s.look()
		}
	}
}

func (s *Source) look() {
	now, err := stampOf(s.path)
	if err == nil && now == s.seen {
		return
	}
	if err != nil && s.seen == (stamp{}) {
		return // it is still gone
	}
	if err = s.load(); err != nil {
		s.seen = now
		s.log.Error("guidance: the file is not used; what stood in it before goes on", "error", err)
		return
	}
	s.log.Info("guidance: read anew", "revision", s.Current().Revision())
}

func stampOf(path string) (stamp, error) {
	info, err := os.Stat(path)
	if err != nil {
		return stamp{}, err
	}
	return stamp{info.Size(), info.ModTime()}, nil
}

func (s *Source) load() error {
	now, err := stampOf(s.path)
	if err != nil {
		return fmt.Errorf("guidance: %w", err)
	}
	f, err := os.Open(s.path)
	if err != nil {
		return fmt.Errorf("guidance: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, MaxBytes+1))
	if err != nil {
		return fmt.Errorf("guidance: read the file: %w", err)
	}
	g, err := Parse(data, s.languages)
	if err != nil {
		return err
	}
	s.seen = now
	s.current.Store(g)
	return nil
}
