// Package memory is the store that keeps its entries in memory. It commits at
// once, or, when it is made to hold, when it is told to; either way commits come
// back as events, so that whoever waits for a ticket waits here too.
package memory

import (
	"slices"
	"sync"

	"github.com/dormouse-mqtt/dormouse/broker/store"
)

// Options configure a Store. The zero value commits at once and keeps all.
type Options struct {
	// Hold keeps batches until Commit is called.
	Hold bool
	// Forget keeps no entries, only order and tickets: for a process that
	// never reads back, since its state is in memory anyway.
	Forget bool
}

// A Store implements store.Store.
type Store struct {
	options Options
	notify  func(store.Event)

	mu        sync.Mutex
	entries   map[string][]byte
	held      []held
	submitted store.Ticket

	events, spare []store.Event // to be told
	telling       bool
}

type held struct {
	ops  []store.Op
	read *store.ReadRequest
}

// New makes a store that tells its events by notify.
func New(notify func(store.Event), options Options) *Store {
	return &Store{options: options, notify: notify, entries: map[string][]byte{}}
}

// Submit implements store.Store.
func (s *Store) Submit(b *store.Batch) store.Ticket {
	s.mu.Lock()
	s.submitted++
	t := s.submitted
	switch {
	case s.options.Hold:
		var ops []store.Op
		if !s.options.Forget {
			b.Each(func(op store.Op) {
				ops = append(ops, store.Op{Kind: op.Kind, Key: slices.Clone(op.Key), Value: slices.Clone(op.Value)})
			})
		}
		s.held = append(s.held, held{ops: ops})
	case !s.options.Forget:
		b.Each(s.apply)
	}
	if !s.options.Hold {
		s.tell(store.Event{Kind: store.Committed, Ticket: t})
	}
	s.mu.Unlock()
	return t
}

// tell tells of ev, in order: if another goroutine is telling, that one does it.
// The lock is held, but not while notify is called.
func (s *Store) tell(ev store.Event) {
	s.events = append(s.events, ev)
	if s.telling {
		return
	}
	s.telling = true
	for len(s.events) > 0 {
		events := s.events
		s.events = s.spare[:0]
		s.mu.Unlock()
		for _, ev := range events {
			s.notify(ev)
		}
		s.mu.Lock()
		clear(events)
		s.spare = events
	}
	s.telling = false
}

// Commit applies the oldest n of the held batches and tells of them; n < 0: all.
// Reads that were requested behind a batch are answered after it.
func (s *Store) Commit(n int) {
	for {
		s.mu.Lock()
		if len(s.held) == 0 || n == 0 && s.held[0].read == nil {
			s.mu.Unlock()
			return
		}
		h := s.held[0]
		s.held = s.held[1:]
		var ev store.Event
		if h.read != nil {
			ev = s.read(*h.read)
		} else {
			for _, op := range h.ops {
				s.apply(op)
			}
			ev = store.Event{Kind: store.Committed, Ticket: s.submitted - s.waiting()}
			n--
		}
		s.tell(ev)
		s.mu.Unlock()
	}
}

// waiting counts the batches that are held.
func (s *Store) waiting() (n store.Ticket) {
	for _, h := range s.held {
		if h.read == nil {
			n++
		}
	}
	return n
}

func (s *Store) apply(op store.Op) {
	switch op.Kind {
	case store.Put:
		s.entries[string(op.Key)] = slices.Clone(op.Value)
	case store.Delete:
		delete(s.entries, string(op.Key))
	case store.DeleteRange:
		for k := range s.entries {
			if k >= string(op.Key) && k < string(op.Value) {
				delete(s.entries, k)
			}
		}
	}
}

// Request implements store.Store.
func (s *Store) Request(r store.ReadRequest) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.held) > 0 {
		s.held = append(s.held, held{read: &r})
		return
	}
	s.tell(s.read(r))
}

func (s *Store) read(r store.ReadRequest) store.Event {
	ev := store.Event{Kind: store.Read, Tag: r.Tag}
	octets := 0
	for _, k := range s.keys() {
		if k < string(r.From) || k >= string(r.To) {
			continue
		}
		v := s.entries[k]
		octets += len(k) + len(v)
		if len(ev.Entries) > 0 && octets > r.MaxOctets || len(ev.Entries) == r.MaxEntries {
			ev.More = true
			break
		}
		ev.Entries = append(ev.Entries, store.Entry{Key: []byte(k), Value: slices.Clone(v)})
	}
	return ev
}

func (s *Store) keys() []string {
	keys := make([]string, 0, len(s.entries))
	for k := range s.entries {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// Load implements store.Store.
func (s *Store) Load(visit func(key, value []byte) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range s.keys() {
		if err := visit([]byte(k), s.entries[k]); err != nil {
			return err
		}
	}
	return nil
}

// Close implements store.Store.
func (s *Store) Close() error {
	s.Commit(-1)
	return nil
}
