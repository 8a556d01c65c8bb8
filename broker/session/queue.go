package session

// A queue holds entries, first in first out, within bounds.
type queue struct {
	ring   []Entry // its length is a power of two
	head   uint64  // sequence number of the oldest
	next   uint64  // of the next to come
	octets int
	// latest is where each topic's QoS 0 entry stands, while only the newest
	// of a topic is kept.
	latest map[string]uint64
}

func (q *queue) len() int { return int(q.next - q.head) }

func (q *queue) at(seq uint64) *Entry { return &q.ring[seq&uint64(len(q.ring)-1)] }

func (q *queue) front() (Entry, bool) {
	if q.head == q.next {
		return Entry{}, false
	}
	return *q.at(q.head), true
}

func (q *queue) pop() {
	e := q.at(q.head)
	q.octets -= e.Size()
	if seq, ok := q.latest[e.Topic]; ok && seq == q.head {
		delete(q.latest, e.Topic)
	}
	*e = Entry{}
	q.head++
}

func (q *queue) push(e Entry) {
	if q.len() == len(q.ring) {
		grown := make([]Entry, max(4, 2*len(q.ring)))
		for seq := q.head; seq != q.next; seq++ {
			grown[seq&uint64(len(grown)-1)] = *q.at(seq)
		}
		q.ring = grown
	}
	*q.at(q.next) = e
	q.next++
	q.octets += e.Size()
}

// A PushResult says what became of a message at the queue.
type PushResult uint8

// What becomes of a message.
const (
	PushQueued   PushResult = iota
	PushReplaced            // in the place of an older one of its topic
	PushDropped             // the queue is full
)

// Push queues an entry. At the bound a QoS 1 message is refused, for what is
// older was acknowledged already; a QoS 0 message takes the place of the oldest
// entry if that is of QoS 0 too. latest keeps only the newest QoS 0 message of
// a topic (readings S7).
func (s *Session) Push(e Entry, latest bool) PushResult {
	if s.queue == nil {
		s.queue = &queue{}
	}
	q := s.queue
	if e.QoS == 0 && latest {
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
		if !ok || e.QoS > 0 || front.QoS > 0 {
			if q.len() == 0 {
				s.queue = nil
			}
			return PushDropped
		}
		q.pop()
	}
	if e.QoS == 0 && latest {
		if q.latest == nil {
			q.latest = map[string]uint64{}
		}
		q.latest[e.Topic] = q.next
	}
	q.push(e)
	return PushQueued
}

func (s *Session) full(e Entry) bool {
	return s.queue.len() >= s.limits.messages() || s.queue.octets+e.Size() > s.limits.octets()
}
