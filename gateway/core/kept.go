package core

import (
	"time"

	"github.com/dormouse-mqtt/dormouse/broker/shard"
)

// kept bounds the sessions of nodes that are kept: anybody may begin some, and
// nobody has to come back for them.
type kept struct {
	atMost int        // how many there are
	next   shard.Time // no count before that
}

const (
	// keptPerClient is how many sessions are kept for each node that a listener
	// may have at once.
	keptPerClient = 10
	countEvery    = time.Second
)

// mayKeep says whether the session of a client id may be kept: there is one, or
// room for one more. The broker's are counted when the bound may have been
// reached.
func (c *Core) mayKeep(now shard.Time, o *origin, clientID string) bool {
	if c.up.Knows(clientID) {
		return true
	}
	limit := max(1, o.link.MaxClients*keptPerClient/max(1, c.options.Shards))
	if c.kept.atMost >= limit && now >= c.kept.next {
		c.kept = kept{c.up.Kept(), now + countEvery}
	}
	if c.kept.atMost >= limit {
		return false
	}
	c.kept.atMost++
	return true
}

// lose ends the connection of a node that somebody else has the place of.
func (c *Core) lose(now shard.Time, n *node) {
	if n.session.Idle() { // its session goes with it
		c.kept.atMost--
	}
	n.session.End(now, true, c.up, n, c.out)
	c.remove(n)
}
