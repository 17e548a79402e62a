package crash

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"kabarchy/notifier/telegram/simulator"
)

// How many people there are of each habit.
const (
	nFollowers  = 18 // follow, stop, and follow again
	nBlockers   = 3  // block the bot at times, and come back
	nForgetters = 2  // have themselves forgotten, and begin anew
	nEmployers  = 2  // follow all of one writer's references, and never stop

	maxFollowed = 3
)

type habit int

const (
	follower habit = iota
	blocker
	forgetter
	employer
)

// A wish is that of a chat to follow a reference.
type wish struct {
	chat      int64
	reference string
}

// A person is one chat, and what it did so far.
type person struct {
	habit
	chat    int64
	follows map[string]bool // as it is once all that was written is handled
	blocked bool
	leaving bool // has asked for /forget, and not confirmed it yet
	acts    []act
}

// An act is one update of Telegram.
type act struct {
	update    int
	what      string
	reference string
	after     int64 // the last message that had been accepted before
}

// What people do.
const (
	follow   = "follow"
	stop     = "stop"
	forget   = "forget"   // asks
	confirm  = "confirm"  // presses the button
	unblock  = "unblock"  // no answer is due
	blockBot = "blockBot" // none either
)

// people are all of them; they act between two lives of the program.
type people struct {
	t      *testing.T
	sim    *simulator.Simulator
	all    []*person
	wishes []wish // to follow, still to be made
	begun  bool
}

func newPeople(t *testing.T, sim *simulator.Simulator, rnd *rand.Rand) *people {
	p := &people{t: t, sim: sim}
	add := func(n int, h habit, choose func(i int) []int) {
		for i := range n {
			who := &person{habit: h, chat: sim.AddUser(simulator.User{LanguageCode: "en"}), follows: map[string]bool{}}
			p.all = append(p.all, who)
			for _, r := range choose(i) {
				p.wishes = append(p.wishes, wish{who.chat, references[r]})
			}
		}
	}
	some := func(int) []int { return rnd.Perm(nReferences)[:1+rnd.IntN(maxFollowed)] }
	// A row of a summary shows one day alone, which must be the one that tells
	// the version.
	oneDay := func(i int) []int { return ofWriter(2*i%nWriters + 1) }
	add(nFollowers, follower, some)
	add(nBlockers, blocker, func(i int) []int { return oneDay(i)[:2+rnd.IntN(2)] })
	add(nForgetters, forgetter, some)
	add(nEmployers, employer, oneDay)
	rnd.Shuffle(len(p.wishes), func(i, j int) { p.wishes[i], p.wishes[j] = p.wishes[j], p.wishes[i] })
	return p
}

func (p *people) of(chat int64) *person {
	i := slices.IndexFunc(p.all, func(who *person) bool { return who.chat == chat })
	if i < 0 {
		return nil
	}
	return p.all[i]
}

// did notes what a person did.
func (p *people) did(who *person, what, reference string, sent simulator.Sent, err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatalf("%s: %v", what, err)
	}
	who.acts = append(who.acts, act{sent.UpdateID, what, reference, p.sim.Counts().Accepted + p.sim.Counts().Edits})
}

func (p *people) follow(rnd *rand.Rand, w wish) {
	who := p.of(w.chat)
	text := "/follow " + w.reference
	if rnd.IntN(2) == 0 {
		text = "/follow@" + p.sim.BotUsername() + " " + w.reference[:4] + "-" + w.reference[4:]
	}
	sent, err := p.sim.SendText(w.chat, text)
	p.did(who, follow, w.reference, sent, err)
	who.follows[w.reference] = true
}

// act makes some of the wishes, half of them at first and a share of the rest
// each time, and lets somebody come or go. left is how many times it is still
// called.
func (p *people) act(rnd *rand.Rand, left int) {
	n := len(p.wishes) / max(left, 1)
	if !p.begun {
		p.begun, n = true, len(p.wishes)/2
	}
	var later []wish
	for i, w := range p.wishes {
		if i < n && !p.of(w.chat).blocked {
			p.follow(rnd, w)
		} else {
			later = append(later, w)
		}
	}
	p.wishes = later
	p.move(rnd, p.all[rnd.IntN(len(p.all))])
	p.move(rnd, p.all[nFollowers+rnd.IntN(nBlockers+nForgetters)])
}

// speak lets so many people write something.
func (p *people) speak(rnd *rand.Rand, n int) {
	for _, i := range rnd.Perm(nFollowers)[:n] {
		who := p.all[i]
		wished := slices.IndexFunc(p.wishes, func(w wish) bool { return w.chat == who.chat })
		if wished >= 0 {
			p.follow(rnd, p.wishes[wished])
			p.wishes = slices.Delete(p.wishes, wished, wished+1)
		} else {
			p.move(rnd, who)
		}
	}
}

// move lets a person do what it has the habit of.
func (p *people) move(rnd *rand.Rand, who *person) {
	var followed []string
	for r, is := range who.follows {
		if is {
			followed = append(followed, r)
		}
	}
	slices.Sort(followed)
	switch who.habit {
	case blocker:
		p.block(who, !who.blocked)
	case forgetter:
		p.forget(who, followed)
	case follower:
		if len(followed) == 0 {
			return
		}
		r := followed[rnd.IntN(len(followed))]
		sent, err := p.sim.SendText(who.chat, "/stop "+r)
		p.did(who, stop, r, sent, err)
		delete(who.follows, r)
		p.wishes = append(p.wishes, wish{who.chat, r})
	}
}

func (p *people) block(who *person, on bool) {
	if who.blocked == on {
		return
	}
	who.blocked = on
	if on {
		sent, err := p.sim.Block(who.chat)
		p.did(who, blockBot, "", sent, err)
		return
	}
	sent, err := p.sim.Unblock(who.chat)
	p.did(who, unblock, "", sent, err)
}

func (p *people) forget(who *person, followed []string) {
	if !who.leaving {
		if len(followed) > 0 {
			sent, err := p.sim.SendText(who.chat, "/forget")
			p.did(who, forget, "", sent, err)
			who.leaving = true
		}
		return
	}
	sent, err := p.sim.Press(who.chat, 0, "Erase everything")
	if errors.Is(err, simulator.ErrNoButton) {
		return // the answer has not come yet
	}
	p.did(who, confirm, "", sent, err)
	who.leaving = false
	for _, r := range followed {
		delete(who.follows, r)
		p.wishes = append(p.wishes, wish{who.chat, r})
	}
}

// leave has everybody who does so at times block the bot, or come back.
func (p *people) leave(on bool) {
	for _, who := range p.all {
		if who.habit == blocker {
			p.block(who, on)
		}
	}
}

// settle brings everybody back, and makes every wish that is left.
func (p *people) settle() {
	p.leave(false)
	rnd := rand.New(rand.NewPCG(*seed, 1<<32))
	for _, w := range p.wishes {
		p.follow(rnd, w)
	}
	p.wishes = nil
}

// follows returns what is followed in the end.
func (p *people) follows() []wish {
	var out []wish
	for _, who := range p.all {
		for _, r := range references {
			if who.follows[r] {
				out = append(out, wish{who.chat, r})
			}
		}
	}
	return out
}
