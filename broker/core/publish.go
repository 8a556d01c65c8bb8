package core

import (
	"strings"
	"time"
	"unsafe"

	"github.com/dormouse-mqtt/dormouse/broker/mqtt"
	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/broker/topic"
)

// handlePublish takes a client's message [MQTT-3.3.4-1].
func (c *Core) handlePublish(now shard.Time, k *conn, p *mqtt.Publish, out *shard.Out) {
	if _, ok := p.Properties.Uint16(mqtt.TopicAlias); ok {
		c.malformed(now, k, errTopicAlias, out)
		return
	}
	name := unsafe.String(unsafe.SliceData(p.Topic), len(p.Topic)) // while the packet is handled
	r := c.routes.recall(k, name)
	if r == nil && topic.CheckName(name, c.options.Topics) != nil {
		c.malformed(now, k, errTopicName, out)
		return
	}
	if p.QoS > mqtt.AtMostOnce && k.version == mqtt.V5 && int(k.unanswered)+len(k.client.Inbound()) >= c.options.ReceiveMaximum &&
		!(p.QoS == mqtt.ExactlyOnce && k.client.Knows(p.PacketID)) {
		c.malformed(now, k, errReceiveMaximum, out) // [MQTT-3.3.4-9]
		return
	}
	if p.QoS == mqtt.ExactlyOnce {
		c.takeOnce(now, k, name, r, p, out)
		return
	}
	code := c.accept(now, k, name, r, p, out)
	if p.QoS == mqtt.AtLeastOnce {
		k.unanswered++
		if code == refusedByStore {
			c.refusePublish(now, k, p.PacketID, false, out)
			return
		}
		c.scratch = (&mqtt.Puback{PacketID: p.PacketID, Code: k.words(code)}).AppendTo(c.scratch[:0], k.version)
		c.answer(k, ringPuback, c.scratch, out)
	}
}

// takeOnce takes a message of QoS 2: its packet id is kept, in one batch with
// the message, until the client releases it [MQTT-4.3.3-2].
func (c *Core) takeOnce(now shard.Time, k *conn, name string, r *route, p *mqtt.Publish, out *shard.Out) {
	cl := k.client
	code := mqtt.Success
	if cl.Begin(p.PacketID) {
		if code = c.accept(now, k, name, r, p, out); code == refusedByStore {
			cl.End(p.PacketID)
			c.refusePublish(now, k, p.PacketID, true, out)
			return
		} else if k.words(code).Failed() {
			cl.End(p.PacketID) // the exchange ends with the answer [MQTT-4.3.3-4]
		} else if cl.Stored {
			c.recorder.PutInbound(&out.Batch, cl.Instance, p.PacketID)
			c.wrote(cl, out)
		}
	}
	c.scratch = (&mqtt.Pubrec{PacketID: p.PacketID, Code: k.words(code)}).AppendTo(c.scratch[:0], k.version)
	c.answer(k, ringPubrec, c.scratch, out)
}

// handlePubrel ends the exchange of a message of QoS 2 from the client
// [MQTT-4.3.3-11]. PUBCOMP waits for the removal of the packet id, which the
// client may use again from then on (L4).
func (c *Core) handlePubrel(k *conn, p *mqtt.Pubrel, out *shard.Out) {
	cl := k.client
	code := mqtt.Success
	if !cl.End(p.PacketID) {
		code = mqtt.PacketIdentifierNotFound
	} else if cl.Stored {
		c.recorder.DeleteInbound(&out.Batch, cl.Instance, p.PacketID)
		c.wrote(cl, out)
	}
	c.scratch = (&mqtt.Pubcomp{PacketID: p.PacketID, Code: k.words(code)}).AppendTo(c.scratch[:0], k.version)
	c.answer(k, ringAnswer, c.scratch, out)
}

// accept publishes a client's message.
func (c *Core) accept(now shard.Time, k *conn, name string, r *route, p *mqtt.Publish, out *shard.Out) mqtt.ReasonCode {
	if r == nil && reserved(name) {
		return mqtt.TopicNameInvalid
	}
	m := &c.incoming
	m.Topic, m.Payload, m.QoS, m.Retain, m.Expires = name, p.Payload, byte(p.QoS), p.Retain, 0
	m.Properties = c.carried(p.Properties)
	if s, ok := p.Properties.Uint32(mqtt.MessageExpiryInterval); ok {
		m.Expires = expires(now, s)
	}
	if c.stalled && m.QoS > 0 && (m.Retain || c.goesToDisk(m)) {
		return refusedByStore
	}
	code, targets, wrote := c.publish(now, m, k.client, r, out)
	if wrote && m.QoS > 0 {
		c.await(k, p.PacketID, m, targets, out)
	}
	return code
}

// goesToDisk says whether a durable session gets the message.
func (c *Core) goesToDisk(m *shard.Message) (durable bool) {
	c.directory.Match(m.Topic, func(t *Target, s Subscription) {
		durable = durable || s.QoS > 0 && t.is(isDurable) && !t.is(isDead)
	})
	return durable
}

// words is what the client's version can say of a code: 3.x has no refusals.
func (k *conn) words(code mqtt.ReasonCode) mqtt.ReasonCode {
	if k.version < mqtt.V5 {
		return mqtt.Success
	}
	return code
}

// expires is when a message with the given Message Expiry Interval ends; an
// interval of zero ends at once.
func expires(now shard.Time, seconds uint32) shard.Time {
	return max(1, now+time.Duration(seconds)*time.Second)
}

// reserved says that clients may not publish to the name.
func reserved(name string) bool {
	return strings.HasPrefix(name, "$SYS/") || strings.HasPrefix(name, "$share/") || name == "$SYS"
}

// carried is the properties that travel with a message, unchanged and in their
// order [MQTT-3.3.2-17], [MQTT-3.3.2-18], until the next call.
func (c *Core) carried(p mqtt.Properties) []byte {
	if p.Empty() {
		return nil
	}
	c.travel = p.AppendWithout(c.travel[:0], mqtt.TopicAlias, mqtt.MessageExpiryInterval, mqtt.WillDelayInterval)
	return c.travel
}

// publishWill publishes a will whose time has come.
func (c *Core) publishWill(now shard.Time, cl *client, w *will, out *shard.Out) {
	c.stats.Wills++
	if w.expiry > 0 {
		w.message.Expires = expires(now, w.expiry)
	}
	c.publishFrom(now, w.message, nil, cl.ClientID, nil, out)
}
