package crash

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"kabarchy/notifier/telegram/simulator"
	"kabarchy/test/harness"
)

// A verdict holds the promises against what is known once all is over: what
// the clients were acknowledged, what Telegram accepted, what the service
// answers, and what it has recorded.
type verdict struct {
	t      *testing.T
	s      *harness.Service
	sim    *simulator.Simulator
	books  *ledger
	people *people

	versions   map[string]int64 // in the end
	told       []told
	ambiguous  int
	duplicates int
	superseded int
}

func (v *verdict) String() string {
	return fmt.Sprintf("%d updates acknowledged in %d requests, %d requests broken off; %d follow, %d messages accepted, %d changes superseded, %d attempts ambiguous, %d duplicates",
		v.books.acknowledged, v.books.requests, v.books.broken, len(v.people.follows), len(v.told), v.superseded, v.ambiguous, v.duplicates)
}

// updates checks that every acknowledged update is there, and nothing that was
// never sent.
func (v *verdict) updates() {
	v.versions = map[string]int64{}
	for _, r := range references {
		if v.books.acked[r] == 0 {
			continue // never acknowledged, so perhaps not known
		}
		a := v.s.Lookup(r)
		v.versions[r] = a.Version
		if a.Version < v.books.acked[r] || a.Version > v.books.sent[r] {
			v.t.Errorf("LOST: %s is at version %d; %d was acknowledged and %d sent", r, a.Version, v.books.acked[r], v.books.sent[r])
		}
		if len(a.Deadlines) != 1 || a.Deadlines[0].Date != deadline(a.Version) {
			v.t.Errorf("TORN: %s at version %d has the deadlines %+v, not %s", r, a.Version, a.Deadlines, deadline(a.Version))
		}
	}
	if len(v.versions) < nReferences/2 {
		v.t.Errorf("only %d of %d references were ever acknowledged: this run proves little", len(v.versions), nReferences)
	}
}

// A told is what one accepted message told.
type told struct {
	simulator.Message
	wish
	version int64 // 0: not known yet
	news    bool  // not an answer to /follow
}

var (
	shownHint = regexp.MustCompile(`(\d\d)••••(\d\d)`)
	shownDay  = regexp.MustCompile(`Last day to leave: \w+ (\d{1,2} \w+ \d{4})`)
)

func read(m simulator.Message) (told, error) {
	out := told{Message: m, news: !strings.Contains(m.Text, "You follow this")}
	hint := shownHint.FindStringSubmatch(m.Text)
	if hint == nil {
		return out, fmt.Errorf("it names no reference")
	}
	out.wish = wish{m.Chat, "204177" + hint[2]}
	if day := shownDay.FindStringSubmatch(m.Text); day != nil {
		date, err := time.Parse("2 January 2006", day[1])
		if err != nil {
			return out, err
		}
		out.version = int64(date.Sub(base) / (24 * time.Hour))
	} else if !strings.Contains(m.Text, "Not in our data yet") {
		return out, fmt.Errorf("it names no day and does not say why")
	}
	return out, nil
}

// messages checks that every follower knows the last state in the end, and
// that none was told of an older one after a newer.
func (v *verdict) messages() {
	last := map[wish]told{}
	for _, m := range v.sim.All() {
		now, err := read(m)
		if err != nil {
			v.t.Errorf("a message makes no sense: %v\n%s", err, m.Text)
			continue
		}
		v.told = append(v.told, now)
		if before := last[now.wish]; now.version < before.version {
			v.t.Errorf("ORDER: chat %d was told of version %d of %s at %s, after version %d at %s",
				now.chat, now.version, now.reference, now.At, before.version, before.At)
		}
		last[now.wish] = now
	}
	answered := map[wish]bool{}
	for _, m := range v.told {
		answered[m.wish] = answered[m.wish] || !m.news
	}
	for _, w := range v.people.follows {
		if got, want := last[w].version, v.versions[w.reference]; got != want {
			v.t.Errorf("LOST: chat %d follows %s and was last told of version %d of %d", w.chat, w.reference, got, want)
		}
		if !answered[w] {
			v.t.Errorf("LOST: chat %d never got an answer to its wish to follow %s", w.chat, w.reference)
		}
	}
}

