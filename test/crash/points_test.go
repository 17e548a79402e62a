package crash

import (
	"math/rand/v2"
	"slices"
	"strings"

	"kabarchy/failpoint"
)

// group is what a point belongs to: "claim" of "claim.taken".
func group(name string) string {
	g, _, _ := strings.Cut(name, ".")
	return g
}

// A rotation goes round all points, the groups in a new order each time, the
// points of a group one after the other: what one life leaves undone the next
// comes upon.
type rotation struct {
	rnd  *rand.Rand
	todo []string
	seen map[string]bool
	miss map[string]bool // not reached the last time
}

func newRotation(rnd *rand.Rand) *rotation {
	return &rotation{rnd: rnd, seen: map[string]bool{}, miss: map[string]bool{}}
}

// seldom are the groups whose points are passed once in a life, if at all.
var seldom = []string{"recover", "inbox", "batch", "digest", "absence", "due", "announce"}

// next returns the next point, and at the how manyth passing the program dies.
func (r *rotation) next() (name string, n int) {
	if len(r.todo) == 0 {
		var groups []string
		for _, name := range failpoint.Names {
			if g := group(name); !slices.Contains(groups, g) {
				groups = append(groups, g)
			}
		}
		r.rnd.Shuffle(len(groups), func(i, j int) { groups[i], groups[j] = groups[j], groups[i] })
		for _, g := range groups {
			for _, name := range failpoint.Names {
				if group(name) == g {
					r.todo = append(r.todo, name)
				}
			}
		}
	}
	name, r.todo = r.todo[0], r.todo[1:]
	if slices.Contains(seldom, group(name)) || r.miss[name] {
		return name, 1
	}
	return name, 1 + r.rnd.IntN(3)
}

// was notes whether the program has died at a point. One that it did not come
// to takes its turn again after the others.
func (r *rotation) was(name string, died bool) {
	r.miss[name] = !died
	if died {
		r.seen[name] = true
	} else if !r.seen[name] {
		r.todo = append(r.todo, name)
	}
}

// unseen returns the points at which the program has not died yet.
func (r *rotation) unseen() []string {
	return slices.DeleteFunc(slices.Clone(failpoint.Names), func(name string) bool { return r.seen[name] })
}
