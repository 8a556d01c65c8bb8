package core

import (
	"github.com/dormouse-mqtt/dormouse/broker/mqtt"
	"github.com/dormouse-mqtt/dormouse/broker/session"
	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/broker/topic"
)

// Open connects a client in process. The answer, WakeAccepted or WakeRefused,
// is in out.Wake of this round or a later one.
func (c *Core) Open(now shard.Time, a Arrival, out *shard.Out) shard.ConnID {
	cl, k := c.clients.Get(a.ClientID), (*conn)(nil)
	if cl == nil || a.Clean {
		one := &struct { // in one piece
			client
			first conn
		}{}
		a.room, k = &one.client, &one.first
	} else {
		k = &conn{}
	}
	c.openLocal(k)
	if cl != nil && cl.reload != nil || c.stalled && a.Expiry > 0 {
		c.drop(k)
		out.Wake = append(out.Wake, shard.Wake{Kind: shard.WakeRefused, Code: shard.WakeBusy, Conn: k.id})
		return k.id
	}
	present := c.attach(now, k, a, out)
	if !present { // late answers to an earlier session's messages are no answers
		k.client.StartIDs(c.lastIDs[a.ClientID])
	}
	out.Wake = append(out.Wake, shard.Wake{
		Kind: shard.WakeAccepted, Conn: k.id, Present: present,
		Mark: k.client.Written, Ext: k.client.extension, Details: k.client.details,
	})
	c.wake(k, out)
	c.online(now, k.client, true, out)
	return k.id
}

func (c *Core) openLocal(k *conn) {
	c.lastLocal++
	*k = conn{id: shard.InProcess(c.lastLocal), state: connected, version: mqtt.V5, stream: &noStream}
	c.conns.Put(k)
}

// A Publication is a message from an in-process connection. What is kept of it is
// copied.
type Publication struct {
	Topic   string
	Payload []byte
	QoS     byte
	Retain  bool
	// PacketID names the message, should it be withdrawn later (L9). Detail is
	// what the session has of it, if not zero: it is emptied then.
	PacketID uint16
	Detail   uint32
}

// Publish takes a message from an in-process connection, or, if id is zero,
// from nobody. The answer to the publisher waits for mark.
func (c *Core) Publish(now shard.Time, id shard.ConnID, p Publication, out *shard.Out) (code mqtt.ReasonCode, mark shard.Mark) {
	m := &c.incoming
	m.Topic, m.Payload, m.QoS, m.Retain = p.Topic, p.Payload, p.QoS, p.Retain
	m.Properties, m.Expires = nil, 0
	k := c.conns.Get(id)
	var (
		by *client
		r  *route
	)
	if k != nil {
		by = k.client
		r = c.routes.recall(k, m.Topic)
	}
	if r == nil && (topic.CheckName(m.Topic, c.options.Topics) != nil || reserved(m.Topic)) {
		return mqtt.TopicNameInvalid, 0
	}
	noted := by != nil && by.Stored && p.Detail != 0 // with the publisher's session
	if c.stalled && m.QoS > 0 && (noted || m.Retain || c.goesToDisk(m)) {
		return mqtt.QuotaExceeded, 0
	}
	code, targets, wrote := c.publish(now, m, by, r, out)
	if by == nil {
		return code, 0
	}
	if m.QoS > 0 && (wrote || noted) {
		c.await(k, p.PacketID, m, targets, out)
		c.awaited[len(c.awaited)-1].detail = p.Detail
	}
	return code, by.Written
}

// Subscribe subscribes an in-process connection at qos or the highest offered;
// retained: the retained messages are to come.
func (c *Core) Subscribe(now shard.Time, id shard.ConnID, filter string, qos byte, retained bool, out *shard.Out) (code mqtt.ReasonCode, mark shard.Mark) {
	k := c.conns.Get(id)
	if k == nil {
		return mqtt.UnspecifiedError, 0
	}
	handling := mqtt.DontSendRetained
	if retained {
		handling = mqtt.SendRetained
	}
	code = c.subscribe(now, k, filter, Subscription{QoS: qos}, handling, out)
	c.wake(k, out)
	return code, k.client.Written
}

// Unsubscribe ends a subscription of an in-process connection.
func (c *Core) Unsubscribe(now shard.Time, id shard.ConnID, filter string, out *shard.Out) (mark shard.Mark) {
	k := c.conns.Get(id)
	if k == nil {
		return 0
	}
	c.unsubscribe(now, k, filter, out)
	return k.client.Written
}

