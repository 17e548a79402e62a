package simulator_test

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"kabarchy/notifier/telegram/simulator"
)

func TestPaceIsJudgedAndEnforced(t *testing.T) {
	for _, mode := range []simulator.LimitMode{simulator.LimitJudge, simulator.LimitEnforce} {
		t.Run(mode.String(), func(t *testing.T) {
			clock := time.Unix(1_750_000_000, 0)
			r := newRig(t, simulator.Options{AnyChat: true, Now: func() time.Time { return clock }, Limits: simulator.Limits{Mode: mode}})
			for i := range 5 {
				got := r.call("sendMessage", "chat_id", "9", "text", strconv.Itoa(i))
				if refused := mode == simulator.LimitEnforce && i >= 3; refused != (got.Status == 429) || refused && got.Parameters.RetryAfter != 1 {
					t.Errorf("send %d: %s", i, got.Body)
				}
				clock = clock.Add(10 * time.Millisecond)
			}
			r.must(nil, "sendMessage", "chat_id", "8", "text", "x")
			p := r.sim.Pace()
			if p.Sends != 6 || p.Chats != 2 || p.Overall.Count != 6 || p.PerChat.Count != 5 || p.PerChat.Chat != 9 || p.Violations != 2 || len(p.Examples) != 2 || p.Examples[0].Limit != "chat" {
				t.Errorf("Pace = %+v", p)
			}
			if d := p.PerChat.Last.Sub(p.PerChat.First); d != 40*time.Millisecond {
				t.Errorf("the busiest second spans %v", d)
			}
		})
	}
}

func TestDuplicates(t *testing.T) {
	for _, keep := range []simulator.Keep{simulator.KeepAll, simulator.KeepHashes, simulator.KeepCounts} {
		t.Run(fmt.Sprint(keep), func(t *testing.T) {
			r := newRig(t, simulator.Options{AnyChat: true, Keep: keep})
			for _, s := range []string{"1 a", "2 a", "1 b", "1 a", "3 c", "1 a", "2 b"} {
				chat, text, _ := strings.Cut(s, " ")
				r.must(nil, "sendMessage", "chat_id", chat, "text", text)
			}
			r.must(nil, "editMessageText", "chat_id", "2", "message_id", "7", "text", "a")
			got := r.sim.Duplicates()
			if keep == simulator.KeepCounts {
				if len(got) != 0 {
					t.Errorf("Duplicates = %+v", got)
				}
			} else if len(got) != 1 || got[0].Chat != 1 || got[0].Times != 3 || fmt.Sprint(got[0].IDs) != "[1 4 6]" {
				t.Errorf("Duplicates = %+v", got)
			}
			if c := r.sim.Counts(); c.Accepted != 7 || c.Edits != 1 || c.Methods["sendMessage"] != 7 || c.Statuses[200] != 8 || r.sim.Sent(1) != 4 {
				t.Errorf("Counts = %+v", c)
			}
			want := map[simulator.Keep]int{simulator.KeepAll: 8, simulator.KeepHashes: 8}[keep]
			if n := len(r.sim.All()); n != want {
				t.Errorf("%d kept, want %d", n, want)
			}
			if _, err := r.sim.WaitMessages(within(t), 1, 4); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestKeepLastBoundsMemoryAndNotTheCounts(t *testing.T) {
	r := newRig(t, simulator.Options{AnyChat: true, KeepLast: 10})
	for i := range 57 {
		r.must(nil, "sendMessage", "chat_id", "5", "text", strconv.Itoa(i))
	}
	all := r.sim.All()
	if n := len(all); n < 10 || n >= 20 || all[n-1].Text != "56" || all[n-1].Seq != 57 {
		t.Errorf("%d kept, the last %+v", n, all[n-1])
	}
	if n := len(r.sim.Requests()); n < 10 || n >= 20 {
		t.Errorf("%d requests kept", n)
	}
	if n := len(r.sim.Conversation(5)); n < 10 || n >= 20 {
		t.Errorf("%d messages in the conversation", n)
	}
	if c := r.sim.Counts(); c.Accepted != 57 {
		t.Errorf("%d counted", c.Accepted)
	}
	if got := r.sim.Accepted(55); len(got) != 2 {
		t.Errorf("%d after the 55th", len(got))
	}
	r.sim.Reset()
	if len(r.sim.All()) != 0 || r.sim.Counts().Requests != 0 || len(r.sim.Chats()) != 0 {
		t.Error("Reset left something")
	}
}

func TestManyAtOnce(t *testing.T) {
	r := newRig(t, simulator.Options{AnyChat: true})
	stop := make(chan struct{})
	var bots, people sync.WaitGroup
	people.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				chat := r.sim.AddUser(simulator.User{ID: 77})
				_, _ = r.sim.SendText(chat, "hello")
				_, _ = r.sim.Press(chat, 0, "go")
				_, _ = r.sim.Block(chat)
				_, _ = r.sim.Unblock(chat)
				r.sim.Pace()
				r.sim.Duplicates()
				r.sim.Conversation(77)
				_, _ = r.sim.Script(simulator.Fault{Kind: simulator.FaultServerError, Chat: 3, Count: 1})
				r.sim.Faults()
			}
		}
	})
	people.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				_, _ = r.try("getUpdates", form("offset", "-1"))
			}
		}
	})
	const workers, each = 8, 25
	for w := range workers {
		bots.Go(func() {
			for i := range each {
				chat := []string{"77", "3", strconv.Itoa(100 + w)}[i%3]
				_, _ = r.try("sendMessage", form("chat_id", chat, "text", "x", "reply_markup", `{"inline_keyboard":[[{"text":"Go","callback_data":"go"}]]}`))
			}
		})
	}
	bots.Wait()
	close(stop)
	people.Wait()
	c := r.sim.Counts()
	if c.Methods["sendMessage"] != workers*each || c.Accepted+c.Statuses[500]+c.Statuses[403] != workers*each {
		t.Errorf("%d sends; %d accepted, %d failed, %d blocked", c.Methods["sendMessage"], c.Accepted, c.Statuses[500], c.Statuses[403])
	}
}
