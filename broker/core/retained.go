package core

import (
	"github.com/dormouse-mqtt/dormouse/broker/session"
	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/broker/topic"
)

// retain keeps m as the retained message of its topic, or deletes what was kept,
// and finds who gets m. Once there are as many as may be, a message on another
// topic is delivered but not kept.
func (c *Core) retain(m *shard.Message, out *shard.Out) (kept bool) {
	c.batch.Reset()
	if len(m.Payload) == 0 {
		c.deleteRetained(m.Topic)
	} else {
		c.putRetained(m)
	}
	ticket, kept := c.directory.Retain(m, &c.batch, c.options.MaxRetained, c.visit)
	if !kept {
		c.stats.Unretained++
		return false
	}
	out.Follow(ticket, shard.Backlog{Octets: c.batch.Size(), Records: c.batch.Len()})
	return true
}

// A scan is a new subscription whose retained messages are under way.
type scan struct {
	filter       string
	subscription Subscription
	step         Step
	cursor       topic.Cursor
}

// scanStep is how many retained messages one step may queue.
const scanStep = 256

// scanOn queues the next step of a connection's retained messages, once what
// was queued before has left, so that they never fill the queue. It says
// whether there is something to send now.
func (c *Core) scanOn(now shard.Time, k *conn, out *shard.Out) bool {
	cl := k.client
	if k.scheduled || cl.Queued() > 0 {
		return false
	}
	for len(cl.scans) > 0 && cl.Queued() == 0 && c.scanStep(now, cl, out) {
	}
	if len(cl.scans) > 0 && (cl.Queued() == 0 || !k.dest.ID.IsInProcess()) { // go on in another round: others have a turn
		k.scheduled = true
		c.scans = append(c.scans, k)
	}
	return cl.Queued() > 0
}

// scanStep queues the next step of the first subscription that has one; false:
// it has more.
func (c *Core) scanStep(now shard.Time, cl *client, out *shard.Out) (done bool) {
	s := &cl.scans[0]
	var expired []*shard.Message
	s.cursor, done = c.directory.Scan(s.filter, s.step, s.cursor, scanStep, func(m *shard.Message) {
		if m.Expired(now) {
			expired = append(expired, m)
			return
		}
		c.giveRetained(cl, m, s.subscription, out)
	})
	for _, m := range expired {
		c.batch.Reset()
		c.deleteRetained(m.Topic)
		c.directory.Expire(m, &c.batch)
	}
	if done {
		cl.scans = cl.scans[1:]
	}
	return done
}

// giveRetained queues a retained message. It is a message of its own, for in the
// store it has an entry with an id of its own.
func (c *Core) giveRetained(cl *client, kept *shard.Message, s Subscription, out *shard.Out) {
	m := &shard.Message{
		Topic: kept.Topic, Payload: kept.Payload, Properties: kept.Properties,
		QoS: kept.QoS, Retain: true, Expires: kept.Expires, ID: c.nextMessageID(),
	}
	e := shard.Entry{Message: m, QoS: min(m.QoS, s.QoS), Retain: true} // [MQTT-3.3.1-8]
	if s.Identifier != 0 {
		e.Extra = &shard.Extra{Identifiers: []uint32{s.Identifier}}
	}
	if e.QoS > 0 {
		if !cl.target.Reserve(m.Size(), &c.options.Queue) {
			c.stats.Dropped++
			return
		}
		if cl.Stored {
			e.Stored = true
			c.recorder.PutEntry(&out.Batch, cl.Instance, &e)
		}
	}
	if cl.Push(e, false) == session.PushDropped {
		c.stats.Dropped++
	}
}
