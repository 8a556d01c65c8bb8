package core

import (
	"strings"
	"time"

	"github.com/dormouse-mqtt/dormouse/broker/mqtt"
	"github.com/dormouse-mqtt/dormouse/broker/session"
	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/broker/topic"
)

// handlePublish takes a client's message [MQTT-3.3.4-1].
func (c *Core) handlePublish(now shard.Time, k *conn, p *mqtt.Publish, out *shard.Out) {
	if p.QoS > 1 {
		c.malformed(now, k, errNoQoS2, out)
		return
	}
	if _, ok := p.Properties.Uint16(mqtt.TopicAlias); ok {
		c.malformed(now, k, errTopicAlias, out)
		return
	}
	name := string(p.Topic)
	if topic.CheckName(name, c.options.Topics) != nil {
		c.malformed(now, k, errTopicName, out)
		return
	}
	code := mqtt.TopicNameInvalid
	if !reserved(name) {
		m := &session.Message{
			Topic:      name,
			Payload:    append([]byte(nil), p.Payload...),
			Properties: carried(p.Properties),
			QoS:        byte(p.QoS),
			Retain:     p.Retain,
			Publisher:  k.client.ClientID,
		}
		if s, ok := p.Properties.Uint32(mqtt.MessageExpiryInterval); ok {
			m.Expires = expires(now, s)
		}
		code = c.publish(now, m, k.client, out)
	}
	if p.QoS == 0 {
		return
	}
	if k.version < mqtt.V5 {
		code = mqtt.Success // 3.1.1 has no words for the rest
	}
	c.scratch = (&mqtt.Puback{PacketID: p.PacketID, Code: code}).AppendTo(c.scratch[:0], k.version)
	k.client.Written = c.gate(k, k.client.Written, ringAnswer, c.scratch, out)
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
// order [MQTT-3.3.2-17], [MQTT-3.3.2-18].
func carried(p mqtt.Properties) []byte {
	if p.Empty() {
		return nil
	}
	return p.AppendWithout(nil, mqtt.TopicAlias, mqtt.MessageExpiryInterval, mqtt.WillDelayInterval)
}

// A hit is one session that a message goes to.
type hit struct {
	client      *client
	qos         byte
	retain      bool
	identifiers []uint32
}

// publish brings a message to everybody who subscribed to it, and into the
// retained messages. by is the publisher's session, whose answer has to wait for
// what was written; nil: nobody waits.
func (c *Core) publish(now shard.Time, m *session.Message, by *client, out *shard.Out) mqtt.ReasonCode {
	c.stats.Published++
	c.lastMessage++
	m.ID = c.lastMessage
	wrote := false
	if m.Retain {
		c.retain(m, out)
		wrote = true
	}
	taken := 0
	hits := c.receivers(m)
	for i := range hits {
		h := &hits[i]
		e := session.Entry{Message: m, QoS: min(h.qos, m.QoS), Retain: h.retain, Identifiers: h.identifiers}
		ok, durable := c.give(now, h.client, e, out)
		if ok {
			taken++
		} else {
			c.stats.Dropped++
		}
		wrote = wrote || durable
	}
	clear(hits)
	if wrote && by != nil {
		by.Written = max(by.Written, out.Mark())
	}
	switch {
	case len(hits) == 0:
		return mqtt.NoMatchingSubscribers
	case taken == 0:
		return mqtt.QuotaExceeded
	default:
		return mqtt.Success
	}
}

// receivers are the sessions that m goes to, each once: with the highest QoS of
// its matching subscriptions and all their identifiers [MQTT-3.3.4-2],
// [MQTT-3.3.4-4].
func (c *Core) receivers(m *session.Message) []hit {
	c.match++
	c.hits = c.hits[:0]
	c.directory.Match(m.Topic, func(t *Target, s Subscription) {
		if s.NoLocal && t.client.ClientID == m.Publisher { // [MQTT-3.8.3-3]
			return
		}
		if t.match != c.match {
			t.match, t.hit = c.match, len(c.hits)
			c.hits = append(c.hits, hit{client: t.client})
		}
		h := &c.hits[t.hit]
		h.qos = max(h.qos, s.QoS)
		h.retain = h.retain || s.RetainAsPublished && m.Retain
		if s.Identifier != 0 {
			h.identifiers = append(h.identifiers, s.Identifier)
		}
	})
	return c.hits
}

// publishWill publishes a will whose time has come.
func (c *Core) publishWill(now shard.Time, w *will, out *shard.Out) {
	c.stats.Wills++
	if w.expiry > 0 {
		w.message.Expires = expires(now, w.expiry)
	}
	c.publish(now, &w.message, nil, out)
}
