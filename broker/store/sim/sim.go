// Package sim is the store on a simulated disk, in virtual time.
//
// It is pure: time comes in by Advance, chance from a seed, and the same calls
// give the same events. So one goroutine uses a Store, unlike what the contract
// promises of others. Behind it is a log of octets with a checksum for each
// group. Crash and Kill say what of it a disk could hold at that very moment,
// with torn and reordered writes, and a new Store finds out what is whole.
package sim

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/dormouse-mqtt/dormouse/broker/store"
)

// A Store implements store.Store.
type Store struct {
	options Options
	notify  func(store.Event)
	random  *rand.Rand
	now     time.Duration
	counts  Statistics

	state   entries      // as the log has it
	waiting store.Batch  // submitted
	group   store.Batch  // taken; kept until it is committed
	reduced store.Batch  // what of the group is written
	last    store.Ticket // submitted
	taken   store.Ticket
	done    store.Ticket // committed

	reducer   reducer
	committer committer
	log       log
	reader    reader
}

// New opens what is on the disk. Events are told by notify, from within Advance
// and Close.
func New(notify func(store.Event), options Options) *Store {
	s := &Store{
		options: options.withDefaults(),
		notify:  notify,
		random:  rand.New(rand.NewPCG(options.Seed, 0)),
	}
	if options.Disk != nil {
		s.counts.Discarded = s.log.open(options.Disk.data, s.state.apply)
	}
	return s
}

// Submit implements store.Store.
func (s *Store) Submit(b *store.Batch) store.Ticket {
	s.waiting.Append(b)
	s.last++
	return s.last
}

// Request implements store.Store.
func (s *Store) Request(r store.ReadRequest) { s.reader.request(r, s.last) }

// Load implements store.Store.
func (s *Store) Load(visit func(key, value []byte) error) error {
	for _, x := range s.state {
		if err := visit(x.Key, x.Value); err != nil {
			return err
		}
	}
	return nil
}

// Close implements store.Store. It lets as much virtual time pass as it needs.
func (s *Store) Close() error {
	s.committer.closing = true
	before := s.counts.Failures
	for {
		at, more := s.Deadline()
		if !more {
			return nil
		}
		if c := &s.committer; c.stalled && c.phase == resting && s.counts.Failures > before {
			return fmt.Errorf("sim: close: %w", c.err)
		}
		s.Advance(at)
	}
}

// Break makes every attempt fail with err from here on; nil repairs the disk.
func (s *Store) Break(err error) { s.committer.fault = err }

// Crash is what the disk may hold if the power goes now: all that was synced,
// and of the rest what seed decides. The store is not to be used any more.
func (s *Store) Crash(seed uint64) *Disk {
	return s.log.file.crash(rand.New(rand.NewPCG(seed, 1)))
}

// Kill is what the disk may hold if the process ends now: all that was written,
// and of what is being written what seed decides. After Close it is all.
func (s *Store) Kill(seed uint64) *Disk {
	return s.log.file.kill(rand.New(rand.NewPCG(seed, 1)))
}

// Statistics are the counts until now.
func (s *Store) Statistics() Statistics { return s.counts }
