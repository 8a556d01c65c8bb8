package core

import (
	"time"

	"github.com/dormouse-mqtt/dormouse/broker/shard"
)

// setWall takes the wall clock at time zero. One that is behind what was stored
// means that no time has passed (L14).
func (c *Core) setWall(offset time.Duration) { c.recorder.Offset = max(offset, c.floor) }

// restartGrace is how long a client that was cut off by our restart has at least
// until its will is due.
const restartGrace = 10 * time.Second

// restore puts a loaded session's times back. One that had a connection counts
// as cut off now: its will leaves after its delay, or when its silence would have
// been noticed if that is later, unless the client is back (L14).
func (c *Core) restore(cl *client, r *sessionRecord, wall time.Duration) {
	wall = max(wall, r.stamp)
	if r.attached {
		cl.endsAt = r.expiry
		if w := cl.will; w != nil {
			w.at = max(min(w.delay, r.expiry), r.keepAlive, restartGrace)
			cl.endsAt = max(cl.endsAt, w.at) // a session that ends has its will sent
		}
	} else {
		cl.endsAt = max(0, r.endsAt-wall)
		if w := cl.will; w != nil {
			w.at = max(0, r.willAt-wall)
		}
	}
	c.loaded = append(c.loaded, loaded{cl, r.local})
}

// A loaded session; local: its connection was in process.
type loaded struct {
	client *client
	local  bool
}

// beginLoaded goes on with the sessions that were loaded. Those of in-process
// connections are offered to the composition, which may attach them again; what
// is due for one that it leaves is done after that.
func (c *Core) beginLoaded(now shard.Time, out *shard.Out) {
	all := c.loaded
	c.loaded = nil
	for _, l := range all {
		cl := l.client
		switch {
		case cl.target.is(isDead) || cl.conn != nil:
		case l.local:
			out.Wake = append(out.Wake, shard.Wake{Kind: shard.WakeLoaded, Client: cl.ClientID, Ext: cl.extension, Details: cl.details})
			c.clientDue.Set(cl, now+1)
		default:
			c.clientDeadline(now, cl, out)
		}
	}
}

// Reattach connects an in-process client to its loaded session, as it was: it
// sleeps, and Resume goes on. Zero: there is no such session.
func (c *Core) Reattach(clientID string) shard.ConnID {
	cl := c.clients.Get(clientID)
	if cl == nil || cl.conn != nil {
		return 0
	}
	k := &conn{}
	c.openLocal(k)
	k.client, cl.conn = cl, k
	k.paused = true
	cl.Attach(1)
	c.clientDue.Remove(cl)
	return k.id
}
