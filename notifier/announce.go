package notifier

import (
	"context"
	"errors"
	"time"

	"kabarchy/visa"
)

const (
	// refillEvery is how many claimed announcements' messages are worth writing
	// further ones for.
	refillEvery = 250
	// announceEvery is how often a running announcement is looked after when
	// nothing hints at it, and announceGap the least time between two looks.
	announceEvery = time.Second
	announceGap   = 50 * time.Millisecond
)

// announce brings announcements on until ctx ends or another process sends. It
// works beside the engine, since looking for an audience among very many chats
// takes longer than a message may wait.
func (n *Notifier) announce(ctx context.Context, q Queue) {
	for ctx.Err() == nil {
		open, more, err := q.Announce(ctx)
		if errors.Is(err, ErrStandBy) {
			return
		}
		if err != nil && ctx.Err() == nil {
			n.o.Log.Error("notifier: cannot write an announcement's messages; going on", "error", err)
			open = true
		}
		sleep(ctx, announceGap)
		if more {
			continue
		}
		wait := n.o.Idle
		if open {
			wait = min(wait, announceEvery)
		}
		t := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-t.C:
		case <-n.refill:
		}
		t.Stop()
	}
}

// hintRefill hints that announcements' messages run short, or that there is a
// new announcement. It never blocks.
func (n *Notifier) hintRefill() {
	select {
	case n.refill <- struct{}{}:
	default:
	}
}

// claimed counts announcements' messages, and hints once it is worth it.
func (e *engine) claimed(lane visa.Lane) {
	if lane != visa.LaneAnnouncement {
		return
	}
	if e.announced++; e.announced == refillEvery {
		e.announced = 0
		e.refill()
	}
}
