package core

import (
	"encoding/binary"

	"github.com/dormouse-mqtt/dormouse/broker/mqtt"
	"github.com/dormouse-mqtt/dormouse/broker/session"
	"github.com/dormouse-mqtt/dormouse/broker/shard"
)

// refusedByStore is what a publisher is told while nothing can be stored: in 5.0
// "quota exceeded"; 3.x has no word for it, and is closed (L9).
const refusedByStore mqtt.ReasonCode = 0xFF

// An awaited is a message whose publisher waits for the store. If that fails for
// too long the message is withdrawn.
type awaited struct {
	mark     shard.Mark
	client   *client // the publisher
	conn     shard.ConnID
	version  mqtt.Version
	packetID uint16
	once     bool   // QoS 2
	detail   uint32 // of an in-process connection
	message  shard.MessageID
	targets  int // how many of the core's awaitedBy are its
}

// await notes that the publisher of m waits for this round.
func (c *Core) await(k *conn, packetID uint16, m *shard.Message, targets int, out *shard.Out) {
	c.awaited = append(c.awaited, awaited{out.Mark(), k.client, k.id, k.version, packetID, m.QoS == 2, 0, m.ID, targets})
}

// arrived forgets those whose wait is over.
func (c *Core) arrived(durable shard.Mark) {
	n, targets := 0, 0
	for n < len(c.awaited) && c.awaited[n].mark <= durable {
		targets += c.awaited[n].targets
		n++
	}
	c.forgetAwaited(n, targets)
}

func (c *Core) forgetAwaited(n, targets int) {
	left := copy(c.awaited, c.awaited[n:])
	clear(c.awaited[left:])
	c.awaited = c.awaited[:left]
	left = copy(c.awaitedBy, c.awaitedBy[targets:])
	clear(c.awaitedBy[left:])
	c.awaitedBy = c.awaitedBy[:left]
}

// stall refuses the publishers that wait: the store has failed for too long. What
// they sent is withdrawn where it was not delivered yet; its records go with the
// puts that are still to be made. A 3.x client cannot be told, and sends a message
// of QoS 2 again on its next connection: that one stays, with its packet id, and
// only the connection is closed.
func (c *Core) stall(now shard.Time, out *shard.Out) {
	c.stalled = true
	refused := map[publication]bool{}
	targets := c.awaitedBy
	for i := range c.awaited {
		a := &c.awaited[i]
		if !a.once || a.version == mqtt.V5 {
			for _, t := range targets[:a.targets] {
				c.withdraw(t, a.message, out)
			}
		}
		if a.conn.IsInProcess() {
			c.refuseLocal(a, out)
		} else if a.once && a.version == mqtt.V5 {
			c.forgetInbound(a.client, a.packetID, out)
		}
		targets = targets[a.targets:]
		refused[publication{a.conn, a.packetID}] = true
	}
	c.forgetAwaited(len(c.awaited), len(c.awaitedBy))
	for _, w := range c.takeRefused(refused) {
		if k := c.conns.Get(w.conn); k != nil {
			c.refusePublish(now, k, w.id, w.once, out)
		}
	}
}

// refuseLocal tells an in-process client, on whatever connection it has now, that
// its message is not taken, and empties what its session has of it.
func (c *Core) refuseLocal(a *awaited, out *shard.Out) {
	c.stats.RefusedByStore++
	cl := a.client
	if cl.target.is(isDead) {
		return
	}
	if a.detail != 0 && cl.hasDetail(a.detail) {
		c.putDetail(cl, a.detail, nil, out)
	}
	if cl.conn != nil && cl.conn.id.IsInProcess() {
		out.Wake = append(out.Wake, shard.Wake{Kind: shard.WakeWithdrawn, Conn: cl.conn.id, PacketID: a.packetID})
	}
}

// A publication is a PUBLISH of QoS 1 or 2.
type publication struct {
	conn shard.ConnID
	id   uint16
}

// A waitingAnswer is one that is not given.
type waitingAnswer struct {
	publication
	once bool
}

// takeRefused takes the answers to refused publications out of the ring. What
// follows from a refusal may put something in, and comes later.
func (c *Core) takeRefused(refused map[publication]bool) (all []waitingAnswer) {
	c.ring.Filter(func(r shard.Released) bool {
		if r.Kind != ringPuback && r.Kind != ringPubrec {
			return true
		}
		p := publication{r.Conn, binary.BigEndian.Uint16(r.Packet[2:])}
		if !refused[p] {
			return true
		}
		if k := c.conns.Get(r.Conn); k != nil {
			k.waiting -= int32(len(r.Packet))
		}
		all = append(all, waitingAnswer{p, r.Kind == ringPubrec})
		return false
	})
	return all
}

// forgetInbound lets a client use the packet id of a message that is not taken.
func (c *Core) forgetInbound(cl *client, id uint16, out *shard.Out) {
	if !cl.target.is(isDead) && cl.End(id) && cl.Stored {
		c.recorder.DeleteInbound(&out.Batch, cl.Instance, id)
	}
}

// withdraw takes a message back from a session that has not sent it.
func (c *Core) withdraw(t *Target, id shard.MessageID, out *shard.Out) {
	if t.Shard() != c.options.Shard {
		e := shard.Entry{Message: &shard.Message{ID: id}}
		out.Posts = append(out.Posts, shard.Post{Kind: shard.PostWithdraw, To: t, Entry: e})
		return
	}
	var queue *session.Session
	if t.group != nil {
		queue = c.groupOf(t).queue
	} else {
		queue = &t.client.Session
	}
	if e, ok := queue.Withdraw(id); ok {
		c.discard(t, e, out)
	}
}

// refusePublish tells a publisher that its message is not taken.
func (c *Core) refusePublish(now shard.Time, k *conn, id uint16, once bool, out *shard.Out) {
	c.stats.RefusedByStore++
	if k.version < mqtt.V5 {
		c.disconnect(now, k, mqtt.QuotaExceeded, out)
		return
	}
	o := out.To(&k.dest)
	if once {
		o.Data = (&mqtt.Pubrec{PacketID: id, Code: mqtt.QuotaExceeded}).AppendTo(o.Data, k.version)
		return
	}
	k.unanswered--
	o.Data = (&mqtt.Puback{PacketID: id, Code: mqtt.QuotaExceeded}).AppendTo(o.Data, k.version)
}
