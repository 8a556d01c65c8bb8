package core

import "github.com/dormouse-mqtt/dormouse/broker/shard"

// What the store may be behind before clients are not read any more. It does not
// last: what fails for too long is refused (L9, L10).
const (
	maxBacklogOctets  = 8 << 20
	maxBacklogRecords = 16_000
)

func behind(b shard.Backlog) bool {
	return b.Octets > maxBacklogOctets || b.Records > maxBacklogRecords
}

// maxWaiting is how many octets of answers may wait for the store in front of one
// connection before it is not read any more.
const maxWaiting = 64 << 10

// control has a connection read or not, as what waits for it says.
func (c *Core) control(k *conn, out *shard.Out) {
	stop := k.heldBack || k.waiting > maxWaiting || k.state == awaitStore && len(k.in) > maxAwaiting
	if stop == k.unread || k.ended {
		return
	}
	k.unread = stop
	if stop {
		out.To(&k.dest).Read = shard.ReadPause
		return
	}
	k.lastSeen = c.now // it could not be heard
	out.To(&k.dest).Read = shard.ReadResume
}

// holdBack stops reading a client while the store is behind.
func (c *Core) holdBack(k *conn, out *shard.Out) {
	if k.heldBack || c.stalled || !behind(out.Backlog()) || k.ended {
		return
	}
	k.heldBack = true
	c.heldBack = append(c.heldBack, k)
	c.stats.HeldBack++
	c.control(k, out)
}

// goOn reads clients again once the store has caught up, or refuses.
func (c *Core) goOn(out *shard.Out) {
	b := out.Backlog()
	if len(c.heldBack) == 0 || !c.stalled && (b.Octets > maxBacklogOctets/2 || b.Records > maxBacklogRecords/2) {
		return
	}
	for i, k := range c.heldBack {
		c.heldBack[i] = nil
		k.heldBack = false
		c.control(k, out)
	}
	c.heldBack = c.heldBack[:0]
}
