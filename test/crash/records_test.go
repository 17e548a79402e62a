package crash

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A record is a notification as the database holds it in the end.
type record struct {
	id                          int64
	dedupe                      string
	chat                        int64 // the store's
	subscription                int64
	reference, kind, state, why string
	message                     int64 // Telegram's number
	open                        int   // attempts without a result
	who                         *person
}

// A doubt is an attempt whose outcome is recorded as not known.
type doubt struct {
	chat       int64 // the store's
	begun, end time.Time
	spent      bool // on a message that was accepted
}

// records reads what the database holds. Of news that were superseded, which
// are most of it, it keeps what they were about, and the last of each kind.
func (v *verdict) records() {
	db := v.s.Open()
	rows, err := db.Query(`SELECT n.id, n.dedupe, n.chat, n.subscription, n.reference, n.kind, n.state, n.why, n.message_id,
			(SELECT count(*) FROM attempts a WHERE a.notification = n.id AND a.ended_at = 0)
		FROM notifications n ORDER BY n.id`)
	if err != nil {
		v.t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	v.byKey, v.written, v.last = map[string]*record{}, map[change]bool{}, map[string]*record{}
	for rows.Next() {
		r := &record{}
		if err := rows.Scan(&r.id, &r.dedupe, &r.chat, &r.subscription, &r.reference, &r.kind, &r.state, &r.why, &r.message, &r.open); err != nil {
			v.t.Fatal(err)
		}
		if r.open > 0 {
			v.t.Errorf("an attempt of notification %d was left without a result", r.id)
		}
		if r.kind == "news" {
			v.written[r.change()] = true
			v.last[fmt.Sprint(r.chat, " ", r.reference)] = r
			if r.state == "superseded" {
				v.superseded++
				continue
			}
		}
		v.all = append(v.all, r)
		v.byKey[r.dedupe] = r
	}
	if err := rows.Err(); err != nil {
		v.t.Fatal(err)
	}
	// A chat of the store's is known by the answers to what was written in it.
	v.chats = map[int64]*person{}
	for _, who := range v.people.all {
		for _, a := range who.acts {
			if r := v.byKey[fmt.Sprintf("c:%d:1", a.update)]; r != nil {
				v.chats[r.chat] = who
			}
		}
	}
	for _, r := range v.all {
		if r.who = v.chats[r.chat]; r.who == nil {
			v.t.Errorf("notification %d is for a chat that nobody has", r.id)
		}
	}
	v.readDoubts()
}

// A change is a version of an application as one subscription is told of it.
type change struct{ subscription, version int64 }

// change is what news are about, by their dedupe key: n:SUBSCRIPTION:VERSION:…
func (r *record) change() (c change) {
	if parts := strings.Split(r.dedupe, ":"); len(parts) == 4 && parts[0] == "n" {
		c.subscription, _ = strconv.ParseInt(parts[1], 10, 64)
		c.version, _ = strconv.ParseInt(parts[2], 10, 64)
	}
	return c
}

// news checks that each acknowledged version was written for each of those who
// followed when it was sent, follow it still and were never away.
func (v *verdict) news() {
	rows, err := v.s.Open().Query(`SELECT id, chat, reference, created_at FROM subscriptions`)
	if err != nil {
		v.t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var id, chat, since int64
		var reference string
		if err := rows.Scan(&id, &chat, &reference, &since); err != nil {
			v.t.Fatal(err)
		}
		if who := v.chats[chat]; who == nil || who.habit != follower && who.habit != employer {
			continue
		}
		for _, s := range v.books.all[reference] {
			if s.at.UnixMicro() <= since {
				continue
			}
			v.changes++
			if !v.written[change{id, s.version}] {
				v.t.Errorf("LOST: version %d of %s was acknowledged, and nothing written for subscription %d", s.version, reference, id)
			}
		}
	}
	if err := rows.Err(); err != nil {
		v.t.Fatal(err)
	}
}

func (v *verdict) readDoubts() {
	rows, err := v.s.Open().Query(`SELECT n.chat, a.started_at, a.ended_at FROM attempts a JOIN notifications n ON n.id = a.notification
		WHERE a.result = 'ambiguous' ORDER BY a.started_at`)
	if err != nil {
		v.t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var chat, begun, end int64
		if err := rows.Scan(&chat, &begun, &end); err != nil {
			v.t.Fatal(err)
		}
		v.doubts = append(v.doubts, &doubt{chat: chat, begun: time.UnixMicro(begun), end: time.UnixMicro(end)})
	}
	if err := rows.Err(); err != nil {
		v.t.Fatal(err)
	}
}

// deliveries holds what Telegram accepted against what the database has
// recorded: each message is recorded as accepted once, or else was accepted
// while an attempt to its chat was under way that is recorded as ambiguous.
// What was recorded of a chat that had itself forgotten is gone with it.
func (v *verdict) deliveries() {
	recorded := map[int64]*record{}
	digested := map[int64]int64{} // the latest digest of a chat
	for _, r := range v.all {
		switch r.state {
		case "accepted":
			if recorded[r.message] != nil {
				v.t.Errorf("TWICE RECORDED: message %d", r.message)
			}
			recorded[r.message] = r
		case "superseded":
			v.superseded++
		case "cancelled":
			v.cancelled++
			if !v.rule(r) {
				v.t.Errorf("LOST: notification %d (%s of chat %d) was cancelled by no rule: %q", r.id, r.kind, r.chat, r.why)
			}
		default:
			v.t.Errorf("LOST: notification %d (%s of chat %d) ends as %s, %q", r.id, r.kind, r.chat, r.state, r.why)
		}
		if r.kind == "digest" {
			digested[r.chat] = r.id
		}
	}
	for _, r := range v.last {
		if r.state == "superseded" && digested[r.chat] < r.id {
			v.t.Errorf("LOST: the last news of %s to chat %d are superseded by nothing: %q", r.reference, r.chat, r.why)
		}
	}
	v.matched(recorded)
}

// rule reports whether a rule may have taken a notification back.
func (v *verdict) rule(r *record) bool {
	did := func(what string) bool {
		return r.who != nil && slices.ContainsFunc(r.who.acts, func(a act) bool { return a.what == what })
	}
	switch {
	case r.why == "unfollowed":
		return did(stop) || did(confirm)
	case r.why == "deadline no longer stands":
		return r.kind == "reminder"
	case r.why == "forgotten":
		return did(confirm)
	case strings.HasPrefix(r.why, "blocked"), r.why == "chat inactive":
		return did(blockBot)
	}
	return false
}

// matched finds for each message its record, or else the doubt that excuses it.
func (v *verdict) matched(recorded map[int64]*record) {
	type said struct {
		wish
		version int64
	}
	news := map[said]int{}
	for _, m := range v.sim.All() {
		who := v.people.of(m.Chat)
		if m.Edit {
			continue
		}
		v.accepted++
		if r := recorded[int64(m.ID)]; r != nil {
			if r.who != who {
				v.t.Errorf("WRONG CHAT: message %d", m.ID)
			}
			if r.kind == "news" {
				for _, one := range v.told[m.ID] {
					what := said{one.wish, one.version}
					if news[what]++; news[what] > 1 {
						v.t.Errorf("DUPLICATE: version %d of %s was told to chat %d twice, and both times recorded", one.version, one.reference, m.Chat)
					}
				}
			}
			delete(recorded, int64(m.ID))
			continue
		}
		if who.habit == forgetter && v.forgotten(who, m.Seq) {
			continue
		}
		if !v.excused(who, m.At) {
			v.t.Errorf("DUPLICATE: message %d to chat %d at %s is recorded neither as accepted nor as ambiguous:\n%s", m.ID, m.Chat, m.At, m.Text)
		}
		v.duplicates++
	}
	for _, r := range recorded {
		v.t.Errorf("LOST: message %d (%s) is recorded as accepted that Telegram never accepted", r.message, r.kind)
	}
}

// forgotten reports whether what was recorded of a message may be gone, since
// its chat had itself forgotten after it.
func (v *verdict) forgotten(who *person, seq int64) bool {
	// The answer that says so goes last, and what is recorded of it goes too.
	i := len(who.acts) - 1
	for ; i >= 0 && who.acts[i].what != confirm; i-- {
	}
	if i < 0 {
		return false
	}
	for _, a := range who.acts[i+1:] {
		if a.what == follow {
			return seq <= a.after
		}
	}
	return true
}

// excused spends the doubt within which a message was accepted.
func (v *verdict) excused(who *person, at time.Time) bool {
	for _, d := range v.doubts {
		if !d.spent && v.chats[d.chat] == who && !at.Before(d.begun) && !at.After(d.end) {
			d.spent = true
			return true
		}
	}
	return false
}

// reminders checks that each one that fell due was written, unless its day
// moved or its follower left first.
func (v *verdict) reminders() {
	db := v.s.Open()
	for _, d := range v.due.all {
		if r := v.byKey[d.key()]; r != nil {
			v.reminded++
			continue
		}
		var n int
		if err := db.QueryRow(`SELECT count(*) FROM reminders r JOIN subscriptions s ON s.id = r.subscription
			WHERE r.subscription = $1 AND r.kind = 'collect_by' AND r.date = $2 AND r.since = 1`, d.subscription, d.date).Scan(&n); err != nil {
			v.t.Fatal(err)
		}
		if n > 0 {
			v.t.Errorf("LOST: a reminder of subscription %d fell due and was never written", d.subscription)
		}
	}
	for _, chat := range v.due.beats {
		if !slices.ContainsFunc(v.all, func(r *record) bool { return r.chat == chat && r.kind == "heartbeat" }) {
			v.t.Errorf("LOST: the heartbeat of chat %d fell due and was never written", chat)
		}
	}
	if v.reminded == 0 {
		v.t.Error("no reminder fell due: this run proves nothing about them")
	}
}
