package sim

import (
	"errors"
	"time"

	"github.com/dormouse-mqtt/dormouse/broker/store"
)

// The committer works on one group at a time.
type committer struct {
	phase phase
	due   time.Duration // the phase's end
	sync  bool          // the attempt under way syncs
	end   error         // how it ends
	fault error         // how every attempt ends

	puts, dropped int // in the group

	syncDue time.Duration // of what was committed without
	closing bool

	failing bool // since the last commit
	stalled bool
	err     error // of the last attempt that failed
	stallAt time.Duration
	pause   time.Duration
}

type phase uint8

const (
	idle phase = iota
	writing
	resting // between a failure and the next attempt
)

// take makes one group of all that waits, after what failed, and begins to
// write it.
func (s *Store) take() {
	c := &s.committer
	s.group.Append(&s.waiting)
	s.waiting.Reset()
	s.taken = s.last
	s.reduced.Reset()
	c.puts, c.dropped = s.reducer.reduce(&s.reduced, &s.group, s.state)
	c.sync = s.mustSync()
	if s.reduced.Empty() && !c.sync {
		s.commit()
		return
	}
	s.log.prepare(&s.reduced)
	c.end = s.chance()
	s.write()
	c.phase, c.due = writing, s.now+s.options.Commit.draw(s.random)
}

// mustSync: always, unless it is put off; and after a failure even if nothing is
// left to write, for nobody knows what of the failed attempt is on the disk.
func (s *Store) mustSync() bool {
	switch {
	case s.log.doubtful:
		return true
	case s.options.SyncWithin == 0:
		return !s.reduced.Empty()
	default:
		return len(s.log.tail) > 0 && (s.committer.closing || s.committer.syncDue <= s.now)
	}
}

// chance says how an attempt ends.
func (s *Store) chance() error {
	if s.committer.fault != nil {
		return s.committer.fault
	}
	switch x := s.random.Float64(); {
	case x < s.options.EIO:
		return ErrIO
	case x < s.options.EIO+s.options.ENOSPC:
		return ErrNoSpace
	default:
		return nil
	}
}

// write hands the record to the system. A full disk takes a part of it.
func (s *Store) write() {
	at, data := s.log.toWrite()
	if errors.Is(s.committer.end, ErrNoSpace) && len(data) > 0 {
		data = data[:s.random.IntN(len(data))]
	}
	if len(data) > 0 {
		s.log.file.write(at, data)
	}
	s.counts.Octets += len(data)
}

// finish ends an attempt.
func (s *Store) finish() {
	c := &s.committer
	if c.end != nil {
		s.log.fail(c.sync)
		s.fail()
		return
	}
	if len(s.log.tail) == 0 {
		c.syncDue = s.now + s.options.SyncWithin
	}
	s.log.succeed(c.sync, s.random)
	if c.sync {
		s.counts.Syncs++
	}
	s.commit()
}

// commit tells that all which was taken is durable.
func (s *Store) commit() {
	s.reduced.Each(s.state.apply)
	s.count()
	c := &s.committer
	news := s.taken > s.done || c.failing
	s.done = s.taken
	s.group.Reset()
	c.phase, c.failing, c.stalled = idle, false, false
	if news {
		s.notify(store.Event{Kind: store.Committed, Ticket: s.done})
	}
}

func (s *Store) count() {
	if s.taken > s.done {
		s.counts.Groups++
	}
	if !s.reduced.Empty() {
		s.counts.Written++
	}
	s.counts.Puts += s.committer.puts
	s.counts.Dropped += s.committer.dropped
	if len(s.log.tail) == 0 {
		s.counts.Synced = s.taken
	}
}

// fail rests before the next attempt, longer each time.
func (s *Store) fail() {
	c := &s.committer
	s.counts.Failures++
	if !c.failing {
		c.failing, c.stallAt, c.pause = true, s.now+s.options.Patience, s.options.Backoff.Min
	}
	c.err = c.end
	c.phase, c.due = resting, s.now+c.pause
	c.pause = min(2*c.pause, s.options.Backoff.Max)
	s.notify(store.Event{Kind: store.Failed, Ticket: s.taken, Err: c.err})
}

// stall tells that publishers have waited long enough.
func (s *Store) stall() {
	s.committer.stalled = true
	s.notify(store.Event{Kind: store.Stalled, Ticket: s.last, Err: s.committer.err})
}
