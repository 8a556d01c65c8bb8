package bench

import (
	"fmt"
	"time"
)

// traffic is the scenario of messages: each, fan-out, fan-in, publish.
func (r *run) traffic(syscalls bool) error {
	connects := r.begin()
	if err := r.people(); err != nil {
		return err
	}
	r.connected(connects)
	r.settle()
	if r.Warmup > 0 {
		if err := r.send("warming up", time.Duration(r.Warmup)); err != nil {
			return err
		}
		if r.stopped.Load() {
			return errInterrupted
		}
	}
	before, own := r.server.usage(), ownTime()
	if err := r.send("measuring", time.Duration(r.Duration)); err != nil {
		return err
	}
	r.figures(r.server.usage().since(before))
	r.result.GeneratorCPUSeconds = (ownTime() - own).Seconds()
	if syscalls && !r.over() {
		return r.countSyscalls()
	}
	return nil
}

// A beginning is what was there before anybody connected.
type beginning struct {
	at       Time
	used     usage
	resident int64
}

func (r *run) begin() beginning {
	b := beginning{at: r.now(), used: r.server.usage()}
	b.resident, _ = r.server.resident()
	return b
}

// connected notes what the connections have cost.
func (r *run) connected(b beginning) {
	n := len(r.parties)
	r.result.Connections = n
	r.result.ConnectsPerS = float64(n) / (r.now() - b.at).Seconds()
	r.result.ConnectCPUUs = r.server.usage().since(b.used).per(uint64(n))
	r.weigh(b)
}

// weigh notes the memory.
func (r *run) weigh(b beginning) {
	if now, ok := r.server.resident(); ok {
		r.result.RSSBytes = &now
		r.result.RSSBytesPerConnection = known(float64(now-b.resident) / float64(len(r.parties)))
	}
}

// people connects subscribers and publishers and gives the latter their streams.
func (r *run) people() error {
	n := max(r.Publishers, r.Topics)
	r.streams = make([]stream, n)
	subscribers, err := r.admit("subscriber", r.Subscribers, r.gateway.address.IsValid() && r.Direction == "down")
	if err != nil {
		return err
	}
	if err := r.each("subscribing", len(subscribers), func(i int) error {
		topic := i % r.Topics
		subscribers[i].listen(topic, make([]ledger, (n-topic+r.Topics-1)/r.Topics))
		return nil
	}); err != nil {
		return err
	}
	publishers, err := r.admit("publisher", r.Publishers, r.gateway.address.IsValid() && r.Direction == "up")
	if err != nil {
		return err
	}
	for i := range r.streams {
		s := &r.streams[i]
		*s = stream{r: r, number: uint32(i), topic: i % r.Topics, batch: r.Batch}
		if n > r.Publishers {
			s.batch = 1 // a write has messages of several streams
		}
		if r.Subscribers > 0 {
			s.fan = uint64((r.Subscribers - s.topic + r.Topics - 1) / r.Topics)
		}
	}
	if err := r.each("preparing", n, func(i int) error {
		publishers[i%r.Publishers].carry(&r.streams[i])
		return nil
	}); err != nil {
		return err
	}
	return r.limit(publishers)
}

// A partaker is a client or a node with a part in traffic.
type partaker interface {
	party
	sender
	// connect starts a step.
	connect(i int) error
	// listen starts a step: to subscribe to a topic.
	listen(topic int, ledgers []ledger)
	// carry starts a step: to make ready for publishing a stream.
	carry(s *stream)
	// room is how many unacknowledged messages the server takes from it.
	room() int
}

// admit connects n clients or nodes.
func (r *run) admit(role string, n int, asNodes bool) ([]partaker, error) {
	all := make([]partaker, n)
	err := r.each("connecting "+role+"s", n, func(i int) error {
		name := fmt.Sprintf("bench-%04x-%s-%d", r.id, role, i)
		if asNodes {
			all[i] = newNode(r, name)
		} else {
			all[i] = &client{r: r, name: name}
		}
		r.parties = append(r.parties, all[i])
		return all[i].connect(len(r.parties) - 1)
	})
	return all, err
}

// limit says how much each stream may have under way. With a rate that is as
// much as the server takes.
func (r *run) limit(publishers []partaker) error {
	for i := range r.streams {
		s := &r.streams[i]
		share := publishers[i%r.Publishers].room() / max(1, len(r.streams)/r.Publishers)
		if share == 0 && r.QoS > 0 {
			return fmt.Errorf("the server takes fewer unacknowledged messages from a publisher than it has topics; use more publishers")
		}
		s.limit = share
		if r.Rate == 0 {
			s.limit = r.Window
			if r.QoS > 0 && share < r.Window {
				s.limit = share
				if i == 0 {
					r.note("of each publisher only %d messages may be unacknowledged: the window is no larger", share)
				}
			}
			if s.limit < s.batch {
				return fmt.Errorf("--batch %d is more than the server takes unacknowledged: %d", r.Batch, s.limit)
			}
		}
	}
	return nil
}

// A phase is a time in which messages are sent.
type phase struct {
	name    string
	start   Time
	end     Time
	stopped Time // sending
	sending bool
	due     schedule // of batches, with a rate
	owed    int      // how many of their parts, for streams, are not sent
}

