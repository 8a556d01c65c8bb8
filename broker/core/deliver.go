package core

import (
	"github.com/dormouse-mqtt/dormouse/broker/mqtt"
	"github.com/dormouse-mqtt/dormouse/broker/session"
	"github.com/dormouse-mqtt/dormouse/broker/shard"
)

// arrive brings a message to a session of this shard: onto its connection or
// into its queue. A session that has ended meanwhile gives everything back.
func (c *Core) arrive(now shard.Time, t *Target, e shard.Entry, out *shard.Out) {
	cl := t.client
	switch {
	case t.group != nil:
		c.arriveGroup(now, t, e, out)
		return
	case e.QoS > 0 && e.Group() != nil && (t.is(isDead) || !t.is(isOnline)):
		c.giveBack(now, t, e, out)
		return
	case t.is(isDead):
		c.discardQueued(t, e, out)
		return
	case cl.reload != nil:
		if e.QoS > 0 {
			cl.reload.came = append(cl.reload.came, e)
		}
		return
	case e.QoS == 0:
		c.arriveOnce(now, cl, e, out)
		return
	}
	k := cl.conn
	if cl.Stored && !e.Stored && e.Group() == nil { // it became durable while this was under way
		e.Stored = true
		c.recorder.PutEntry(&out.Batch, cl.Instance, &e)
	}
	cl.Push(e, false)
	for c.options.WhenFull == DropOldest && t.Over(&c.options.Queue) {
		old, ok := cl.Oldest()
		if !ok {
			break
		}
		c.refuseRoom(t, out)
		c.discard(t, old, out)
	}
	if k != nil {
		c.pump(now, k, out)
	}
}

// arriveGroup brings a message to a shared subscription of this shard.
func (c *Core) arriveGroup(now shard.Time, t *Target, e shard.Entry, out *shard.Out) {
	g := c.groupOf(t)
	switch {
	case t.is(isDead):
		c.discardQueued(t, e, out)
		return
	case e.QoS == 0:
		if m, ok := g.members.Pick(c.ready); ok {
			c.lend(now, g, m, e, out)
		}
		return
	}
	if g.stored && !e.Stored {
		e.Stored = true
		c.recorder.PutEntry(&out.Batch, t.instance(), &e)
	}
	g.queue.Push(e, false)
	for c.options.WhenFull == DropOldest && t.Over(&c.options.Queue) {
		old, ok := g.queue.Oldest()
		if !ok {
			break
		}
		c.refuseRoom(t, out)
		c.discard(t, old, out)
	}
	c.serve(now, g, out)
}

// arriveOnce brings a message of QoS 0, which is not kept for an absent client.
func (c *Core) arriveOnce(now shard.Time, cl *client, e shard.Entry, out *shard.Out) {
	k := cl.conn
	switch {
	case k == nil:
		return
	case k.state == connected && k.info != nil && k.held <= out.Durable() && (cl.Queued() == 0 || cl.AwaitsWindow()) && c.room(k, out):
		c.send(now, k, &session.Delivery{Entry: e}, out)
		return
	}
	e.Message = c.keep(e.Message)
	c.push(cl, e, k.paused, out)
	c.pump(now, k, out)
}

// push queues a message, and counts what is lost at the queue's bound.
func (c *Core) push(cl *client, e shard.Entry, latest bool, out *shard.Out) {
	dropped := cl.Dropped
	cl.Push(e, latest)
	for ; dropped != cl.Dropped; dropped++ {
		c.refuseRoom(&cl.target, out)
	}
}

// room says whether the connection's transport takes another message. One that
// was given enough in this round is left alone until it says that all is taken:
// what it does not take is not piled up in front of it, but follows the queue's
// policy.
func (c *Core) room(k *conn, out *shard.Out) bool {
	if k.blocked || out.Pending(&k.dest) < c.options.MaxOutput {
		return !k.blocked
	}
	k.blocked = true
	out.To(&k.dest).Tell = true
	return false
}

// discard gives back what is kept for a message of QoS 1 or 2: its room, and
// its record. Nothing waits for that.
func (c *Core) discard(t *Target, e shard.Entry, out *shard.Out) {
	if g := e.Group(); g != nil {
		c.returned(t, out)
		t = g.(*Target)
	}
	t.Release(e.Size())
	if e.Stored {
		c.recorder.DeleteEntry(&out.Batch, t.instance(), e.ID)
	}
	if e.Shared {
		c.unshare(e.Message, out)
	}
}

// A share is a message one of whose entries was removed in a round.
type share struct {
	message *shard.Message
	mark    shard.Mark
}

func (c *Core) unshare(m *shard.Message, out *shard.Out) {
	c.shares = append(c.shares, share{m, out.Mark()})
}

// countDown removes the records of messages that nobody shares any more. It is
// done after the round in which the entries were removed has submitted that
// (L13).
func (c *Core) countDown(out *shard.Out) {
	left := c.shares[:0]
	for _, s := range c.shares {
		if s.mark == out.Mark() {
			left = append(left, s)
		} else if s.message.Sharers.Add(-1) == 0 {
			c.recorder.DeleteBody(&out.Batch, s.message.ID)
		}
	}
	clear(c.shares[len(left):])
	c.shares = left
}

