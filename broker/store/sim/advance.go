package sim

import "time"

// Deadline is when Advance has something to do.
func (s *Store) Deadline() (at time.Duration, ok bool) {
	if s.canTake() || s.reader.ready(s.done) {
		return s.now, true
	}
	return s.due()
}

// canTake says whether the committer is free and something waits.
func (s *Store) canTake() bool {
	return s.committer.phase == idle && (s.last > s.taken || s.committer.closing && len(s.log.tail) > 0)
}

// due is the first thing that is to happen at a time of its own.
func (s *Store) due() (at time.Duration, ok bool) {
	earliest := func(t time.Duration) {
		if !ok || t < at {
			at, ok = t, true
		}
	}
	c := &s.committer
	switch {
	case c.phase != idle:
		earliest(c.due)
	case len(s.log.tail) > 0:
		earliest(c.syncDue)
	}
	if c.failing && !c.stalled {
		earliest(c.stallAt)
	}
	if due, answer := s.reader.next(); answer {
		earliest(due)
	}
	return at, ok
}

// Advance lets time pass until now.
func (s *Store) Advance(now time.Duration) {
	until := now
	if at, ok := s.due(); ok {
		until = min(now, at)
	}
	s.now = max(s.now, until) // what came since the last call, came until then
	for s.step(now) {
	}
	s.now = max(s.now, now)
}

// step does the first of what is to be done until now, and says whether there
// was any.
func (s *Store) step(now time.Duration) bool {
	switch at, ok := s.due(); {
	case s.reader.ready(s.done):
		s.reader.perform(s.state, s.now, s.options.Read.draw(s.random))
	case s.canTake():
		s.take()
	case ok && at <= now:
		s.now = max(s.now, at)
		s.happen(at)
	default:
		return false
	}
	return true
}

// happen does what is due at a time of its own.
func (s *Store) happen(at time.Duration) {
	c := &s.committer
	switch answer, reading := s.reader.next(); {
	case c.failing && !c.stalled && c.stallAt == at:
		s.stall()
	case c.phase == writing && c.due == at:
		s.finish()
	case reading && answer == at:
		s.notify(s.reader.take())
	default: // it has rested, or a sync was put off until now
		s.take()
	}
}
