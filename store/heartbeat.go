package store

import (
	"context"
	"fmt"
	"time"

	"kabarchy/failpoint"
	"kabarchy/visa"
)

// beatUse is how long a heartbeat is of use: it says as of when it was checked
// when it is sent, but a week late it is no sign of life any more.
const beatUse = 7 * 24 * time.Hour

// beat writes the heartbeats that fell due, at most MaxDue, and plans each
// chat's next one. A chat that cannot be written to or follows nothing gets
// none. Of several that a chat was to get while nothing ran it gets one, and the
// next a month from now. It returns how many chats it handled.
func (t *tx) beat(ctx context.Context, schedule visa.Schedule, now time.Time) (int, error) {
	type due struct {
		chat  int64
		wants bool
	}
	var all []due
	err := t.query(ctx, func(scan func(...any) error) error {
		var d due
		err := scan(&d.chat, &d.wants)
		all = append(all, d)
		return err
	}, `SELECT c.id, c.active = 1 AND c.forgotten = 0 AND EXISTS (SELECT 1 FROM subscriptions s WHERE s.chat = c.id)
		FROM chats c WHERE c.heartbeat_at > 0 AND c.heartbeat_at <= $1 ORDER BY c.heartbeat_at LIMIT $2`, micros(now), MaxDue)
	if err != nil {
		return 0, err
	}
	day, use := visa.DateOf(now.In(schedule.Zone)), now.Add(beatUse)
	var rows []visa.Notification
	for _, d := range all {
		if d.wants {
			rows = append(rows, visa.Notification{
				DedupeKey: fmt.Sprintf("h:%d:%s", d.chat, day), Chat: d.chat,
				Lane: visa.LaneReminder, Kind: visa.KindHeartbeat, State: visa.Pending,
				NotBefore: schedule.Awake(now, use), UseUntil: use, CreatedAt: now,
			})
		}
		if _, err := t.exec(ctx, `UPDATE chats SET heartbeat_at = $1 WHERE id = $2`, micros(schedule.NextHeartbeat(now)), d.chat); err != nil {
			return 0, err
		}
	}
	failpoint.Here("due.beats")
	return len(all), t.insertNotifications(ctx, rows)
}
