package harness

import (
	"database/sql"
	"fmt"
	"strings"
	"syscall"
	"time"
)

// Live lets the program live for so long, and kills it. With a point (NAME:N,
// in a build with the tag failpoint) it is to die there before: died tells
// whether it did. It need not become ready: it may be killed while it starts.
func (s *Service) Live(longest time.Duration, point string) (died bool) {
	s.t.Helper()
	var env []string
	if point != "" {
		env = append(env, "FAILPOINT="+point)
	}
	from := s.log.len()
	s.launch(env...)
	timer := time.NewTimer(longest)
	defer timer.Stop()
	cmd := s.cmd
	select {
	case <-s.ended:
	case <-timer.C:
	}
	s.signal(syscall.SIGKILL)
	if w, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || w.Signal() != syscall.SIGKILL {
		s.t.Fatalf("the program ended by itself: %v", cmd.ProcessState)
	}
	name, _, _ := strings.Cut(point, ":")
	return name != "" && strings.Contains(s.log.after(from), "failpoint "+name+"\n")
}

// Edit changes the installation's database while the program does not run. It
// is how a test lets days pass that it cannot wait for. each is called for the
// rows that the statement returns, if any.
func (s *Service) Edit(each func(scan func(...any) error) error, text string, args ...any) {
	s.t.Helper()
	if s.cmd != nil {
		s.t.Fatal("the program runs")
	}
	if err := s.edit(each, text, args...); err != nil {
		s.t.Fatalf("edit the database: %v", err)
	}
}

func (s *Service) edit(each func(scan func(...any) error) error, text string, args ...any) error {
	db, err := sql.Open("sqlite", "file:"+s.database()+"?mode=rw&_pragma=busy_timeout(10000)")
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	rows, err := db.Query(text, args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if each == nil {
			return fmt.Errorf("nobody reads what it returns")
		}
		if err := each(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}
