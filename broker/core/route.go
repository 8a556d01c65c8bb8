package core

import (
	"github.com/dormouse-mqtt/dormouse/broker/mqtt"
	"github.com/dormouse-mqtt/dormouse/broker/shard"
)

// inline is up to what size a message is stored in its only entry.
const inline = 1024

// publish brings a message to everybody who subscribed to it, and into the
// retained messages. by is the publisher's session, whose answer has to wait for
// what was written; nil: nobody waits. r is the route of its topic, if that is
// known. wrote: something was. awaited is how many sessions it was written for;
// they are at the end of c.awaitedBy if there is a publisher.
// Of m nothing is kept: it may alias what is being handled.
func (c *Core) publish(now shard.Time, m *shard.Message, by *client, r *route, out *shard.Out) (code mqtt.ReasonCode, awaited int, wrote bool) {
	from := ""
	if by != nil {
		from = by.ClientID
	}
	return c.publishFrom(now, m, by, from, r, out)
}

// publishFrom is publish for a client who need not be there any more.
func (c *Core) publishFrom(now shard.Time, m *shard.Message, by *client, from string, r *route, out *shard.Out) (code mqtt.ReasonCode, awaited int, wrote bool) {
	c.stats.Published++
	c.kept = nil
	c.encodings.end() // of an event that panicked
	m.ID = c.nextMessageID()
	if m.QoS > 0 || m.Retain {
		m = m.Keep()
	}
	var (
		hits    []hit
		kept    bool
		matched int
		taken   int
	)
	if m.Retain && !c.stalled { // QoS 0 flows on, and is not kept
		hits, kept = c.retain(m, from, out)
	} else {
		hits = c.match(m.Topic, from, r)
	}
	if m.QoS == 0 {
		matched = c.publishOnce(now, m, hits, out)
		taken = matched
		wrote = kept
	} else {
		var durable int
		matched, taken, durable = c.reserveAll(m, hits, out)
		awaited = c.publishKept(now, m, by, durable, out)
		wrote = kept || durable > 0
	}
	c.matching.forget()
	c.encodings.end()
	c.kept = nil
	if wrote && by != nil {
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

// publishOnce brings a message of QoS 0 to those that it goes to, and counts
// them.
func (c *Core) publishOnce(now shard.Time, m *shard.Message, hits []hit, out *shard.Out) (matched int) {
	if len(hits) > 1 {
		c.encodings.begin(m)
	}
	for i := range hits {
		h := &hits[i]
		if h.target.is(isDead) {
			continue
		}
		matched++
		c.bring(now, h.target, shard.Entry{Message: m, Retain: h.retain && m.Retain, Extra: h.extra}, out)
	}
	return matched
}

// publishKept brings a message of QoS 1 or 2 to those in c.takers, of whom so many
// store it.
func (c *Core) publishKept(now shard.Time, m *shard.Message, by *client, durable int, out *shard.Out) (awaited int) {
	shared := durable > 1 || durable == 1 && m.Size() > inline
	if shared {
		m.Sharers.Store(int32(durable))
		c.recorder.PutBody(&out.Batch, m)
	}
	if len(c.takers) > 1 {
		c.encodings.begin(m)
	}
	for i := range c.takers {
		h := &c.takers[i]
		e := shard.Entry{Message: m, QoS: min(h.qos, m.QoS), Retain: h.retain && m.Retain, Extra: h.extra}
		if h.durable {
			e.Stored, e.Shared = true, shared
			c.recorder.PutEntry(&out.Batch, h.target.instance(), &e)
			if by != nil {
				c.awaitedBy = append(c.awaitedBy, h.target)
				awaited++
			}
		}
		c.bring(now, h.target, e, out)
	}
	clear(c.takers)
	return awaited
}

// bring brings a message to a session, wherever that is.
func (c *Core) bring(now shard.Time, t *Target, e shard.Entry, out *shard.Out) {
	if t.Shard() != c.options.Shard {
		e.Message = c.keep(e.Message)
		out.Posts = append(out.Posts, shard.Post{Kind: shard.PostMessage, To: t, Entry: e})
		return
	}
	c.arrive(now, t, e, out)
}

// reserveAll leaves in c.takers those of the hits that have room for m, which is
// reserved. matched counts also those that have none, durable those that store
// it.
func (c *Core) reserveAll(m *shard.Message, hits []hit, out *shard.Out) (matched, taken, durable int) {
	c.takers = c.takers[:0]
	for i := range hits {
		h := hits[i]
		if h.target.is(isDead) {
			continue
		}
		matched++
		if h.qos > 0 {
			if !c.reserve(h.target, m.Size()) {
				c.refuseRoom(h.target, out)
				if c.options.WhenFull == Refuse {
					c.giveUp(m)
					return len(hits), 0, 0
				}
				continue
			}
			if h.durable = h.target.is(isDurable); h.durable {
				durable++
			}
		}
		c.takers = append(c.takers, h)
	}
	return matched, len(c.takers), durable
}

// giveUp takes back the room that was reserved for a message that nobody gets.
func (c *Core) giveUp(m *shard.Message) {
	for _, h := range c.takers {
		if h.qos > 0 {
			h.target.Release(m.Size())
		}
	}
	clear(c.takers)
	c.takers = c.takers[:0]
}

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