// send sends for d, and then waits for what is under way.
func (r *run) send(name string, d time.Duration) error {
	now := r.now()
	r.tally.reset(now)
	r.phase = phase{name: name, start: now, end: now + d, sending: true}
	if r.Rate > 0 {
		r.phase.due = every(now, r.Rate/float64(r.Batch))
	}
	for i := range r.streams {
		s := &r.streams[i]
		s.moved, s.owed, s.next = now, 0, i
		s.wait()
	}
	defer func() { r.result.Unsent = uint64(r.phase.owed * r.streams[0].batch) }()
	for r.phase.sending || !r.arrived(r.now()) {
		if r.err != nil {
			return r.err
		}
		if err := r.engine.poll(r.turn(r.now())); err != nil {
			return err
		}
		now := r.now()
		r.tend(now)
		r.show(now, name, float64(now-r.phase.start)/float64(d), r.tally.delivered)
	}
	return r.err
}

// grace is how long messages that were due may still be sent.
const grace = time.Second

// turn sends what may be sent now and tells how long to wait for more.
func (r *run) turn(now Time) time.Duration {
	p := &r.phase
	if !p.sending {
		if now-p.stopped < grace {
			r.serve((*stream).pay) // what was due before the end
		}
		return nap
	}
	if r.Rate > 0 {
		r.owe(min(now, p.end-1))
	}
	if now >= p.end || r.stopped.Load() || r.closed == len(r.parties) {
		p.sending, p.stopped = false, now
		return 0
	}
	if r.Rate > 0 {
		r.serve((*stream).pay)
		return p.due.wait(r.now(), nap)
	}
	r.serve((*stream).fill)
	return nap
}

// owe has streams send what is due at now.
func (r *run) owe(now Time) {
	for {
		i, due, ok := r.phase.due.next(now)
		if !ok {
			return
		}
		r.tally.late.Record(now - due)
		turns := r.Batch / r.streams[0].batch
		for n := i * turns; n < (i+1)*turns; n++ {
			s := &r.streams[n%len(r.streams)]
			s.owed++
			r.phase.owed++
			s.wait()
		}
	}
}

// serve has the streams send that may have room.
func (r *run) serve(send func(*stream)) {
	for _, s := range r.waiting {
		s.queued = false
		send(s)
	}
	r.waiting = r.waiting[:0]
}

// fill sends until the window is full.
func (s *stream) fill() {
	for s.limit-s.underWay() >= s.batch && s.by.ready() {
		at := s.r.now()
		for range s.batch {
			s.publish(at)
		}
		s.by.flush()
	}
}

// pay sends the batches that are due, as far as the server takes them.
func (s *stream) pay() {
	for s.owed > 0 && s.limit-s.unconfirmed() >= min(s.batch, s.limit) && s.by.ready() {
		due := s.r.phase.due.due(s.next * s.batch / s.r.Batch)
		for range s.batch {
			s.publish(due)
		}
		s.by.flush()
		s.owed--
		s.r.phase.owed--
		s.next += len(s.r.streams)
	}
}

// rescue gives up what does not come, so that a lost message does not silence
// its publisher for the rest of the run.
func (r *run) rescue(now Time) {
	limit := r.patience()
	for i := range r.streams {
		if s := &r.streams[i]; now-s.moved > limit && s.underWay() > 0 {
			s.giveUp(now)
		}
	}
}

// arrived tells whether nothing more is to come in this phase.
func (r *run) arrived(now Time) bool {
	t := &r.tally
	if r.closed == len(r.parties) {
		return true
	}
	if t.delivered >= t.expected && (r.phase.owed == 0 || now-r.phase.stopped > grace) && (r.QoS <= 0 || t.confirmed >= t.sent) {
		return true
	}
	silent := now - max(t.last, r.phase.stopped)
	return silent > r.patience() || silent > grace && r.stopped.Load()
}

// figures notes what a phase has shown.
func (r *run) figures(used usage) {
	t, f := &r.tally, r.result
	f.Seconds = (t.last - t.start).Seconds()
	f.Sent, f.Delivered, f.Duplicates, f.OutOfOrder, f.Refused = t.sent, t.delivered, t.duplicates, t.outOfOrder, t.refused
	if f.Unsent > 0 {
		r.note("%d messages were due and could not be sent: the server or this host does not keep up, and latency is longer than it looks", f.Unsent)
	}
	f.Lost = t.expected - min(t.delivered, t.expected)
	count := t.delivered
	if r.Subscribers == 0 {
		count = t.sent
	}
	if f.Seconds > 0 {
		f.RatePerS = float64(count) / f.Seconds
	}
	f.CPUUsPerMessage = used.per(count)
	if used.ok {
		f.CPUSeconds = known(used.cpu.Seconds())
	}
	if used.counted && count > 0 {
		f.ReadsPerMessage = known(float64(used.reads) / float64(count))
		f.WritesPerMessage = known(float64(used.writes) / float64(count))
	}
	f.LatencyUs = spread(&t.latency)
	if r.Rate > 0 {
		f.GeneratorLateUsP99 = known(micro(t.late.Quantile(0.99)))
	}
	if t.foreign > 0 {
		r.note("%d messages of others came on the topics of this run", t.foreign)
	}
}
