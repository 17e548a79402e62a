package notifier_test

import (
	"context"
	"testing"
	"time"

	"kabarchy/notifier/telegram"
	"kabarchy/visa"
)

func TestAChatThatFailsAgainAndAgainSilencesNobody(t *testing.T) {
	inWorld(t, 28, func(w *world) {
		w.follow(1, 10000001)
		w.follow(2, 10000002)
		w.tg.fail(func(c call) error {
			if c.chat == 1 {
				return refuse(telegram.Transient)(c)
			}
			return nil
		})
		w.record(10000001, 1)
		w.wait(3 * time.Hour)
		for n := len(w.tg.tried()); len(w.tg.tried()) == n; {
			w.wait(time.Second)
		}
		w.record(10000002, 1)
		w.wait(3 * time.Second)
		if n := len(w.tg.got()); n != 1 {
			t.Errorf("%d messages of another chat are accepted within 3 s", n)
		}
	})
}

// Half of Telegram is away: what is sent next must not be for ever another
// message of that half, though its messages go before those of the other.
func TestWhileManyChatsFailTheNextToTryIsAnother(t *testing.T) {
	inWorld(t, 28, func(w *world) {
		const failing = 60
		w.tg.fail(func(c call) error {
			if c.chat <= failing {
				return refuse(telegram.Transient)(c)
			}
			return nil
		})
		for chat := range failing {
			w.converse(int64(chat+1), func(c visa.Conversation) error {
				return c.Reply(context.Background(), visa.Note{Reply: "help"})
			})
		}
		w.follow(failing+1, 10000001)
		w.follow(failing+2, 10000002)
		w.wait(2 * time.Hour)
		for version := range int64(5) {
			w.record(10000001, version+1)
			w.wait(longestProbe + 5*time.Second)
			if n := len(w.tg.got()); n != int(version)+1 {
				t.Fatalf("%d of %d news are accepted within %s", n, version+1, longestProbe)
			}
			w.wait(time.Hour)
		}
	})
}

// longestProbe is the longest time between two tries while Telegram is down.
const longestProbe = 30 * time.Second

func TestASilenceThatAnotherCallWasAskedForHoldsMessagesToo(t *testing.T) {
	inWorld(t, 28, func(w *world) {
		w.follow(1, 10000001)
		w.wait(time.Minute)
		begun := time.Now()
		w.n.Hold(begun.Add(time.Minute)) // as after a 429 to getUpdates
		w.record(10000001, 1)
		w.wait(10 * time.Second)
		w.halt() // a restart does not forget it
		w.start(28)
		w.wait(45 * time.Second)
		if n := len(w.tg.tried()); n != 0 {
			t.Fatalf("%d requests within the time to be silent", n)
		}
		if !w.held.Equal(begun.Add(time.Minute)) {
			t.Errorf("after the restart what runs beside is held until %s, want %s", w.held, begun.Add(time.Minute))
		}
		w.wait(10 * time.Second)
		if n := len(w.tg.got()); n != 1 {
			t.Errorf("accepted %d after it", n)
		}
	})
}

func TestAServiceStartedWithTheRightTokenSendsAtOnce(t *testing.T) {
	inWorld(t, 28, func(w *world) {
		w.tg.fail(refuse(telegram.Unauthorized))
		for n := range 20 {
			w.follow(int64(n+1), 10000001+n)
			w.record(10000001+n, 1)
		}
		w.wait(24*time.Hour + time.Second)
		w.halt()
		w.tg.fail(nil)
		w.start(28)
		w.wait(5 * time.Second)
		if n := len(w.tg.got()); n != 20 {
			t.Errorf("accepted %d of 20 within 5 s of the start", n)
		}
	})
}
