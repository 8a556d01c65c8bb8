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
	c.lastLocal++
	k := &conn{state: connected, version: mqtt.V5}
	k.dest.ID = shard.InProcess(c.lastLocal)
	c.conns[k.dest.ID] = k
	present := c.attach(now, k, a, out)
	out.Wake = append(out.Wake, shard.Wake{
		Kind: shard.WakeAccepted, Conn: k.dest.ID, Present: present,
		Mark: k.client.Written, Ext: k.client.Extension,
	})
	c.wake(k, out)
	return k.dest.ID
}

// Publish takes a message from an in-process connection, or, if id is zero,
// from nobody. The answer to the publisher waits for mark.
func (c *Core) Publish(now shard.Time, id shard.ConnID, m *session.Message, out *shard.Out) (code mqtt.ReasonCode, mark shard.Mark) {
	var by *client
	if k := c.conns[id]; k != nil {
		by = k.client
		m.Publisher = by.ClientID
	}
	if topic.CheckName(m.Topic, c.options.Topics) != nil || reserved(m.Topic) {
		return mqtt.TopicNameInvalid, 0
	}
	code = c.publish(now, m, by, out)
	if by != nil {
		mark = by.Written
	}
	return code, mark
}

// Subscribe subscribes an in-process connection at qos or the highest offered;
// retained: the retained messages are to come.
func (c *Core) Subscribe(_ shard.Time, id shard.ConnID, filter string, qos byte, retained bool, out *shard.Out) (code mqtt.ReasonCode, mark shard.Mark) {
	k := c.conns[id]
	if k == nil {
		return mqtt.UnspecifiedError, 0
	}
	handling := mqtt.DontSendRetained
	if retained {
		handling = mqtt.SendRetained
	}
	code = c.subscribe(k, filter, Subscription{QoS: min(qos, 1)}, handling)
	c.written(k.client, out)
	c.wake(k, out)
	return code, k.client.Written
}

// Unsubscribe ends a subscription of an in-process connection.
func (c *Core) Unsubscribe(_ shard.Time, id shard.ConnID, filter string, out *shard.Out) (mark shard.Mark) {
	k := c.conns[id]
	if k == nil {
		return 0
	}
	c.unsubscribe(k, filter)
	c.written(k.client, out)
	return k.client.Written
}

// Next gives an in-process connection what it is to deliver next. After false
// the connection is woken when there is more.
func (c *Core) Next(now shard.Time, id shard.ConnID, out *shard.Out) (session.Delivery, bool) {
	k := c.conns[id]
	if k == nil {
		return session.Delivery{}, false
	}
	d, ok := k.client.Next(now)
	if !ok && c.scanOn(now, k, out) {
		d, ok = k.client.Next(now)
	}
	if k.woken = ok; ok {
		c.stats.Delivered++
	}
	return d, ok
}

// Ack ends a delivery of an in-process connection.
func (c *Core) Ack(now shard.Time, id shard.ConnID, packetID uint16, out *shard.Out) {
	if k := c.conns[id]; k != nil {
		c.acknowledged(k.client, packetID, out)
		c.wake(k, out)
	}
}

// Pause keeps everything for an in-process connection whose client sleeps; what
// was delivered and not acknowledged comes first when it goes on.
func (c *Core) Pause(id shard.ConnID) {
	if k := c.conns[id]; k != nil {
		k.paused, k.woken = true, false
		k.client.Attach(1)
	}
}

// Resume ends a Pause: what there is to deliver is there for Next.
func (c *Core) Resume(id shard.ConnID) {
	if k := c.conns[id]; k != nil {
		k.paused = false
		k.woken = !k.client.Idle() || len(k.scans) > 0
	}
}

// Extend stores ext with the session. What tells the client of it waits for the
// mark; a session that ends with its connection waits for nothing.
func (c *Core) Extend(id shard.ConnID, ext []byte, out *shard.Out) shard.Mark {
	k := c.conns[id]
	if k == nil {
		return 0
	}
	k.client.Extension = ext
	c.written(k.client, out)
	return k.client.Written
}

// Keep is Extend that also makes the session durable for as long as the
// connection lives, whatever becomes of it later.
func (c *Core) Keep(id shard.ConnID, ext []byte, out *shard.Out) shard.Mark {
	k := c.conns[id]
	if k == nil {
		return 0
	}
	k.client.Extension = ext
	c.writeSession(k.client, out)
	return k.client.Written
}

// Close ends an in-process connection and its session if that was not to be
// kept. lost: the client did not say goodbye, its will is due.
func (c *Core) Close(now shard.Time, id shard.ConnID, lost bool, out *shard.Out) {
	k := c.conns[id]
	if k == nil {
		return
	}
	if !lost {
		k.client.will = nil
	}
	c.lose(now, k, out)
}