// A stream is what order and repetition are judged by: the news of a reference
// to a chat, or the answers to a chat. Chats are the store's.
type stream struct {
	chat      int64
	reference string // "" for answers
}

// deliveries holds what Telegram accepted against what the database has
// recorded: each message is recorded as accepted once, or else one of the
// attempts of its stream is recorded as ambiguous.
func (v *verdict) deliveries() {
	db := v.s.Open()
	rows, err := db.Query(`SELECT n.chat, n.reference, n.kind, n.state, n.message_id,
			(SELECT count(*) FROM attempts a WHERE a.notification = n.id AND a.result = 'ambiguous'),
			(SELECT count(*) FROM attempts a WHERE a.notification = n.id AND a.ended_at = 0)
		FROM notifications n`)
	if err != nil {
		v.t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	recorded := map[int64]stream{} // by Telegram's number of the message
	excused := map[stream]int{}
	for rows.Next() {
		var chat, message int64
		var reference, kind, state string
		var ambiguous, open int
		if err := rows.Scan(&chat, &reference, &kind, &state, &message, &ambiguous, &open); err != nil {
			v.t.Fatal(err)
		}
		in := stream{chat: chat}
		if kind == "news" {
			in.reference = reference
		}
		switch state {
		case "accepted":
			if _, twice := recorded[message]; twice {
				v.t.Errorf("TWICE RECORDED: message %d", message)
			}
			recorded[message] = in
		case "superseded":
			v.superseded++
		default:
			v.t.Errorf("LOST: a notification ends as %s", state)
		}
		if open > 0 {
			v.t.Errorf("an attempt was left without a result")
		}
		excused[in] += ambiguous
		v.ambiguous += ambiguous
	}
	if err := rows.Err(); err != nil {
		v.t.Fatal(err)
	}
	v.duplicated(recorded, excused)
}

func (v *verdict) duplicated(recorded map[int64]stream, excused map[stream]int) {
	chats := map[int64]int64{} // the store's, by Telegram's
	for _, m := range v.told {
		if in, ok := recorded[int64(m.ID)]; ok {
			chats[m.chat] = in.chat
		}
	}
	type said struct {
		wish
		version int64
		news    bool
	}
	times, timesRecorded := map[said]int{}, map[said]int{}
	for _, m := range v.told {
		what := said{m.wish, m.version, m.news}
		if !m.news {
			what.version = 0 // a wish is answered once, whatever has changed
		}
		if times[what]++; times[what] > 1 {
			v.duplicates++
		}
		if _, ok := recorded[int64(m.ID)]; ok {
			if timesRecorded[what]++; timesRecorded[what] > 1 {
				v.t.Errorf("DUPLICATE: version %d of %s was told to chat %d twice, and both times recorded", m.version, m.reference, m.chat)
			}
			delete(recorded, int64(m.ID))
			continue
		}
		in := stream{chat: chats[m.chat]}
		if m.news {
			in.reference = m.reference
		}
		if excused[in]--; excused[in] < 0 {
			v.t.Errorf("DUPLICATE: message %d (version %d of %s to chat %d, at %s) is recorded neither as accepted nor as ambiguous",
				m.ID, m.version, m.reference, m.chat, m.At)
		}
	}
	if len(recorded) > 0 {
		v.t.Errorf("LOST: %d messages are recorded as accepted that Telegram never accepted", len(recorded))
	}
}

// pace checks that restarts were no excuse for haste.
func (v *verdict) pace() {
	if p := v.sim.Pace(); p.Overall.Count > 30 || p.PerChat.Count > 1 {
		v.t.Errorf("PACE: %d messages within a second, %d in one chat; Telegram takes 30 and 1", p.Overall.Count, p.PerChat.Count)
	}
}