// Next gives an in-process connection what it is to deliver next, once mark is
// durable (L4). After false the connection is woken when there is more.
func (c *Core) Next(now shard.Time, id shard.ConnID, out *shard.Out) (d session.Delivery, mark shard.Mark, ok bool) {
	k := c.conns.Get(id)
	if k == nil {
		return d, 0, false
	}
	d, ok = c.next(now, k, out)
	if !ok && c.scanOn(now, k, out) {
		d, ok = c.next(now, k, out)
	}
	if k.woken = ok; ok && !d.Release {
		c.stats.Delivered++
	}
	if d.QoS == 2 && (k.client.Stored || d.Group() != nil) {
		mark = k.client.Written
	}
	return d, mark, ok
}

// Ack ends a delivery of QoS 1 to an in-process connection, or gives one of QoS
// 1 or 2 up.
func (c *Core) Ack(now shard.Time, id shard.ConnID, packetID uint16, out *shard.Out) {
	if k := c.conns.Get(id); k != nil {
		c.abandon(k.client, packetID, out)
		c.wake(k, out)
	}
}

// Renumber gives a delivery of QoS 1 to an in-process connection another packet
// id; 0: there is none.
func (c *Core) Renumber(id shard.ConnID, packetID uint16) (fresh uint16) {
	if k := c.conns.Get(id); k != nil {
		fresh = k.client.Renumber(packetID)
	}
	return fresh
}

// Received notes that the client of an in-process connection has a message of
// QoS 2. PUBREL waits for the mark.
func (c *Core) Received(id shard.ConnID, packetID uint16, out *shard.Out) (known bool, mark shard.Mark) {
	k := c.conns.Get(id)
	if k == nil {
		return false, 0
	}
	known = c.received(k.client, packetID, out)
	return known, k.client.Written
}

// Completed ends a delivery of QoS 2 to an in-process connection.
func (c *Core) Completed(id shard.ConnID, packetID uint16, out *shard.Out) {
	if k := c.conns.Get(id); k != nil {
		c.completed(k.client, packetID, out)
		c.wake(k, out)
	}
}

// Pause keeps everything for an in-process connection whose client sleeps; what
// was delivered and not acknowledged comes first when it goes on.
func (c *Core) Pause(id shard.ConnID) {
	if k := c.conns.Get(id); k != nil {
		c.turn(k.client, false)
		k.paused, k.woken = true, false
		k.client.Attach(1)
	}
}

// Resume ends a Pause: what there is to deliver is there for Next.
func (c *Core) Resume(id shard.ConnID) {
	if k := c.conns.Get(id); k != nil {
		k.paused = false
		c.turn(k.client, true)
		k.woken = !k.client.Idle() || len(k.client.scans) > 0
	}
}

// Extend stores ext with the session. What tells the client of it waits for the
// mark; a session that ends with its connection waits for nothing.
func (c *Core) Extend(id shard.ConnID, ext []byte, out *shard.Out) shard.Mark {
	k := c.conns.Get(id)
	if k == nil {
		return 0
	}
	k.client.setExtension(ext)
	c.changed(k.client, out)
	return k.client.Written
}

// Keep is Extend that also makes the session durable for as long as the
// connection lives, whatever becomes of it later.
func (c *Core) Keep(id shard.ConnID, ext []byte, out *shard.Out) shard.Mark {
	k := c.conns.Get(id)
	if k == nil {
		return 0
	}
	k.client.setExtension(ext)
	c.persist(k.client, out)
	return k.client.Written
}

// Close ends an in-process connection and its session if that was not to be
// kept. lost: the client did not say goodbye, its will is due.
func (c *Core) Close(now shard.Time, id shard.ConnID, lost bool, out *shard.Out) {
	k := c.conns.Get(id)
	if k == nil {
		return
	}
	if !lost {
		k.client.setWill(nil)
	}
	c.lose(now, k, out)
}

// Discard ends an in-process connection and its session.
func (c *Core) Discard(now shard.Time, id shard.ConnID, out *shard.Out) {
	if k := c.conns.Get(id); k != nil {
		k.client.setWill(nil)
		k.client.SetExpiry(0)
		c.lose(now, k, out)
	}
}

// Knows says whether a client id has a session here.
func (c *Core) Knows(clientID string) bool { return c.clients.Get(clientID) != nil }

// Kept counts the stored sessions that in-process connections extended. It looks
// at all.
func (c *Core) Kept() (n int) {
	for cl := range c.clients.All {
		if cl.Stored && len(cl.extension) > 0 {
			n++
		}
	}
	return n
}
