package crash

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"kabarchy/test/harness"
)

// A reminder of the day to collect is due long before any follower of a test
// begins to follow, so that none falls due by itself.
const (
	reminderRule = "collect_by=90@00:00"
	reminderDays = 90
)

// dueDay is a version's day to collect: it moves at times only, so that most
// reminders still hold when they are sent.
func dueDay(version int64) string {
	return time.Now().UTC().AddDate(0, 0, 40+int(version/1000%20)).Format(time.DateOnly)
}

// fallsDue reports whether a reference has such a day: those whose updates
// come one at a time.
func fallsDue(reference string) bool {
	return slices.Index(references, reference)%nWriters%2 == 0
}

// dueDays are the reminders that were made to fall due, and the heartbeats by
// their chat in the store.
type dueDays struct {
	all   []dueDate
	beats []int64
}

// A dueDate is one reminder, by its subscription in the store.
type dueDate struct {
	subscription int64
	date         string
}

func (d dueDate) key() string {
	return fmt.Sprintf("r:%d:collect_by:%s:%d", d.subscription, d.date, reminderDays)
}

func newDueDays() *dueDays { return &dueDays{} }

// fall lets a reminder fall due when the program next runs, as if its follower
// had followed for months, and the heartbeat of one chat that never
// leaves, as if it had asked for it a month ago. One that fell due and was
// not written yet comes first.
func (d *dueDays) fall(s *harness.Service, rnd *rand.Rand) {
	s.Edit(func(scan func(...any) error) error {
		var due dueDate
		err := scan(&due.subscription, &due.date)
		d.all = append(d.all, due)
		return err
	}, `UPDATE reminders SET since = 1, next_at = 1 WHERE kind = 'collect_by' AND since > 1
		AND NOT EXISTS (SELECT 1 FROM reminders WHERE next_at = 1) AND subscription IN
		(SELECT s.id FROM subscriptions s JOIN chats c ON c.id = s.chat JOIN reminders r ON r.subscription = s.id
			WHERE r.kind = 'collect_by' AND r.since > 1 AND c.active = 1 AND c.forgotten = 0 ORDER BY (s.id * $1) % 1009 LIMIT 1)
		RETURNING subscription, date`, 1+rnd.IntN(1008))
	s.Edit(func(scan func(...any) error) error {
		var chat int64
		err := scan(&chat)
		d.beats = append(d.beats, chat)
		return err
	}, `UPDATE chats SET heartbeat_at = 1 WHERE id IN (SELECT c.id FROM chats c WHERE c.heartbeat_at = 0 AND c.active = 1
		AND (SELECT count(*) FROM subscriptions s WHERE s.chat = c.id) > $1 LIMIT 1) RETURNING id`, 2*maxFollowed)
}
