// Package store is the contract between the shards and what keeps their state.
//
// It is asynchronous: Submit returns a ticket at once, and an Event says later
// that all up to a ticket is durable. A shard never waits; what must not be
// said before it is true waits in its ring. The store knows no MQTT: keys and
// values are octets that their owners encode.
//
// # Groups
//
// A store that syncs takes, whenever it is free, all batches that wait as one
// group, in the order of their tickets, and commits them together. What a later
// deletion of the same group removes is not written; nor is a deletion of what
// was not there before the group. A group of which nothing is left commits
// without a sync. So an entry that was delivered and acknowledged before its
// group was taken costs the disk nothing.
//
// After a crash a store holds what a prefix of the submitted batches made of
// it, never a part of one, and the prefix has all that was told to be Committed.
//
// # When the disk fails
//
// A commit that fails is tried again by the store itself, together with what
// was submitted meanwhile, until it succeeds or the store is closed. Nothing is
// given up: a batch has what can be refused, a publisher's message, beside what
// cannot, like the removal of what was delivered. What a shard may conclude:
//
//   - Failed: nothing after the last Committed is durable for now, and it may
//     never be. Its outputs go on waiting.
//   - Stalled: this has lasted for the store's patience (10 s). The shard
//     refuses the publishers whose messages wait, and submits the deletions of
//     what it had put for them: in the next group each meets its put, and
//     neither is written. Until the next Committed it refuses at once whatever
//     needs the disk and can be refused, so that the backlog stays small.
//   - Committed, after either of them: the disk works again, all up to the
//     ticket is durable. If nothing new was, the ticket is one told before.
//
// Octets of a failed attempt may have reached the disk, so that a crash before
// the next Committed may bring back a message whose publisher was refused. That
// is harmless, for a refusal does not say that nobody gets it. The reverse does
// not happen: no attempt removes or overwrites what was committed before. Nor
// does a failed attempt outlive the next Committed: the store makes sure of that
// on the disk, also when of the next group nothing is left to be written.
package store

// A Ticket numbers submitted batches in one sequence.
type Ticket uint64

// An EventKind says what a store tells.
type EventKind uint8

// What a store tells.
const (
	Committed EventKind = iota // all up to Ticket is durable
	Failed                     // nothing after the last Committed is, for now: Err; tried up to Ticket
	Read                       // the answer to a ReadRequest
	Stalled                    // it has failed for too long to let publishers wait: Err; submitted up to Ticket
)

// An Event is what a store tells the shards. Events come in order: Committed
// never goes back, answers keep the order of their requests.
type Event struct {
	Kind    EventKind
	Ticket  Ticket
	Err     error
	Tag     uint64
	Entries []Entry // may be kept, but not changed
	More    bool    // Read: the range goes on after the last entry
}

// An Entry is a key and its value.
type Entry struct{ Key, Value []byte }

// A ReadRequest asks for the entries with From <= key < To, in order of keys,
// at most MaxEntries or, from the second on, MaxOctets.
type ReadRequest struct {
	Tag                   uint64 // comes back in the event
	From, To              []byte // not to be changed until then
	MaxEntries, MaxOctets int
}

// A Store keeps key-value pairs. Submit and Request may be called by several
// goroutines; events come by the function that the store was made with, which
// must not block.
type Store interface {
	// Submit hands over a batch, which may be used again at once. It is applied
	// whole or not at all, in the order of tickets.
	Submit(b *Batch) Ticket
	// Request reads behind all batches submitted before. The answer may have
	// what was submitted later, and need not have what was committed since it
	// was read; of no batch it has a part.
	Request(r ReadRequest)
	// Load visits every entry in order of keys, before the first Submit. What
	// it visits may be kept, but not changed.
	Load(visit func(key, value []byte) error) error
	// Close commits what was submitted, answers what was requested and ends
	// the store. If the disk fails it tries no longer than until Stalled; its
	// error means that what was not Committed may be lost.
	Close() error
}
