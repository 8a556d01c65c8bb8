package session

import "github.com/dormouse-mqtt/dormouse/broker/shard"

// A queue holds entries, first in first out, within bounds.
type queue struct {
	ring   []shard.Entry // its length is a power of two
	head   uint64        // sequence number of the oldest
	next   uint64        // of the next to come
	octets int
	once   int // how many are of QoS 0
	// latest is where each topic's QoS 0 entry stands, while only the newest
	// of a topic is kept.
	latest map[string]uint64
}

func (q *queue) len() int { return int(q.next - q.head) }

func (q *queue) at(seq uint64) *shard.Entry { return &q.ring[seq&uint64(len(q.ring)-1)] }

func (q *queue) front() (shard.Entry, bool) {
	if q.head == q.next {
		return shard.Entry{}, false
	}
	return *q.at(q.head), true
}

func (q *queue) pop() {
	e := q.at(q.head)
	q.octets -= e.Size()
	q.count(e, -1)
	if seq, ok := q.latest[e.Topic]; ok && seq == q.head {
		delete(q.latest, e.Topic)
	}
	*e = shard.Entry{}
	q.head++
}

func (q *queue) push(e shard.Entry) {
	if q.len() == len(q.ring) {
		grown := make([]shard.Entry, max(4, 2*len(q.ring)))
		for seq := q.head; seq != q.next; seq++ {
			grown[seq&uint64(len(grown)-1)] = *q.at(seq)
		}
		q.ring = grown
	}
	*q.at(q.next) = e
	q.next++
	q.octets += e.Size()
	q.count(&e, 1)
}

func (q *queue) count(e *shard.Entry, n int) {
	if e.QoS == 0 {
		q.once += n
	}
}

// A PushResult says what became of a message at the queue.
type PushResult uint8

// What becomes of a message.
const (
	PushQueued   PushResult = iota
	PushReplaced            // in the place of an older one of its topic
	PushDropped             // the queue is full
)

// Push queues an entry. For QoS 1 and 2 the publisher has reserved the room (see
// Account). A QoS 0 message that finds the queue full takes the place of the
// oldest entry if that is of QoS 0 too, for what is of a higher one was
// acknowledged already. latest keeps only the newest QoS 0 message of a topic
// (readings S7).
func (s *Session) Push(e shard.Entry, latest bool) PushResult {
	q := &s.work().queue
	if e.QoS > 0 {
		q.push(e)
		return PushQueued
	}
	if latest {
		if seq, ok := q.latest[e.Topic]; ok {
			old := q.at(seq)
			q.octets += e.Size() - old.Size()
			*old = e
			return PushReplaced
		}
	}
	for s.full(e) {
		front, ok := q.front()
		s.Dropped++
		if !ok || front.QoS > 0 {
			s.rest()
			return PushDropped
		}
		q.pop()
	}
	if latest {
		if q.latest == nil {
			q.latest = map[string]uint64{}
		}
		q.latest[e.Topic] = q.next
	}
	q.push(e)
	return PushQueued
}

func (s *Session) full(e shard.Entry) bool {
	q := &s.busy.queue
	return q.len() >= s.pool.messages() || q.octets+e.Size() > s.pool.octets()
}

// Oldest takes the oldest entry of QoS 1 or 2 out of the queue, to make room.
func (s *Session) Oldest() (e shard.Entry, ok bool) {
	if s.busy == nil {
		return e, false
	}
	q := &s.busy.queue
	for seq := q.head; seq != q.next; seq++ {
		if e = *q.at(seq); e.QoS == 0 {
			continue
		}
		s.pull(seq)
		s.Dropped++
		return e, true
	}
	return e, false
}

// Withdraw takes a message out of the queue; false: it is not there, or no more.
func (s *Session) Withdraw(id shard.MessageID) (e shard.Entry, ok bool) {
	if s.busy == nil {
		return e, false
	}
	q := &s.busy.queue
	for seq := q.head; seq != q.next; seq++ {
		if e = *q.at(seq); e.QoS > 0 && e.ID == id {
			s.pull(seq)
			return e, true
		}
	}
	return e, false
}

// AwaitsWindow says that all that is queued waits for acknowledgements, which
// messages of QoS 0 need not.
func (s *Session) AwaitsWindow() bool {
	return s.busy != nil && s.busy.queue.once == 0 && len(s.busy.flights) >= int(s.window)
}

// unqueue takes the oldest entry that may be sent out of the queue: a full window
// does not hold back what is of QoS 0.
func (s *Session) unqueue() (e shard.Entry, ok bool) {
	if s.busy == nil {
		return e, false
	}
	q := &s.busy.queue
	e, ok = q.front()
	switch {
	case !ok:
		return e, false
	case e.QoS == 0 || len(s.busy.flights) < int(s.window):
		q.pop()
		return e, true
	case q.once == 0:
		return e, false
	}
	seq := q.head
	for q.at(seq).QoS > 0 {
		seq++
	}
	e = *q.at(seq)
	if at, ok := q.latest[e.Topic]; ok && at == seq {
		delete(q.latest, e.Topic)
	}
	s.pull(seq)
	return e, true
}

// pull takes the entry at seq out; those before it move up.
func (s *Session) pull(seq uint64) {
	q := &s.busy.queue
	e := *q.at(seq)
	for ; seq != q.head; seq-- {
		*q.at(seq) = *q.at(seq - 1)
		if at, ok := q.latest[q.at(seq).Topic]; ok && at == seq-1 {
			q.latest[q.at(seq).Topic] = seq
		}
	}
	*q.at(q.head) = e
	q.pop()
	s.rest()
}

// Take takes the oldest entry out of the queue of a shared subscription, which
// has no flights. It passes over what has expired.
func (s *Session) Take(now shard.Time, expired func(shard.Entry)) (e shard.Entry, ok bool) {
	for s.busy != nil {
		if e, ok = s.busy.queue.front(); !ok {
			return e, false
		}
		s.busy.queue.pop()
		s.rest()
		if !e.Expired(now) {
			return e, true
		}
		s.Dropped++
		expired(e)
	}
	return e, false
}

// PutBack puts an entry where it was in the order of messages.
func (s *Session) PutBack(e shard.Entry) {
	q := &s.work().queue
	q.push(e)
	for seq := q.next - 1; seq > q.head && q.at(seq-1).ID.Compare(e.ID) > 0; seq-- {
		*q.at(seq), *q.at(seq - 1) = *q.at(seq - 1), *q.at(seq)
	}
}

// Disown takes out what came by shared subscriptions and may go to somebody else:
// all but messages of QoS 2 in flight, which are bound to this session (L7).
func (s *Session) Disown(visit func(shard.Entry)) {
	b := s.busy
	if b == nil {
		return
	}
	var lent []shard.Entry
	for i := 0; i < len(b.flights); {
		f := &b.flights[i]
		if f.QoS != 1 || f.Group() == nil {
			i++
			continue
		}
		lent = append(lent, f.Entry)
		s.remove(i)
	}
	for n := b.queue.len(); n > 0; n-- { // once round the queue
		e, _ := b.queue.front()
		b.queue.pop()
		if e.Group() != nil {
			lent = append(lent, e)
		} else {
			b.queue.push(e)
		}
	}
	s.rest()
	for _, e := range lent { // the session is whole again
		visit(e)
	}
}
