package crash

import (
	"math/rand/v2"
	"testing"

	"kabarchy/notifier/telegram/simulator"
)

const (
	nPeople     = 30
	maxFollowed = 4
)

// A wish is that of a chat to follow a reference.
type wish struct {
	chat      int64
	reference string
}

// People follow references, more and more of them as time goes by; each
// reference once, and each with one message to the bot.
type people struct {
	t       *testing.T
	sim     *simulator.Simulator
	wishes  []wish // still to be made
	follows []wish // made
}

func newPeople(t *testing.T, sim *simulator.Simulator, rnd *rand.Rand) *people {
	p := &people{t: t, sim: sim}
	for range nPeople {
		chat := sim.AddUser(simulator.User{LanguageCode: "en"})
		for _, i := range rnd.Perm(nReferences)[:1+rnd.IntN(maxFollowed)] {
			p.wishes = append(p.wishes, wish{chat, references[i]})
		}
	}
	rnd.Shuffle(len(p.wishes), func(i, j int) { p.wishes[i], p.wishes[j] = p.wishes[j], p.wishes[i] })
	return p
}

// follow makes one share of the wishes that are left, of so many.
func (p *people) follow(rnd *rand.Rand, shares int) {
	n := (len(p.wishes) + shares - 1) / shares
	for _, w := range p.wishes[:n] {
		text := "/follow " + w.reference
		if rnd.IntN(2) == 0 {
			text = "/follow@" + p.sim.BotUsername() + " " + w.reference[:4] + "-" + w.reference[4:]
		}
		if _, err := p.sim.SendText(w.chat, text); err != nil {
			p.t.Fatal(err)
		}
		p.follows = append(p.follows, w)
	}
	p.wishes = p.wishes[n:]
}
