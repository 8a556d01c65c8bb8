package bench

import "time"

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
