package core

import (
	"github.com/dormouse-mqtt/dormouse/broker/mqtt"
	"github.com/dormouse-mqtt/dormouse/broker/shard"
)

// A hit is one session that a message goes to.
type hit struct {
	target  *Target
	durable bool // it gets the message at QoS 1 or 2, and stores it
	qos     byte
	retain  bool
	extra   *shard.Extra // the identifiers
}

// inline is up to what size a message is stored in its only entry.
const inline = 1024

// publish brings a message to everybody who subscribed to it, and into the
// retained messages. by is the publisher's session, whose answer has to wait for
// what was written; nil: nobody waits. wrote: something was. awaited is how many
// sessions it was written for; they are at the end of c.awaitedBy if there is a
// publisher.
// Of m nothing is kept: it may alias what is being handled.
func (c *Core) publish(now shard.Time, m *shard.Message, by *client, out *shard.Out) (code mqtt.ReasonCode, awaited int, wrote bool) {
	from := ""
	if by != nil {
		from = by.ClientID
	}
	return c.publishFrom(now, m, by, from, out)
}

// publishFrom is publish for a client who need not be there any more.
func (c *Core) publishFrom(now shard.Time, m *shard.Message, by *client, from string, out *shard.Out) (code mqtt.ReasonCode, awaited int, wrote bool) {
	c.stats.Published++
	c.kept = nil
	c.encodings.end() // of an event that panicked
	clear(c.hitAt)
	m.ID = c.nextMessageID()
	c.from = from
	if m.QoS > 0 || m.Retain {
		m = m.Keep()
	}
	matched, taken, durable, kept := c.receivers(m, out)
	shared := durable > 1 || durable == 1 && m.Size() > inline
	if shared {
		m.Sharers.Store(int32(durable))
		c.recorder.PutBody(&out.Batch, m)
	}
	if len(c.hits) > 1 {
		c.encodings.begin(m)
	}
	for i := range c.hits {
		h := &c.hits[i]
		e := shard.Entry{Message: m, QoS: min(h.qos, m.QoS), Retain: h.retain, Extra: h.extra}
		if h.durable {
			e.Stored, e.Shared = true, shared
			c.recorder.PutEntry(&out.Batch, h.target.instance(), &e)
			if by != nil {
				c.awaitedBy = append(c.awaitedBy, h.target)
				awaited++
			}
		}
		if h.target.Shard() != c.options.Shard {
			e.Message = c.keep(e.Message)
			out.Posts = append(out.Posts, shard.Post{Kind: shard.PostMessage, To: h.target, Entry: e})
			continue
		}
		c.arrive(now, h.target, e, out)
	}
	clear(c.hits)
	c.encodings.end()
	c.kept = nil
	if wrote = durable > 0 || kept; wrote && by != nil {
		c.wrote(by, out)
	}
	switch {
	case matched == 0:
		return mqtt.NoMatchingSubscribers, awaited, wrote
	case taken == 0:
		return mqtt.QuotaExceeded, awaited, wrote
	default:
		return mqtt.Success, awaited, wrote
	}
}

// receivers leaves in c.hits the sessions that m goes to, each once, and with
// room reserved for it: with the highest QoS of its matching subscriptions and
// all their identifiers [MQTT-3.3.4-2], [MQTT-3.3.4-4]. matched counts also
// those that have no room, durable those that store it; retained: the retained
// message was set.
func (c *Core) receivers(m *shard.Message, out *shard.Out) (matched, taken, durable int, retained bool) {
	c.hits = c.hits[:0]
	c.matching = m
	if m.Retain && !c.stalled { // QoS 0 flows on, and is not kept
		retained = c.retain(m, out)
	} else {
		c.directory.Match(m.Topic, c.visit)
	}
	matched = len(c.hits)
	room := c.hits[:0]
	for _, h := range c.hits {
		if min(h.qos, m.QoS) > 0 {
			if !c.reserve(h.target, m.Size()) {
				c.refuseRoom(h.target, out)
				if c.options.WhenFull == Refuse {
					c.giveUp(room, m)
					return matched, 0, 0, retained
				}
				continue
			}
			if h.durable = h.target.is(isDurable); h.durable {
				durable++
			}
		}
		room = append(room, h)
	}
	clear(c.hits[len(room):])
	c.hits = room
	return matched, len(room), durable, retained
}

// giveUp takes back the room that was reserved for a message that nobody gets.
func (c *Core) giveUp(hits []hit, m *shard.Message) {
	for _, h := range hits {
		if min(h.qos, m.QoS) > 0 {
			h.target.Release(m.Size())
		}
	}
	clear(c.hits)
	c.hits = c.hits[:0]
}

// manyHits is from how many sessions on a map finds one again.
const manyHits = 8

// keep is a message that outlives the call: m itself, or a copy of what is being
// handled.
func (c *Core) keep(m *shard.Message) *shard.Message {
	if m != &c.incoming {
		return m
	}
	if c.kept == nil {
		c.kept = m.Keep()
	}
	return c.kept
}

// hit notes that one subscription matches.
func (c *Core) hit(t *Target, s Subscription) {
	if t.is(isDead) || s.NoLocal && t.clientID() == c.from { // [MQTT-3.8.3-3]
		return
	}
	h := c.hitOf(t)
	h.qos = max(h.qos, s.QoS)
	h.retain = h.retain || s.RetainAsPublished && c.matching.Retain
	if s.Identifier != 0 {
		if h.extra == nil {
			h.extra = &shard.Extra{}
		}
		h.extra.Identifiers = append(h.extra.Identifiers, s.Identifier)
	}
}

func (c *Core) hitOf(t *Target) *hit {
	if len(c.hits) < manyHits {
		for i := range c.hits {
			if c.hits[i].target == t {
				return &c.hits[i]
			}
		}
	} else {
		if len(c.hitAt) == 0 {
			for i := range c.hits {
				c.hitAt[c.hits[i].target] = i
			}
		}
		if i, ok := c.hitAt[t]; ok {
			return &c.hits[i]
		}
		c.hitAt[t] = len(c.hits)
	}
	c.hits = append(c.hits, hit{target: t})
	return &c.hits[len(c.hits)-1]
}

// reserve takes room for a message, as the policy for full queues says.
func (c *Core) reserve(t *Target, size int) bool {
	if c.options.WhenFull == DropOldest { // the owner makes room
		t.Force(size)
		return true
	}
	return t.Reserve(size, &c.options.Queue)
}

func (c *Core) refuseRoom(t *Target, out *shard.Out) {
	c.stats.Dropped++
	out.Note(shard.Note{Kind: shard.NoteDropped, Client: t.clientID()})
}

func (c *Core) nextMessageID() shard.MessageID {
	c.lastMessage = shard.NextMessageID(c.lastMessage, c.options.Epoch, c.options.Shard, c.now)
	return c.lastMessage
}
