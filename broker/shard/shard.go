// Package shard holds the seam between the pure cores and the loops that run
// them: what goes in (Event, the time), what comes out (Out), and the Machine
// that stands between the two.
//
// A shard is one goroutine that owns a broker core and a gateway core. It works
// in rounds: it handles the events that are there, submits what they wrote to
// the store as one batch, then sends what they had to say. Nothing here opens a
// socket, starts a goroutine, takes a lock or reads a clock.
package shard

import "time"

// Time is monotonic time since the process's epoch.
type Time = time.Duration

// Earlier is the earlier of two deadlines, each with whether there is one.
func Earlier(a Time, ok bool, b Time, also bool) (Time, bool) {
	if !ok || also && b < a {
		return b, also
	}
	return a, ok
}

// A ConnID names one connection of a shard for the life of the process; it is
// never used twice, so that what is meant for a connection that has gone hits
// nothing. Zero names none.
type ConnID uint64

// inProcess marks connections without a socket, such as an MQTT-SN node's
// connection to the broker on its own shard.
const inProcess ConnID = 1 << 63

// InProcess returns the name of the n-th connection without a socket.
func InProcess(n uint64) ConnID { return inProcess | ConnID(n) }

// IsInProcess says whether the connection has no socket.
func (c ConnID) IsInProcess() bool { return c&inProcess != 0 }

// Hash spreads ids, which are given in some order, over a table's buckets.
func (c ConnID) Hash() uint64 { return uint64(c) * 0x9E3779B97F4A7C15 >> 32 }

// A LinkID names a radio link of the process.
type LinkID uint32

// A Machine decides: it takes events and the time and leaves in out what is to
// be written, sent and closed. One goroutine calls it.
type Machine interface {
	// Handle works on one event. What ev points to is valid during the call.
	Handle(now Time, ev Event, out *Out)
	// Advance does what is due at now.
	Advance(now Time, out *Out)
	// Deadline is the time of the next Advance; false: none.
	Deadline() (Time, bool)
	// Evict forgets the connection that an event panicked on and whatever
	// state the panic may have left half done, as a restart would (L15).
	Evict(now Time, ev Event, out *Out)
}