// maxHeld is how many octets of deliveries may wait for the store in front of
// one connection.
const maxHeld = 64 << 10

// pump sends what the session has, as far as the window and the transport take
// it, and then what is left of retained messages.
func (c *Core) pump(now shard.Time, k *conn, out *shard.Out) {
	if k.state != connected {
		return
	}
	if k.id.IsInProcess() {
		c.wake(k, out)
		return
	}
	for k.heldOctets < maxHeld && (k.client.Waits() || len(k.client.scans) > 0) && c.room(k, out) {
		d, ok := c.next(now, k, out)
		if !ok {
			if !c.scanOn(now, k, out) {
				return
			}
			continue
		}
		if d.Release {
			c.sendPubrel(k, d.PacketID, mqtt.Success, out)
			continue
		}
		c.send(now, k, &d, out)
	}
}

// next is the session's next delivery. The packet id of a message of QoS 2 is
// stored before it is used (L4).
func (c *Core) next(now shard.Time, k *conn, out *shard.Out) (session.Delivery, bool) {
	cl := k.client
	d, ok := cl.Next(now, func(e shard.Entry) {
		if e.QoS > 0 {
			c.discard(&cl.target, e, out)
		}
	})
	switch {
	case !ok || !d.First || d.QoS < 2:
	case cl.Stored:
		c.recorder.PutFlight(&out.Batch, cl.Instance, d.PacketID, d.ID, cl.holder(&d.Entry))
		c.wrote(cl, out)
	case d.Group() != nil && d.Stored: // nobody else gets it, whatever becomes of this session [MQTT-4.8.2-5]
		c.recorder.DeleteEntry(&out.Batch, cl.holder(&d.Entry), d.ID)
		if d.Shared {
			c.unshare(d.Message, out)
		}
		cl.Forgo(d.PacketID)
		c.wrote(cl, out)
	}
	return d, ok
}

// holder is the instance that has the record of an entry.
func (cl *client) holder(e *shard.Entry) uint64 {
	if g := e.Group(); g != nil {
		return g.(*Target).instance()
	}
	return cl.Instance
}

// wake tells an in-process connection that there is something for it, once.
func (c *Core) wake(k *conn, out *shard.Out) {
	if k.paused || k.woken || k.client.Idle() && len(k.client.scans) == 0 {
		return
	}
	k.woken = true
	out.Wake = append(out.Wake, shard.Wake{Kind: shard.WakeDeliver, Conn: k.id})
}

// sendPubrel tells the client that it may use a packet id again, once its PUBREC
// is stored (L4).
func (c *Core) sendPubrel(k *conn, id uint16, code mqtt.ReasonCode, out *shard.Out) {
	c.scratch = (&mqtt.Pubrel{PacketID: id, Code: k.words(code)}).AppendTo(c.scratch[:0], k.version)
	c.hold(k, k.client.Written, c.scratch, nil, out)
}

// handlePuback ends a delivery. An unknown id is ignored: it may be a late
// repetition.
func (c *Core) handlePuback(now shard.Time, k *conn, id uint16, out *shard.Out) {
	if e, ok := k.client.Acked(id); ok {
		c.discard(&k.client.target, e, out)
		c.pump(now, k, out)
	}
}

// handlePubrec notes that the client has a message of QoS 2, or refuses it.
func (c *Core) handlePubrec(now shard.Time, k *conn, p *mqtt.Pubrec, out *shard.Out) {
	cl := k.client
	if p.Code.Failed() { // [MQTT-4.3.3-4]: the exchange is over
		c.abandon(cl, p.PacketID, out)
		c.pump(now, k, out)
		return
	}
	code := mqtt.Success
	if !c.received(cl, p.PacketID, out) {
		code = mqtt.PacketIdentifierNotFound
	}
	c.sendPubrel(k, p.PacketID, code, out)
}

// received stores that the client has a message of QoS 2; false: nothing is
// known of it.
func (c *Core) received(cl *client, id uint16, out *shard.Out) bool {
	e, again, ok := cl.Received(id)
	if !ok || again {
		return ok
	}
	c.discard(&cl.target, e, out)
	if cl.Stored {
		c.recorder.PutReleased(&out.Batch, cl.Instance, id, e.ID)
		c.wrote(cl, out)
	}
	return true
}

// completed ends the exchange of a message of QoS 2.
func (c *Core) completed(cl *client, id uint16, out *shard.Out) {
	if cl.Completed(id) && cl.Stored {
		c.recorder.DeleteFlight(&out.Batch, cl.Instance, id)
	}
}

// abandon ends a delivery that cannot be made.
func (c *Core) abandon(cl *client, id uint16, out *shard.Out) {
	e, ok := cl.Abandon(id)
	if !ok {
		return
	}
	if e.Message != nil {
		c.discard(&cl.target, e, out)
	}
	if e.QoS == 2 && cl.Stored {
		c.recorder.DeleteFlight(&out.Batch, cl.Instance, id)
	}
}
