package store

import (
	"context"
	"testing"

	"kabarchy/visa"
)

// SetStateAlone changes an announcement's state and nothing of what follows
// from it.
func SetStateAlone(t testing.TB, s *Store, id int64, state visa.AnnouncementState) {
	t.Helper()
	err := s.write(context.Background(), "test", func(ctx context.Context, t *tx) error {
		_, err := t.exec(ctx, `UPDATE announcements SET state = $1 WHERE id = $2`, string(state), id)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
