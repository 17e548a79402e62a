package crash

import (
	"fmt"
	"slices"
	"strings"

	"kabarchy/test/harness"
)

// A verdict holds the promises against what is known once all is over: what
// the clients were acknowledged, what Telegram accepted, what the service
// answers, and what it has recorded.
type verdict struct {
	*hunt

	versions map[string]int64   // in the end
	told     map[int][]told     // by Telegram's number of the message
	all      []*record          // but for superseded news
	byKey    map[string]*record // the same by dedupe key
	written  map[change]bool    // news, whatever became of them
	last     map[string]*record // the last news of each chat and reference
	chats    map[int64]*person  // by the store's number
	doubts   []*doubt

	accepted, duplicates, changes, superseded, cancelled, reminded, announced int
}

func (v *verdict) String() string {
	return fmt.Sprintf(`%d updates acknowledged in %d requests, %d requests broken off; %d followed in the end
%d changes looked for and found written; %d messages accepted, %d news superseded, %d notifications cancelled by a rule, %d reminders, %d announcements' messages
%d attempts ambiguous, %d messages accepted under one of them and not recorded otherwise`,
		v.books.acknowledged, v.books.requests, v.books.broken, len(v.people.follows()),
		v.changes, v.accepted, v.superseded, v.cancelled, v.reminded, v.announced, len(v.doubts), v.duplicates)
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
		got := slices.Clone(a.Deadlines)
		for i := range got {
			got[i].DaysLeft = nil
		}
		want := update(r, a.Version).Deadlines
		slices.SortFunc(got, func(a, b harness.Deadline) int { return -strings.Compare(a.Kind, b.Kind) })
		if !slices.Equal(got, want) {
			v.t.Errorf("TORN: %s at version %d has the deadlines %+v, not %+v", r, a.Version, got, want)
		}
	}
	if len(v.versions) < nReferences/2 {
		v.t.Errorf("only %d of %d references were ever acknowledged: this run proves little", len(v.versions), nReferences)
	}
}

// messages checks that everything asked was answered, that every follower
// knows the last state in the end, and that none was told of an older one
// after a newer, or of anything after it had taken its leave.
func (v *verdict) messages() {
	v.told = map[int][]told{}
	last := map[wish]told{}
	for _, m := range v.sim.All() {
		all, err := tells(m)
		if err != nil {
			v.t.Errorf("a message makes no sense: %v\n%s", err, m.Text)
			continue
		}
		v.told[m.ID] = all
		for _, now := range all {
			if before := last[now.wish]; now.version < before.version {
				v.t.Errorf("ORDER: chat %d was told of version %d of %s at %s, after version %d at %s",
					now.chat, now.version, now.reference, now.At, before.version, before.At)
			}
			last[now.wish] = now
		}
	}
	for _, w := range v.people.follows() {
		if got, want := last[w].version, v.versions[w.reference]; got != want {
			v.t.Errorf("LOST: chat %d follows %s and was last told of version %d of %d", w.chat, w.reference, got, want)
		}
	}
	for _, who := range v.people.all {
		v.answered(who)
	}
}

// answered checks that a person got an answer to each message, as far as
// anything is known of it still, and heard nothing more of what it had left.
func (v *verdict) answered(who *person) {
	from := 0
	for i, a := range who.acts {
		if a.what == confirm {
			from = i + 1
		}
	}
	for i, a := range who.acts {
		r := v.byKey[fmt.Sprintf("c:%d:1", a.update)]
		switch {
		case i < from || a.what == blockBot || a.what == unblock:
			continue
		case r == nil:
			v.t.Errorf("LOST: chat %d got no answer to its %s of %s", who.chat, a.what, a.reference)
		case r.state == "accepted" && a.what == stop:
			v.silent(who, a, who.acts[i+1:], int(r.message))
		case r.state != "accepted" && !v.rule(r):
			v.t.Errorf("LOST: the answer of chat %d to its %s of %s ends as %s, %q", who.chat, a.what, a.reference, r.state, r.why)
		}
	}
}

// silent checks that nothing is told of a reference from the answer on that
// says so until the person wants to hear of it again.
func (v *verdict) silent(who *person, a act, later []act, answer int) {
	begun, end := int64(-1), int64(-1)
	for _, next := range later {
		if next.what == follow && next.reference == a.reference {
			end = next.after
			break
		}
	}
	for _, m := range v.sim.Messages(who.chat) {
		if m.ID == answer {
			begun = m.Seq
		}
		if begun < 0 || m.Seq <= begun || end >= 0 && m.Seq > end {
			continue
		}
		for _, one := range v.told[m.ID] {
			if one.reference == a.reference && !strings.Contains(m.Text, "follow") {
				v.t.Errorf("TOLD AFTER ALL: chat %d heard of %s after it was told that it no longer follows it:\n%s", who.chat, a.reference, m.Text)
			}
		}
	}
}

// announcements checks that each acknowledged one is over, and was written to
// every chat that was there and could be written to all the time.
func (v *verdict) announcements() {
	db := v.s.Open()
	for _, id := range v.speak.acked {
		var state string
		var last int64
		var written, n int
		if err := db.QueryRow(`SELECT state, last_chat, written FROM announcements WHERE id = $1`, id).Scan(&state, &last, &written); err != nil {
			v.t.Fatalf("LOST: announcement %d: %v", id, err)
		}
		for chat, who := range v.chats {
			r := v.byKey[fmt.Sprintf("a:%d:%d", id, chat)]
			if r != nil && r.state == "accepted" {
				n++
			} else if chat <= last && (who.habit == follower || who.habit == employer) {
				v.t.Errorf("LOST: announcement %d was never told to chat %d", id, who.chat)
			}
		}
		if state != "done" || n == 0 || n > written {
			v.t.Errorf("LOST: announcement %d ends as %s; %d messages were written and %d accepted", id, state, written, n)
		}
		v.announced += n
	}
	if len(v.speak.acked) == 0 {
		v.t.Error("nothing was announced: this run proves nothing about announcements")
	}
}

// pace checks that restarts were no excuse for haste.
func (v *verdict) pace() {
	if p := v.sim.Pace(); p.Overall.Count > 30 || p.PerChat.Count > 1 {
		v.t.Errorf("PACE: %d messages within a second, %d in one chat; Telegram takes 30 and 1", p.Overall.Count, p.PerChat.Count)
	}
}
