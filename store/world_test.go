package store_test

import (
	"bytes"
	"context"
	"path/filepath"
	"testing"
	"time"

	"kabarchy/store"
	"kabarchy/visa"
)

var bishkek = time.FixedZone("+06", 6*3600)

var schedule = visa.Schedule{Zone: bishkek, Rules: []visa.ReminderRule{
	{Kind: visa.LeaveBy, Days: []int{14, 7, 3, 1, 0}, Hour: 10},
	{Kind: visa.CorrectBy, Days: []int{14, 7, 3, 1}, Hour: 10},
}}

// A clock stands until it is moved.
type clock struct{ t time.Time }

func (c *clock) now() time.Time { return c.t }

func keyring(t testing.TB) *store.Keyring {
	t.Helper()
	k, err := store.NewKeyring([]store.Secret{{ID: "k1", Key: bytes.Repeat([]byte{7}, 32)}})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func open(t testing.TB, path string, c *clock) *store.Store {
	t.Helper()
	o := store.Options{Keys: keyring(t), Schedule: schedule}
	if c != nil {
		o.Now = c.now
	}
	s, err := store.Open(context.Background(), store.Prefix+path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func fresh(t testing.TB) (*store.Store, *clock) {
	c := &clock{time.Date(2025, 6, 20, 9, 0, 0, 0, bishkek)}
	return open(t, filepath.Join(t.TempDir(), "k.db"), c), c
}

func ref(t testing.TB, s string) visa.Reference {
	t.Helper()
	r, err := visa.ParseReference(s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// update makes an update in processing; edits change it.
func update(t testing.TB, reference string, version int64, edits ...func(*visa.Update)) visa.Update {
	t.Helper()
	u := visa.Update{Reference: ref(t, reference), Version: version, UpdatedAt: time.Date(2025, 6, 2, 9, 0, 0, 0, bishkek).Add(time.Duration(version) * time.Hour),
		Statement: visa.Statement{Procedure: visa.ProcedureExitVisa, Stage: visa.StageInProcessing}}
	for _, e := range edits {
		e(&u)
	}
	u.Normalize()
	if err := u.Validate(); err != nil {
		t.Fatal(err)
	}
	return u
}

func approved(u *visa.Update) { u.Stage, u.Outcome = visa.StageDecided, visa.OutcomeApproved }
func closed(u *visa.Update)   { u.Stage = visa.StageClosed }

func leaveBy(day string) func(*visa.Update) {
	return func(u *visa.Update) {
		d, err := visa.ParseDate(day)
		if err != nil {
			panic(err)
		}
		u.Deadlines = []visa.Deadline{{Kind: visa.LeaveBy, Date: d}}
	}
}

func record(t testing.TB, s *store.Store, updates ...visa.Update) []visa.Recorded {
	t.Helper()
	out, err := s.Record(context.Background(), "test", "", updates)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

var updateID int64 = 1000

// converse runs f as a message of a chat.
func converse(t testing.TB, s *store.Store, chat int64, f func(visa.Conversation) error) {
	t.Helper()
	updateID++
	if err := s.Receive(context.Background(), []visa.Incoming{{UpdateID: updateID, Body: "{}"}}); err != nil {
		t.Fatal(err)
	}
	if err := s.Converse(context.Background(), updateID, chat, "en", f); err != nil {
		t.Fatal(err)
	}
}

func follow(t testing.TB, s *store.Store, chat int64, references ...string) {
	t.Helper()
	converse(t, s, chat, func(c visa.Conversation) error {
		for _, r := range references {
			if _, _, err := c.Follow(context.Background(), ref(t, r)); err != nil {
				return err
			}
		}
		return nil
	})
}

func sender(t testing.TB, s *store.Store) *store.Sender {
	t.Helper()
	d, _, err := s.BecomeSender(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

var allLanes = []visa.Turn{{Lane: visa.LaneConversation, N: 1000}, {Lane: visa.LaneDecision, N: 1000}, {Lane: visa.LaneReminder, N: 1000}, {Lane: visa.LaneAnnouncement, N: 1000}}

func claim(t testing.TB, d *store.Sender) []visa.Delivery {
	t.Helper()
	got, err := d.Claim(context.Background(), 1000, allLanes, time.Second, func(int64) time.Time { return time.Time{} })
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func finish(t testing.TB, d *store.Sender, result visa.SendResult, got ...visa.Delivery) {
	t.Helper()
	var sent []visa.Sent
	for _, g := range got {
		sent = append(sent, visa.Sent{Delivery: g, Result: result, MessageID: g.ID, EndedAt: g.CreatedAt})
	}
	if err := d.Finish(context.Background(), sent, time.Time{}); err != nil {
		t.Fatal(err)
	}
}
