package core

import (
	"github.com/dormouse-mqtt/dormouse/broker/mqtt"
	"github.com/dormouse-mqtt/dormouse/broker/session"
	"github.com/dormouse-mqtt/dormouse/broker/shard"
)

// give brings a message to one session: onto its connection or into its queue.
// durable: the entry was written to the store.
func (c *Core) give(now shard.Time, cl *client, e session.Entry, out *shard.Out) (ok, durable bool) {
	k := cl.conn
	if e.QoS == 0 {
		if k == nil { // QoS 0 is not kept for an absent client
			return true, false
		}
		if k.state == connected && !k.blocked && k.info != nil && cl.Queued() == 0 {
			c.send(now, k, session.Delivery{Entry: e}, out)
			return true, false
		}
	}
	if cl.Push(e, k != nil && k.paused) == session.PushDropped {
		out.Note(shard.Note{Kind: shard.NoteDropped, Client: cl.ClientID})
		return false, false
	}
	if e.QoS > 0 && cl.Stored {
		c.writeEntry(cl, e, out)
		durable = true
	}
	if k != nil {
		c.pump(now, k, out)
	}
	return true, durable
}

// pump sends what the session has, as far as the window and the transport take
// it, and then what is left of retained messages.
func (c *Core) pump(now shard.Time, k *conn, out *shard.Out) {
	if k.state != connected {
		return
	}
	if k.dest.ID.IsInProcess() {
		c.wake(k, out)
		return
	}
	for !k.blocked {
		d, ok := k.client.Next(now)
		if !ok {
			if !c.scanOn(now, k, out) {
				return
			}
			continue
		}
		c.send(now, k, d, out)
	}
}

// wake tells an in-process connection that there is something for it, once.
func (c *Core) wake(k *conn, out *shard.Out) {
	if k.paused || k.woken || k.client.Idle() && len(k.scans) == 0 {
		return
	}
	k.woken = true
	out.Wake = append(out.Wake, shard.Wake{Kind: shard.WakeDeliver, Conn: k.dest.ID})
}

// send encodes a message for its receiver's version.
func (c *Core) send(now shard.Time, k *conn, d session.Delivery, out *shard.Out) {
	p := mqtt.Publish{
		Dup:      d.Dup,
		QoS:      mqtt.QoS(d.QoS),
		Retain:   d.Retain,
		PacketID: d.PacketID,
		Payload:  d.Payload,
	}
	if k.version == mqtt.V5 {
		b := c.props[:0]
		if d.Expires != 0 {
			b = mqtt.AppendUint32(b, mqtt.MessageExpiryInterval, d.Left(now))
		}
		for _, id := range d.Identifiers {
			b = mqtt.AppendVarint(b, mqtt.SubscriptionIdentifier, id)
		}
		b = append(b, d.Properties...)
		c.props = b
		p.Properties = mqtt.NewProperties(b)
	}
	o := out.To(&k.dest)
	before := len(o.Data)
	o.Data = c.appendPublish(o.Data, d.Topic, &p, k.version)
	if size := len(o.Data) - before; k.maxPacket != 0 && size > int(k.maxPacket) {
		o.Data = o.Data[:before] // dropped, and done with [MQTT-3.1.2-25]
		c.stats.Dropped++
		if d.PacketID != 0 {
			c.acknowledged(k.client, d.PacketID, out)
		}
		return
	}
	c.stats.Delivered++
}

// appendPublish encodes p on the topic of a name, which is copied to where p can
// have it without an allocation.
func (c *Core) appendPublish(b []byte, name string, p *mqtt.Publish, v mqtt.Version) []byte {
	c.topic = append(c.topic[:0], name...)
	p.Topic = c.topic
	return p.AppendTo(b, v)
}

// handlePuback ends a delivery. An unknown id is ignored: it may be a late
// repetition.
func (c *Core) handlePuback(now shard.Time, k *conn, id uint16, out *shard.Out) {
	if c.acknowledged(k.client, id, out) {
		c.pump(now, k, out)
	}
}

func (c *Core) acknowledged(cl *client, id uint16, out *shard.Out) bool {
	e, ok := cl.Ack(id)
	if ok && cl.Stored {
		c.deleteEntry(cl, e, out)
	}
	return ok
}
