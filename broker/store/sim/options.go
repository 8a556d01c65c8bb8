package sim

import (
	"errors"
	"math/rand/v2"
	"time"

	"github.com/dormouse-mqtt/dormouse/broker/store"
)

// What a commit may fail with.
var (
	ErrIO      = errors.New("sim: input/output error")
	ErrNoSpace = errors.New("sim: no space left on device")
)

// Options configure a Store. The zero value is an empty disk that takes no time
// and never fails.
type Options struct {
	// Seed decides latencies and failures.
	Seed uint64
	// Disk is what a former store left. Nil: an empty one.
	Disk *Disk
	// Commit is how long an attempt to write and sync a group takes.
	Commit Range
	// Read is how long an answer is under way after it was read.
	Read Range
	// EIO and ENOSPC are how probable it is that an attempt fails so.
	EIO, ENOSPC float64
	// SyncWithin commits what is written but not synced, and syncs it after
	// this time: it survives Kill, but perhaps not Crash. Zero: sync first.
	SyncWithin time.Duration
	// Patience is how long commits may fail before the store is Stalled.
	// Zero: 10 s.
	Patience time.Duration
	// Backoff is the first pause after a failure, which doubles, and the
	// longest. Zero: 10 ms to 1 s.
	Backoff Range
}

func (o Options) withDefaults() Options {
	if o.Patience == 0 {
		o.Patience = 10 * time.Second
	}
	if o.Backoff == (Range{}) {
		o.Backoff = Range{10 * time.Millisecond, time.Second}
	}
	return o
}

// A Range is a shortest and a longest time.
type Range struct{ Min, Max time.Duration }

func (r Range) draw(random *rand.Rand) time.Duration {
	if r.Max <= r.Min {
		return r.Min
	}
	return r.Min + time.Duration(random.Int64N(int64(r.Max-r.Min)+1))
}

// Statistics count what a Store did.
type Statistics struct {
	Groups    int // committed
	Written   int // of them, with something to write
	Syncs     int // that succeeded
	Failures  int // attempts that failed
	Puts      int // committed
	Dropped   int // puts that were never written, for their deletion met them
	Octets    int // written, in failed attempts too
	Discarded int // octets that were cut off the log when it was opened
	// Synced is the ticket up to which no crash can take anything.
	Synced store.Ticket
}
