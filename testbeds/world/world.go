// Package world runs the shipped cores, one shard of broker and gateway, with
// nodes and clients on an in-memory network in virtual time.
//
// One goroutine drives everything: no loop, no socket, no wall clock. What
// happens follows from the seed and from what the caller does, so that a seed
// replays a failure exactly; the trace's hash proves it. Datagrams of nodes are
// lost, repeated and, since each takes a time of its own, reordered. Streams of
// clients are reliable, late, and may come in pieces. What the store is given
// becomes durable some time later.
package world

import (
	"container/heap"
	"math/rand/v2"
	"time"

	"github.com/dormouse-mqtt/dormouse/broker/core"
	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/broker/store"
	"github.com/dormouse-mqtt/dormouse/broker/store/memory"
	gateway "github.com/dormouse-mqtt/dormouse/gateway/core"
	"github.com/dormouse-mqtt/dormouse/gateway/local"
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
	// Commit is how long the store takes. Zero: 5 ms.
	Commit Range
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
	// Machine is what is under test.
	Machine *local.Machine
	// Hold keeps the store from committing until Commit is called.
	Hold bool

	options Options
	random  *rand.Rand
	now     shard.Time
	events  events
	last    uint64 // sequence number of the newest event
	inbox   []shard.Event
	out     shard.Out
	store   *memory.Store
	nodes   map[radio.Addr]*Radio
	streams map[shard.ConnID]*Stream
	trace   []Entry
}

// New makes a world at time zero.
func New(seed uint64, options Options) *World {
	options = options.withDefaults()
	w := &World{
		options: options,
		random:  rand.New(rand.NewPCG(seed, 0)),
		nodes:   map[radio.Addr]*Radio{},
		streams: map[shard.ConnID]*Stream{},
	}
	w.Machine = local.New(core.New(core.NewDirectory(w.submit), options.Broker), options.Gateway)
	w.store = memory.New(func(ev store.Event) {
		w.log(Entry{From: "store", To: "gw", Text: describeStore(ev)})
		w.deliver(shard.Event{Kind: shard.Stored, Store: ev})
	}, memory.Options{Hold: true})
	w.deliver(shard.Event{Kind: shard.Wall})
	w.deliver(shard.Event{Kind: shard.LinkUp, Link: theLink, LinkInfo: options.Link})
	w.round()
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
func (w *World) Commit() { w.store.Commit(-1); w.round() }

// Stop tells the machine that the process ends.
func (w *World) Stop() {
	w.deliver(shard.Event{Kind: shard.Stopping})
	w.round()
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
	if at, ok := w.Machine.Deadline(); ok && at <= next {
		next, due = at, true
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
	w.round()
	return true
}

func (w *World) draw(r Range) time.Duration {
	if r.Max <= r.Min {
		return r.Min
	}
	return r.Min + time.Duration(w.random.Int64N(int64(r.Max-r.Min)+1))
}

func (w *World) chance(p float64) bool { return p > 0 && w.random.Float64() < p }
