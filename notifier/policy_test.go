package notifier_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"kabarchy/notifier/telegram"
	"kabarchy/visa"
)

func refuse(kind telegram.Kind, edits ...func(*telegram.Error)) func(call) error {
	return func(call) error {
		e := &telegram.Error{Method: "sendMessage", Kind: kind, Reason: string(kind)}
		for _, f := range edits {
			f(e)
		}
		return e
	}
}

func TestNewsAreAcceptedAtOnce(t *testing.T) {
	inWorld(t, 28, func(w *world) {
		w.follow(1, 10000001)
		w.wait(time.Minute)
		begun := time.Now()
		w.record(10000001, 1)
		w.wait(2 * time.Second)
		got := w.tg.got()
		if len(got) != 1 || got[0].at.Sub(begun) > 100*time.Millisecond {
			t.Fatalf("accepted %v", got)
		}
	})
}

func TestA429SilencesEverythingForAsLongAsItSays(t *testing.T) {
	inWorld(t, 28, func(w *world) {
		w.follow(1, 10000001)
		w.follow(2, 10000002)
		w.tg.fail(refuse(telegram.TooFast, func(e *telegram.Error) { e.RetryAfter = 40 * time.Second }))
		w.record(10000001, 1)
		w.wait(time.Second)
		refused := time.Now()
		w.tg.fail(nil)
		w.record(10000002, 1)
		w.wait(30 * time.Second)
		w.halt() // a restart does not forget it
		w.start(28)
		w.wait(8 * time.Second)
		if n := len(w.tg.tried()); n != 1 {
			t.Fatalf("%d requests within the time to be silent", n)
		}
		w.wait(10 * time.Second)
		got := w.tg.got()
		if len(got) != 2 || got[0].at.Sub(refused) < 39*time.Second {
			t.Fatalf("accepted %v", got)
		}
	})
}

func TestFailuresThatMayPassAreRepeatedEverMoreSlowlyForThreeDays(t *testing.T) {
	inWorld(t, 28, func(w *world) {
		w.follow(1, 10000001)
		w.tg.fail(refuse(telegram.Transient))
		w.record(10000001, 1)
		w.wait(71 * time.Hour)
		tried := w.tg.tried()
		if n := len(tried); n < 71*4 || n > 71*12 {
			t.Errorf("%d tries in 71 hours", n)
		}
		if d := tried[1].at.Sub(tried[0].at); d > 4*time.Second {
			t.Errorf("the second try came after %s", d)
		}
		w.tg.fail(nil)
		w.wait(16 * time.Minute)
		if len(w.tg.got()) != 1 {
			t.Error("it did not arrive once Telegram was back")
		}

		w.tg.fail(refuse(telegram.Transient))
		w.record(10000001, 2)
		w.wait(80 * time.Hour)
		n := len(w.tg.tried())
		w.tg.fail(nil)
		w.wait(time.Hour)
		if len(w.tg.tried()) != n {
			t.Error("it was still tried after three days")
		}
	})
}

func TestAChatThatIsGoneGetsNothingMoreUntilItComesBack(t *testing.T) {
	inWorld(t, 28, func(w *world) {
		w.follow(1, 10000001, 10000002)
		w.tg.fail(refuse(telegram.Gone))
		w.record(10000001, 1)
		w.record(10000002, 1)
		w.wait(time.Minute)
		w.tg.fail(nil)
		w.record(10000001, 2)
		w.wait(time.Hour)
		if n := len(w.tg.tried()); n != 1 {
			t.Fatalf("%d requests to a chat that is gone", n)
		}
		w.converse(1, func(c visa.Conversation) error { return c.Reply(context.Background(), visa.Note{Reply: "welcome"}) })
		w.record(10000001, 3)
		w.wait(time.Minute)
		// The answer, one summary of what it missed, and what has happened since.
		if got := w.tg.got(); len(got) != 3 || !strings.Contains(got[1].text, "return") || !strings.Contains(got[2].text, "v3") {
			t.Errorf("after it came back: %v", got)
		}
	})
}

func TestAMigratedChatGetsItAtItsNewAddress(t *testing.T) {
	inWorld(t, 28, func(w *world) {
		w.follow(-5, 10000001)
		w.tg.fail(func(c call) error {
			if c.chat == -5 {
				return refuse(telegram.Migrated, func(e *telegram.Error) { e.MigrateTo = -1005 })(c)
			}
			return nil
		})
		w.record(10000001, 1)
		w.wait(5 * time.Second)
		w.record(10000001, 2)
		w.wait(5 * time.Second)
		got := w.tg.got()
		if len(got) != 2 || got[0].chat != -1005 || got[1].chat != -1005 || len(w.tg.tried()) != 3 {
			t.Errorf("accepted %v of %v", got, w.tg.tried())
		}
	})
}

func TestRefusedMarkupGoesOutOnceMoreAsPlainTextAndIsThenDead(t *testing.T) {
	inWorld(t, 28, func(w *world) {
		w.follow(1, 10000001)
		w.tg.fail(func(c call) error {
			if c.html {
				return refuse(telegram.BadMessage)(c)
			}
			return nil
		})
		w.record(10000001, 1)
		w.wait(10 * time.Second)
		if got := w.tg.got(); len(got) != 1 || got[0].html {
			t.Fatalf("accepted %v", got)
		}
		w.tg.fail(refuse(telegram.BadMessage))
		w.record(10000001, 2)
		w.wait(time.Hour)
		if n := len(w.tg.tried()); n != 4 {
			t.Errorf("%d requests, want 4", n)
		}
	})
}

