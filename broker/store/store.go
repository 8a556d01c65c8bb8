// Package store is the contract between the shards and what keeps their state.
//
// It is asynchronous: Submit returns a ticket at once, and an Event says later
// that all up to a ticket is durable. A shard never waits; what must not be
// said before it is true waits in its ring. The store knows no MQTT: keys and
// values are octets that their owners encode.
package store

// A Ticket numbers submitted batches in one sequence.
type Ticket uint64

// An EventKind says what a store tells.
type EventKind uint8

// What a store tells.
const (
	Committed EventKind = iota // all up to Ticket is durable
	Failed                     // nothing after the last Committed is, for now: Err
	Read                       // the answer to a ReadRequest
)

// An Event is what a store tells the shards.
type Event struct {
	Kind    EventKind
	Ticket  Ticket
	Err     error
	Tag     uint64
	Entries []Entry
	More    bool // Read: the range goes on after the last entry
}

// An Entry is a key and its value.
type Entry struct{ Key, Value []byte }

// A ReadRequest asks for the entries with From <= key < To, in order of keys,
// at most MaxEntries or, from the second on, MaxOctets.
type ReadRequest struct {
	Tag                   uint64 // comes back in the event
	From, To              []byte
	MaxEntries, MaxOctets int
}

// A Store keeps key-value pairs. Submit and Request may be called by several
// goroutines; events come by the function that the store was made with, which
// must not block.
type Store interface {
	// Submit hands over a batch, which may be used again at once. It is applied
	// whole or not at all, in the order of tickets.
	Submit(b *Batch) Ticket
	// Request reads behind all batches submitted before.
	Request(r ReadRequest)
	// Load visits every entry in order of keys, before the first Submit.
	Load(visit func(key, value []byte) error) error
	// Close commits what was submitted and ends the store.
	Close() error
}
