package core

import (
	"github.com/dormouse-mqtt/dormouse/broker/session"
	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/broker/topic"
)

// retain keeps m as the retained message of its topic; an empty one deletes
// what was kept [MQTT-3.3.1-6]. Once there are as many as may be, a message on
// another topic is delivered but not kept.
func (c *Core) retain(m *session.Message, out *shard.Out) {
	if len(m.Payload) == 0 {
		c.directory.Retain(m.Topic, nil)
		c.deleteRetained(m.Topic, out)
		return
	}
	if _, n := c.directory.Len(); n >= c.options.MaxRetained && !c.isRetained(m.Topic) {
		c.stats.Unretained++
		return
	}
	c.directory.Retain(m.Topic, m)
	c.writeRetained(m, out)
}

// isRetained says whether a message is kept for the name.
func (c *Core) isRetained(name string) (found bool) {
	c.directory.Scan(name, topic.Cursor{}, 1, func(*session.Message) { found = true })
	return found
}

// A scan is a new subscription whose retained messages are under way.
type scan struct {
	filter       string
	subscription Subscription
	cursor       topic.Cursor
}

// scanStep is how many retained messages one step may queue.
const scanStep = 256

// scanOn queues the next step of a connection's retained messages, once what
// was queued before has left, so that they never fill the queue. It says
// whether there is something to send now.
func (c *Core) scanOn(now shard.Time, k *conn, out *shard.Out) bool {
	if len(k.scans) == 0 || k.client.Queued() > 0 || k.scheduled {
		return false
	}
	s := &k.scans[0]
	next, done := c.directory.Scan(s.filter, s.cursor, scanStep, func(m *session.Message) {
		if m.Expired(now) {
			return
		}
		e := session.Entry{Message: m, QoS: min(m.QoS, s.subscription.QoS), Retain: true} // [MQTT-3.3.1-8]
		if s.subscription.Identifier != 0 {
			e.Identifiers = []uint32{s.subscription.Identifier}
		}
		if k.client.Push(e, false) == session.PushDropped {
			c.stats.Dropped++
			return
		}
		if e.QoS > 0 && k.client.Stored {
			c.writeEntry(k.client, e, out)
		}
	})
	if s.cursor = next; done {
		k.scans = k.scans[1:]
	}
	if len(k.scans) > 0 { // go on in another round: others have a turn
		k.scheduled = true
		c.scans = append(c.scans, k)
	}
	return k.client.Queued() > 0
}
