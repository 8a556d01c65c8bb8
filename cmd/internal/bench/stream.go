package bench

import "time"

// A stream is what one publisher says on one topic.
type stream struct {
	r       *run
	number  uint32 // of the stream
	topic   int
	by      sender
	packet  []byte // PUBLISH as it was sent last
	stampAt int    // where its payload begins
	idAt    int    // where its packet id is; -1: it has none
	fan     uint64 // subscribers of the topic
	limit   int    // messages under way that are allowed
	batch   int    // messages that are sent together

	sent      uint64 // all counts are of the whole run
	confirmed uint64 // acknowledged, or given up
	arrived   uint64 // at subscribers, or given up
	moved     Time   // when something came last
	queued    bool   // in run.waiting
	owed      int    // batches due and not sent; with a rate
	next      int    // number, of all streams', of the first of them
}

// A sender is a client or a node that publishes.
type sender interface {
	// publish puts the stream's packet, with an id of its own, behind what
	// flush will send.
	publish(s *stream)
	flush()
	// ready tells whether it would leave.
	ready() bool
}

// wait puts the stream among those that may have room.
func (s *stream) wait() {
	if !s.queued {
		s.queued = true
		s.r.waiting = append(s.r.waiting, s)
	}
}

// underWay is how many messages have not come to all subscribers yet, or have
// not been acknowledged.
func (s *stream) underWay() int {
	n := 0
	if s.fan > 0 {
		n = int((s.sent*s.fan - min(s.arrived, s.sent*s.fan) + s.fan - 1) / s.fan)
	}
	if s.r.QoS > 0 {
		n = max(n, int(s.sent-s.confirmed))
	}
	return n
}

// unconfirmed is how many wait for an acknowledgement.
func (s *stream) unconfirmed() int {
	if s.r.QoS <= 0 {
		return 0
	}
	return int(s.sent - s.confirmed)
}

// publish sends one message that counts from at.
func (s *stream) publish(at Time) {
	s.sent++
	s.r.tally.sent++
	s.r.tally.expected += s.fan
	(&stamp{run: s.r.id, stream: s.number, number: uint32(s.sent), at: at}).put(s.packet[s.stampAt:])
	s.by.publish(s)
}

// came counts a message at a subscriber.
func (s *stream) came(now Time) {
	s.arrived++
	s.moved = now
	s.wait()
}

// acked counts an acknowledgement.
func (s *stream) acked(now Time, refused bool) {
	if s.confirmed < s.sent {
		s.confirmed++
		s.r.tally.confirmed++
	}
	if refused { // it comes to nobody, and the publisher knows
		s.r.tally.refused++
		s.r.tally.expected -= s.fan
		s.arrived += s.fan
	}
	s.moved = now
	s.r.tally.last = now
	s.wait()
}

// giveUp takes what is under way for lost, so that the stream goes on.
func (s *stream) giveUp(now Time) {
	s.r.tally.confirmed += s.sent - s.confirmed
	s.arrived, s.confirmed, s.moved = max(s.arrived, s.sent*s.fan), s.sent, now
	s.wait()
}

// A tally counts in one phase.
type tally struct {
	start, last           Time // of the first and the last message
	sent, expected        uint64
	delivered, duplicates uint64
	outOfOrder, refused   uint64
	confirmed             uint64
	foreign               uint64 // messages of somebody else
	shown                 uint64
	latency               Histogram
	late                  Histogram // how late the generator was
}

func (t *tally) reset(now Time) {
	t.latency.Reset()
	t.late.Reset()
	*t = tally{start: now, last: now}
}

// deliver handles a message that has come to a subscriber of that topic, and
// tells whether it counts.
func (r *run) deliver(now Time, ledgers []ledger, topic int, payload []byte) bool {
	st, ok := readStamp(payload)
	if !ok || st.run != r.id || int(st.stream) >= len(r.streams) || int(st.stream)%r.Topics != topic {
		r.tally.foreign++
		return false
	}
	verdict := ledgers[int(st.stream)/r.Topics].enter(st.number)
	if st.at < r.tally.start {
		return false // of the phase before, given up there
	}
	t := &r.tally
	switch verdict {
	case duplicate:
		t.duplicates++
		return false
	case outOfOrder:
		t.outOfOrder++
	}
	t.delivered++
	t.last = now
	if r.Sleepers == 0 {
		t.latency.Record(now - st.at)
	}
	r.streams[st.stream].came(now)
	return true
}

// lose handles the end of a connection. One that was there is counted; a run
// cannot begin without one.
func (r *run) lose(name string, accepted bool, err error) {
	if r.closed++; !accepted {
		r.fail("%s: %w", name, err)
	} else if r.closed == 1 {
		r.note("%s: %v", name, err)
	}
	if !r.settled {
		r.fail("%s: %w", name, err)
	}
}

// patience is how long what does not come is waited for.
func (r *run) patience() time.Duration {
	switch {
	case r.waits > 0:
		return r.waits
	case r.QoS > 0:
		return 10 * time.Second // a gateway repeats after as long
	}
	return time.Second
}
