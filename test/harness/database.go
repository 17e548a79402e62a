package harness

import (
	"context"
	"database/sql"

	_ "modernc.org/sqlite" // to look into the database from outside

	"kabarchy/notifier/telegram/simulator"
)

// Open opens the installation's database read-only.
func (s *Service) Open() *sql.DB {
	s.t.Helper()
	db, err := sql.Open("sqlite", "file:"+s.database()+"?mode=ro&_pragma=busy_timeout(10000)")
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = db.Close() })
	return db
}

// Settled returns once all that Telegram had for the bot is handled, and all
// that the bot had to say is said: what has not been sent by then never will.
func (s *Service) Settled(sim *simulator.Simulator) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	if err := sim.WaitDrained(ctx); err != nil {
		s.t.Fatalf("the bot does not fetch what it was sent: %v", err)
	}
	db := s.Open()
	defer func() { _ = db.Close() }()
	s.Until("nothing waits to be handled or sent", func() bool {
		var n int
		err := db.QueryRow(`SELECT (SELECT count(*) FROM inbox WHERE body <> '') +
			(SELECT count(*) FROM notifications WHERE ended_at = 0)`).Scan(&n)
		if err != nil {
			s.t.Fatalf("look into the database: %v", err)
		}
		return n == 0
	})
}
