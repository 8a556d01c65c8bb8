package topic

import "slices"

// A Group is the members of one shared subscription (MQTT 5.0, 4.8.2), of whom
// each message goes to one. The zero value has none. In an Index it stands for
// all of them as one subscriber.
type Group[M comparable] struct {
	members []M
	next    int // whose turn it is
}

// Join adds a member, and says whether it is new. It has its turn when all that
// are there had theirs.
func (g *Group[M]) Join(m M) bool {
	if slices.Contains(g.members, m) {
		return false
	}
	g.members = slices.Insert(g.members, g.next, m)
	g.next = (g.next + 1) % len(g.members)
	return true
}

// Leave removes a member, and says whether it was one. The turns of the others
// stay as they are.
func (g *Group[M]) Leave(m M) bool {
	i := slices.Index(g.members, m)
	if i < 0 {
		return false
	}
	g.members = slices.Delete(g.members, i, i+1)
	if i < g.next {
		g.next--
	}
	if g.next == len(g.members) {
		g.next = 0
	}
	return true
}

// Pick chooses the member that a message goes to: of those that are ready the
// one whose turn is next, so that all get equally many. None ready: false.
func (g *Group[M]) Pick(ready func(M) bool) (m M, ok bool) {
	for i := range g.members {
		at := (g.next + i) % len(g.members)
		if ready(g.members[at]) {
			g.next = (at + 1) % len(g.members)
			return g.members[at], true
		}
	}
	return m, false
}

// Len is the number of members.
func (g *Group[M]) Len() int { return len(g.members) }
