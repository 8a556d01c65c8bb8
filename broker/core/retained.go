package core

import (
	"slices"

	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/broker/topic"
)

// retain keeps m as the retained message of its topic, or deletes what was kept,
// and finds who gets m. Once there are as many as may be, a message on another
// topic is delivered but not kept.
func (c *Core) retain(m *shard.Message, from string, out *shard.Out) (hits []hit, kept bool) {
	c.batch.Reset()
	if len(m.Payload) == 0 {
		c.deleteRetained(m.Topic)
	} else {
		c.putRetained(m)
	}
	c.matching.begin(from)
	ticket, kept := c.directory.Retain(m, &c.batch, c.options.MaxRetained, c.matching.visit)
	c.matching.end()
	if !kept {
		c.stats.Unretained++
		return c.matching.hits, false
	}
	out.Follow(ticket, shard.Backlog{Octets: c.batch.Size(), Records: c.batch.Len()})
	return c.matching.hits, true
}

// A scan is a new subscription whose retained messages are under way.
type scan struct {
	filter       string
	subscription Subscription
	step         Step
	cursor       topic.Cursor
}

// A turn says whether a connection's scans may go on.
type turn uint8

const (
	noTurn  turn = iota
	waiting      // for one
	hasTurn
)

// Scans are what is left of the scans of all connections.
type scans struct {
	waiting []*conn // for a turn
	head    int     // of waiting: whose is next
	round   shard.Mark
	spent   int // of maxScan, in this round
}

// What scans may cost, in retained messages.
const (
	scanStep = 256  // one connection's, at once
	maxScan  = 1024 // those of all connections in a round; the last step may exceed it
)

// What counts as much as a message.
const (
	scanOctets = 256 // of messages
	scanLooked = 16  // messages that were looked at
)

// spend notes what a scan has cost.
func (s *scans) spend(cost int, out *shard.Out) {
	s.begin(out)
	s.spent += cost
}

// over says that this round's scans have cost enough.
func (s *scans) over(out *shard.Out) bool {
	s.begin(out)
	return s.spent >= maxScan
}

func (s *scans) begin(out *shard.Out) {
	if s.round != out.Mark() {
		s.round, s.spent = out.Mark(), 0
	}
}

// wait has a connection's scans go on when those of others have had their turn.
func (s *scans) wait(k *conn) {
	k.scanning = waiting
	s.waiting = append(s.waiting, k)
}

// len is how many wait.
func (s *scans) len() int { return len(s.waiting) - s.head }

// next is the one that has waited longest.
func (s *scans) next() *conn {
	k := s.waiting[s.head]
	s.waiting[s.head] = nil
	if s.head++; s.head > len(s.waiting)/2 {
		left := copy(s.waiting, s.waiting[s.head:])
		clear(s.waiting[left:])
		s.waiting, s.head = s.waiting[:left], 0
	}
	return k
}

// goOnScanning gives those who wait a turn, as many as a round has room for.
func (c *Core) goOnScanning(now shard.Time, out *shard.Out) {
	for n := c.scans.len(); n > 0 && !c.scans.over(out); n-- {
		k := c.scans.next()
		k.scanning = hasTurn
		switch {
		case k.ended: // it has gone
		case k.id.IsInProcess(): // it is told, and comes for them
			c.scans.spend(scanStep, out)
			c.wake(k, out)
		default:
			c.pump(now, k, out)
			if k.scanning == hasTurn { // it was no use to it
				k.scanning = noTurn
			}
		}
	}
}

// scanOn queues the next step of a connection's retained messages, once what
// was queued before has left, so that they never fill the queue. It says
// whether there is something to send now.
func (c *Core) scanOn(now shard.Time, k *conn, out *shard.Out) bool {
	cl := k.client
	if len(cl.scans) == 0 || k.scanning == waiting || cl.Queued() > 0 {
		return false
	}
	if k.scanning == noTurn && (c.scans.len() > 0 || c.scans.over(out)) {
		c.scans.wait(k)
		return false
	}
	k.scanning = noTurn
	for len(cl.scans) > 0 && cl.Queued() == 0 && c.scanStep(now, cl, out) && !c.scans.over(out) {
	}
	if len(cl.scans) > 0 && (cl.Queued() == 0 || !k.id.IsInProcess()) { // go on in another round: others have a turn
		c.scans.wait(k)
	}
	return cl.Queued() > 0
}

// A finding is what one step of a scan has found.
type finding struct {
	client        *client
	subscription  Subscription
	now           shard.Time
	out           *shard.Out
	given, octets int
	expired       []*shard.Message
}

// scanStep queues the next step of the first subscription that has one; false:
// it has more.
func (c *Core) scanStep(now shard.Time, cl *client, out *shard.Out) (done bool) {
	s, looked := &cl.scans[0], 0
	c.finding = finding{client: cl, subscription: s.subscription, now: now, out: out}
	s.cursor, looked, done = c.directory.Scan(s.filter, s.step, s.cursor, scanStep, c.found)
	c.scans.spend(1+c.finding.given+c.finding.octets/scanOctets+looked/scanLooked, out)
	for _, m := range c.finding.expired {
		c.batch.Reset()
		c.deleteRetained(m.Topic)
		c.directory.Expire(m, &c.batch)
	}
	c.finding = finding{}
	if done {
		cl.scans = slices.Delete(cl.scans, 0, 1)
		c.scanned(cl)
	}
	return done
}

// scan begins one. Most end at once: what they need goes from client to client.
func (c *Core) scan(cl *client, s scan) {
	if cl.rare == &nothingRare && c.spare != nil {
		cl.rare, c.spare = c.spare, nil
	}
	r := cl.own()
	r.scans = append(r.scans, s)
}

// maxSpare is how many scans the spare room may have space for.
const maxSpare = 16

// scanned gives back what a client needs no more after a scan.
func (c *Core) scanned(cl *client) {
	if r := cl.rare; r.isEmpty() && cap(r.scans) <= maxSpare {
		*r = rare{scans: r.scans[:0]}
		c.spare, cl.rare = r, &nothingRare
	}
}

// find is what a step of a scan does with a retained message; false: it has
// enough.
func (c *Core) find(m *shard.Message) bool {
	s := &c.finding
	if m.Expired(s.now) {
		s.expired = append(s.expired, m)
		return true
	}
	s.given++
	s.octets += m.Size()
	c.giveRetained(s.client, m, s.subscription, s.out)
	return s.octets < c.options.MaxOutput
}

// giveRetained queues a retained message. At QoS 1 and 2 it is a message of its
// own, for in the store it has an entry with an id of its own.
func (c *Core) giveRetained(cl *client, m *shard.Message, s Subscription, out *shard.Out) {
	e := shard.Entry{Message: m, QoS: min(m.QoS, s.QoS), Retain: true} // [MQTT-3.3.1-8]
	if e.QoS > 0 {
		e.Message = &shard.Message{
			Topic: m.Topic, Payload: m.Payload, Properties: m.Properties,
			QoS: m.QoS, Retain: true, Expires: m.Expires, ID: c.nextMessageID(),
		}
	}
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
	c.push(cl, e, false, out)
}
