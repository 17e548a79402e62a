package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"kabarchy/store"
	"kabarchy/visa"
)

type deliveriesReplay struct {
	ID   []int64 `arg:"" optional:"" help:"The dead letters' numbers."`
	Dead bool    `help:"All dead letters."`
	Yes  bool    `help:"Ask nothing."`
}

func (r deliveriesReplay) Run(ctx context.Context, a *app) error {
	if r.Dead == (len(r.ID) > 0) {
		return unusable("say which: the numbers of dead letters, or --dead for all of them")
	}
	_, audit, err := a.audit(ctx)
	if err != nil {
		return err
	}
	defer audit.Close()
	plan := newReplayPlan()
	if r.Dead {
		err = plan.all(ctx, audit)
	} else {
		err = plan.these(ctx, audit, r.ID)
	}
	if err != nil {
		return err
	}
	if err := plan.print(a.out); err != nil {
		return err
	}
	if len(plan.again) > 0 {
		if !r.Yes && !a.agreed(ctx, "Send them again?") {
			return unusable("nothing was changed; answer yes, or add --yes")
		}
		if err := a.replay(ctx, plan); err != nil {
			return err
		}
	}
	if plan.nLeft > 0 {
		return exit{status: exitFailed}
	}
	return nil
}

// A replayPlan is what a replay is about to do.
type replayPlan struct {
	again []int64
	lanes map[visa.Lane]int
	left  []visa.Replay // the first few
	nLeft int
}

const replayNamed = 20 // how many are named one by one

func newReplayPlan() *replayPlan { return &replayPlan{lanes: make(map[visa.Lane]int)} }

func (p *replayPlan) add(r visa.Replay) {
	if r.Obstacle == visa.NoObstacle {
		p.again = append(p.again, r.ID)
		p.lanes[r.Lane]++
		return
	}
	if p.nLeft++; len(p.left) < replayNamed {
		p.left = append(p.left, r)
	}
}

// all plans for every dead letter there is.
func (p *replayPlan) all(ctx context.Context, audit *store.Audit) error {
	for from := int64(0); ; {
		ids, err := audit.DeadLetters(ctx, from, auditPage)
		if err != nil || len(ids) == 0 {
			return err
		}
		from = ids[len(ids)-1]
		found, err := audit.Replayable(ctx, ids)
		if err != nil {
			return err
		}
		for _, r := range found {
			if r.Obstacle != visa.ObstacleUnknown && r.Obstacle != visa.ObstacleNotDead { // replayed or erased meanwhile
				p.add(r)
			}
		}
	}
}

// these plans for the ones named. One that is no dead letter is an error that
// names it.
func (p *replayPlan) these(ctx context.Context, audit *store.Audit, ids []int64) error {
	ids = slices.Clone(ids)
	slices.Sort(ids)
	found, err := audit.Replayable(ctx, slices.Compact(ids))
	if err != nil {
		return err
	}
	var wrong []string
	for _, r := range found {
		switch r.Obstacle {
		case visa.ObstacleUnknown:
			wrong = append(wrong, fmt.Sprintf("there is no notification %d", r.ID))
		case visa.ObstacleNotDead:
			wrong = append(wrong, fmt.Sprintf("notification %d is %s", r.ID, r.State))
		default:
			p.add(r)
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	if n := len(wrong) - replayNamed; n > 0 {
		wrong = append(wrong[:replayNamed], fmt.Sprintf("and %d more", n))
	}
	return unusable("only dead letters can be replayed, and nothing was changed: %s", strings.Join(wrong, "; "))
}

func (p *replayPlan) print(out io.Writer) error {
	w := bufio.NewWriter(out)
	switch {
	case len(p.again) == 0 && p.nLeft == 0:
		fmt.Fprintln(w, "There are no dead letters.")
	case len(p.again) == 0:
		fmt.Fprintln(w, "None is to be sent again.")
	default:
		var lanes []string
		for _, l := range visa.Lanes {
			if n := p.lanes[l]; n > 0 {
				lanes = append(lanes, fmt.Sprintf("%s %d", l, n))
			}
		}
		fmt.Fprintf(w, "To be sent again: %d (%s).\n", len(p.again), strings.Join(lanes, ", "))
	}
	if p.nLeft > 0 {
		fmt.Fprintf(w, "Left as they are: %d.\n", p.nLeft)
	}
	printLeft(w, p.left)
	if n := p.nLeft - len(p.left); n > 0 {
		fmt.Fprintf(w, "  and %d more\n", n)
	}
	return w.Flush()
}

func printLeft(w io.Writer, left []visa.Replay) {
	for _, r := range left {
		fmt.Fprintf(w, "  %d  %s %s: %s\n", r.ID, r.Lane, r.Kind, obstacles[r.Obstacle])
	}
}

// obstacles says in words why a dead letter is left as it is.
var obstacles = map[visa.Obstacle]string{
	visa.ObstacleInactive:  "its chat is inactive: it has blocked the bot, or is gone",
	visa.ObstacleForgotten: "its chat asked to be forgotten",
	visa.ObstacleUnfollow:  "its chat no longer follows the application",
	visa.ObstacleUsePassed: "its time of use has passed",
	visa.ObstacleOvertaken: "newer news of the application went out, or wait, or are a dead letter that can be replayed",
	visa.ObstacleDamaged:   "what it was to say is not there any more",
}

// agreed asks, and waits for the answer. Anything but a yes is a no.
func (a *app) agreed(ctx context.Context, question string) bool {
	fmt.Fprintf(a.err, "%s [y/N] ", question)
	answer := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(a.in).ReadString('\n')
		answer <- strings.ToLower(strings.TrimSpace(line))
	}()
	select {
	case said := <-answer:
		return said == "y" || said == "yes"
	case <-ctx.Done():
		fmt.Fprintln(a.err)
		return false
	}
}

// replay does what is planned. What has changed since it was planned is left.
func (a *app) replay(ctx context.Context, p *replayPlan) error {
	s, err := a.store(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	done, err := s.Replay(ctx, p.again)
	var late []visa.Replay
	for _, r := range done {
		if r.Obstacle != visa.NoObstacle {
			late = append(late, r)
		}
	}
	n := len(done) - len(late)
	switch {
	case errors.Is(err, store.ErrNotDead) && n == 0:
		return unusable("the dead letters have changed meanwhile, and nothing was changed; look again: %w", err)
	case err != nil:
		return fmt.Errorf("%d wait to be sent again, then: %w", n, err)
	}
	fmt.Fprintf(a.out, "%d wait to be sent again.\n", n)
	if p.nLeft += len(late); len(late) > 0 {
		fmt.Fprintf(a.out, "Left as they are, since they have changed meanwhile: %d.\n", len(late))
		printLeft(a.out, late)
	}
	return nil
}