func TestARefusedTokenStopsSendingAndLosesNothing(t *testing.T) {
	inWorld(t, 28, func(w *world) {
		w.tg.fail(refuse(telegram.Unauthorized))
		for n := range 20 {
			w.follow(int64(n+1), 10000001+n)
			w.record(10000001+n, 1)
		}
		w.wait(24 * time.Hour)
		if n := len(w.tg.tried()); n > 24*60/9 {
			t.Errorf("%d requests in a day with a refused token", n)
		}
		w.tg.fail(nil)
		w.wait(20 * time.Minute)
		if got := w.tg.got(); len(got) != 20 {
			t.Errorf("accepted %d, want 20", len(got))
		}
	})
}

func TestDuringAnOutageOnlyOneMessageAtATimeFindsOut(t *testing.T) {
	inWorld(t, 28, func(w *world) {
		w.tg.fail(refuse(telegram.Transient))
		for n := range 500 {
			w.follow(int64(n+1), 10000001+n)
			w.record(10000001+n, 1)
		}
		w.wait(outage)
		if n := len(w.tg.tried()); n > int(outage/(30*time.Second))+100 {
			t.Errorf("%d requests in a day of outage", n)
		}
		w.tg.fail(nil)
		w.wait(20 * time.Minute)
		if got := w.tg.got(); len(got) != 500 {
			t.Errorf("accepted %d, want 500", len(got))
		}
		paceKept(t, w.tg.got(), 30, 1)
	})
}

func TestThePaceIsKeptOverAllAndInEachChat(t *testing.T) {
	inWorld(t, 28, func(w *world) {
		w.tg.slow(150 * time.Millisecond)
		const chats, each = 40, 5
		for c := range chats {
			for k := range each {
				w.follow(int64(c+1), 10000000+10*c+k)
			}
		}
		begun := time.Now()
		for c := range chats {
			for k := range each {
				w.record(10000000+10*c+k, 1)
			}
		}
		w.wait(4 * time.Second)
		w.halt()
		w.start(28)
		w.wait(30 * time.Second)
		got := w.tg.got()
		if len(got) != chats*each {
			t.Fatalf("accepted %d, want %d", len(got), chats*each)
		}
		paceKept(t, got, 30, 1)
		if took := got[len(got)-1].at.Sub(begun); took > (chats*each/28+4)*time.Second {
			t.Errorf("took %s", took)
		}
	})
}

// paceKept checks every sliding second.
func paceKept(t *testing.T, calls []call, overall, perChat int) {
	t.Helper()
	for i, c := range calls {
		n, same := 0, 0
		for _, d := range calls[i:] {
			if d.at.Sub(c.at) < time.Second {
				n++
				if d.chat == c.chat {
					same++
				}
			}
		}
		if n > overall || same > perChat {
			t.Fatalf("%d messages, %d in one chat, within a second from %s", n, same, c.at)
		}
	}
}

func TestNewsOfOneReferenceArriveInOrderAndBackingOffBlocksNoOther(t *testing.T) {
	inWorld(t, 28, func(w *world) {
		w.follow(1, 10000001, 10000002)
		w.tg.fail(func(c call) error {
			if c.text == "<b>news of 10000001 v1</b>" {
				return refuse(telegram.Transient)(c)
			}
			return nil
		})
		w.record(10000001, 1)
		w.wait(500 * time.Millisecond)
		w.record(10000002, 1)
		w.wait(10 * time.Second)
		w.tg.fail(nil)
		w.record(10000001, 2)
		w.wait(time.Minute)
		got := fmt.Sprint(texts(w.tg.got()))
		if want := "[<b>news of 10000002 v1</b> <b>news of 10000001 v2</b>]"; got != want {
			t.Errorf("accepted %s, want %s", got, want)
		}
	})
}

func texts(calls []call) (out []string) {
	for _, c := range calls {
		out = append(out, c.text)
	}
	return out
}

func TestAnAnswerToAPersonGoesBeforeNews(t *testing.T) {
	inWorld(t, 28, func(w *world) {
		w.tg.slow(400 * time.Millisecond)
		w.follow(1, 10000001, 10000002, 10000003)
		for n := range 3 {
			w.record(10000001+n, 1)
		}
		w.converse(1, func(c visa.Conversation) error { return c.Reply(context.Background(), visa.Note{Reply: "help"}) })
		w.wait(time.Minute)
		got := texts(w.tg.got())
		if len(got) != 4 || got[0] != "<b>help</b>" && got[1] != "<b>help</b>" {
			t.Errorf("accepted %v", got)
		}
	})
}

func TestASenderThatDiesLeavesNothingUnsent(t *testing.T) {
	inWorld(t, 28, func(w *world) {
		w.follow(1, 10000001)
		w.tg.slow(time.Hour) // no answer comes within the time allowed
		w.record(10000001, 1)
		w.wait(31 * time.Second)
		w.tg.slow(0)
		w.wait(time.Minute)
		if got := w.tg.got(); len(got) != 1 {
			t.Errorf("accepted %v", got)
		}
	})
}
