// Package world runs the shipped cores, shards of broker and gateway, with
// nodes and clients on an in-memory network in virtual time.
//
// One goroutine drives everything: no loop, no socket, no wall clock. What
// happens follows from the seed and from what the caller does, so that a seed
// replays a failure exactly; the trace's hash proves it. Datagrams of nodes are
// lost, repeated and, since each takes a time of its own, reordered. Streams of
// clients are reliable, late, and may come in pieces. What the store is given
// becomes durable some time later, on a simulated disk. The process may be
// killed between any two events: then the next one finds what the disk had.
package world

import (
	"container/heap"
	"crypto/sha256"
	"hash"
	"math/rand/v2"
	"time"

	"github.com/dormouse-mqtt/dormouse/broker/core"
	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/broker/store/sim"
	gateway "github.com/dormouse-mqtt/dormouse/gateway/core"
	"github.com/dormouse-mqtt/dormouse/radio"
)

// A Range is a time drawn evenly between two bounds, both included.
type Range struct{ Min, Max time.Duration }

// Options configure a World. The zero value is a perfect network on which
// everything takes a fixed, short time.
type Options struct {
	// Loss and Duplicate are the probabilities that a datagram is lost, or
	// comes twice.
	Loss, Duplicate float64
	// Delay is how long a datagram takes. Zero: 10 ms.
	Delay Range
	// Stream is how long the octets of a stream take, in order. Zero: 1 ms.
	Stream Range
	// Split has streams come in pieces.
	Split bool
	// Commit is how long the store takes for a group. Zero: 5 ms.
	Commit Range
	// EIO and ENOSPC are how probable it is that a commit fails so.
	EIO, ENOSPC float64
	// Shards is how many there are. Zero: 1.
	Shards int
	// Post is how long shards take to hear each other.
	Post Range
	// Wall is what the wall clock shows at time zero.
	Wall time.Duration
	// Quiet keeps of the trace its hash alone.
	Quiet bool
	// Link is the nodes' listener; nil: everybody is welcome, T_retry is 10 s,
	// N_retry 3, and 2 s towards an awake node.
	Link *shard.LinkInfo
	// Broker and Gateway configure the cores.
	Broker  core.Options
	Gateway gateway.Options
}

func (o Options) withDefaults() Options {
	for _, d := range []struct {
		of *Range
		by time.Duration
	}{{&o.Delay, 10 * time.Millisecond}, {&o.Stream, time.Millisecond}, {&o.Commit, 5 * time.Millisecond}} {
		if *d.of == (Range{}) {
			*d.of = Range{d.by, d.by}
		}
	}
	if o.Shards == 0 {
		o.Shards = 1
	}
	if o.Broker.MaxOutput == 0 {
		o.Broker.MaxOutput = 64 << 10
	}
	if o.Link == nil {
		o.Link = &shard.LinkInfo{
			Listener: "mqttsn://world", MTU: 1024, MaxPacket: 1024, MaxClients: 1000,
			Anonymous: shard.AnonymousOn, Forwarders: true, GwID: 1,
			Retry: 10 * time.Second, Retries: 3, AwakeRetry: 2 * time.Second,
		}
	}
	return o
}

// theLink is the one link of a world.
const theLink shard.LinkID = 1

// A World is the cores and all that is around them.
type World struct {
	// Hold keeps the store from committing until Commit is called.
	Hold bool
	// Damaged counts stored values that a restart could not read.
	Damaged int

	options  Options
	random   *rand.Rand
	now      shard.Time
	wall     time.Duration // at time zero
	events   events
	last     uint64   // sequence number of the newest event
	process  *process // nil: it does not run
	disk     *sim.Disk
	fault    error // of the disk
	radios   map[radio.Addr]*Radio
	lastConn shard.ConnID
	sum      hash.Hash
	record   []byte // of the trace, on its way into sum
	trace    []Entry
}

// New makes a world at time zero, with a process that has been started.
func New(seed uint64, options Options) *World {
	options = options.withDefaults()
	w := &World{
		options: options,
		random:  rand.New(rand.NewPCG(seed, 0)),
		wall:    options.Wall,
		radios:  map[radio.Addr]*Radio{},
		sum:     sha256.New(),
		now:     -birth,
	}
	w.start()
	w.Run(birth)
	w.trace = nil
	w.sum.Reset()
	return w
}

// Now is the virtual time.
func (w *World) Now() shard.Time { return w.now }

// After calls f when d has passed.
func (w *World) After(d time.Duration, f func()) { w.at(w.now+d, f) }

// Run lets d pass.
func (w *World) Run(d time.Duration) {
	for end := w.now + d; w.step(end); {
	}
}

// Commit makes durable what the store was given while Hold was set.
func (w *World) Commit() {
	w.process.store.Advance(w.now + birth)
	w.process.rounds()
}

// Stop tells the machines that the process ends.
func (w *World) Stop() {
	w.process.all(shard.Event{Kind: shard.Stopping})
	w.process.rounds()
}

// An event is something that happens outside the machine.
type event struct {
	at  shard.Time
	seq uint64 // first in, first out at the same time
	do  func()
}

type events []event

func (e events) Len() int { return len(e) }
func (e events) Less(i, j int) bool {
	return e[i].at < e[j].at || e[i].at == e[j].at && e[i].seq < e[j].seq
}
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)   { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	last := (*e)[len(*e)-1]
	*e = (*e)[:len(*e)-1]
	return last
}

func (w *World) at(t shard.Time, f func()) {
	w.last++
	heap.Push(&w.events, event{t, w.last, f})
}

// step goes to the next moment at which something happens, no later than end,
// and has it happen; false: end was reached.
func (w *World) step(end shard.Time) bool {
	next, due := end, false
	if len(w.events) > 0 && w.events[0].at <= next {
		next, due = w.events[0].at, true
	}
	if w.process != nil {
		if at, ok := w.process.deadline(); ok && at <= next {
			next, due = at, true
		}
	}
	w.now = max(w.now, next)
	if !due {
		return false
	}
	for n := len(w.events); n > 0 && w.events[0].at <= w.now; n-- {
		heap.Pop(&w.events).(event).do()
		if len(w.events) == 0 {
			break
		}
	}
	if w.process != nil {
		w.process.step()
	}
	return true
}

func (w *World) draw(r Range) time.Duration {
	if r.Max <= r.Min {
		return r.Min
	}
	return r.Min + time.Duration(w.random.Int64N(int64(r.Max-r.Min)+1))
}

func (w *World) chance(p float64) bool { return p > 0 && w.random.Float64() < p }
