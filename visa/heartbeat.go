package visa

import "time"

// heartbeatHour is the local hour at which heartbeats fall due.
const heartbeatHour = 10

// NextHeartbeat returns when a chat that asked for heartbeats hears from us
// next: a month after an instant, on the last day of a month that is too
// short, at ten in the morning or else after the quiet hours.
func (s Schedule) NextHeartbeat(after time.Time) time.Time {
	local := after.In(s.Zone)
	last := time.Date(local.Year(), local.Month()+2, 0, 12, 0, 0, 0, s.Zone).Day()
	day := DateOf(time.Date(local.Year(), local.Month()+1, min(local.Day(), last), 12, 0, 0, 0, s.Zone))
	return s.Awake(day.At(heartbeatHour, 0, s.Zone), day.End(s.Zone))
}
