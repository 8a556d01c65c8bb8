package world

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/dormouse-mqtt/dormouse/broker/core"
	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/broker/store"
	"github.com/dormouse-mqtt/dormouse/broker/store/sim"
	gateway "github.com/dormouse-mqtt/dormouse/gateway/core"
	"github.com/dormouse-mqtt/dormouse/gateway/local"
)

// A process is what a crash ends: the cores, their loops, and what the system
// keeps for them.
type process struct {
	world   *World
	epoch   shard.Time // its time zero
	shards  []*loop
	store   *sim.Store
	opens   store.Ticket // the network is up when it is durable (L13)
	up      bool
	streams map[shard.ConnID]*Stream
	posted  map[[2]int]shard.Time // when the last post of a pair of shards arrives
}

// birth is how long before time zero a world begins: its first process has
// started by then. A store's time is never negative.
const birth = time.Second

// start begins a process with what is on the disk.
func (w *World) start() {
	p := &process{world: w, epoch: w.now, streams: map[shard.ConnID]*Stream{}, posted: map[[2]int]shard.Time{}}
	p.store = sim.New(p.stored, sim.Options{
		Seed: w.random.Uint64(), Disk: w.disk, EIO: w.options.EIO, ENOSPC: w.options.ENOSPC,
		Commit: sim.Range(w.options.Commit),
	})
	p.store.Break(w.fault)
	p.store.Advance(w.now + birth)
	w.process = p
	directory := core.NewDirectory(p.store.Submit)
	places := &gateway.PlaceTable{}
	var cores []*core.Core
	for i := range w.options.Shards {
		o := w.options.Broker
		o.Shard, o.Shards = i, w.options.Shards
		c := core.New(directory, o)
		cores = append(cores, c)
		g := w.options.Gateway
		if g.Shard, g.Shards = i, w.options.Shards; g.Shards > 1 {
			g.Places = places
		}
		p.shards = append(p.shards, &loop{process: p, number: i, machine: local.New(c, g)})
	}
	p.load(core.NewLoader(cores, w.wall+p.epoch))
}

// load rebuilds the shards. The disk is that of the process before, which it
// left damaged only where nothing was committed.
func (p *process) load(l *core.Loader) {
	if err := p.store.Load(l.Visit); err != nil {
		panic(err)
	}
	out := &p.shards[0].out
	out.BeginRound()
	l.Finish(out)
	out.Submit(p.store.Submit)
	p.opens = out.Ticket()
	if l.Damaged > 0 {
		p.world.log(Entry{From: "load", Text: "damaged"})
		p.world.Damaged += l.Damaged
	}
}

// open tells the machines that the network is there.
func (p *process) open() {
	p.up = true
	p.all(shard.Event{Kind: shard.Wall, Offset: p.world.wall + p.epoch})
	p.all(shard.Event{Kind: shard.LinkUp, Link: theLink, LinkInfo: p.world.options.Link})
}

// all tells every shard.
func (p *process) all(ev shard.Event) {
	for _, l := range p.shards {
		l.deliver(ev)
	}
}

// stored passes on what the store tells.
func (p *process) stored(ev store.Event) {
	p.world.log(Entry{From: "store", To: "gw", Text: describeStore(ev)})
	if ev.Kind == store.Committed && ev.Ticket >= p.opens && !p.up {
		p.open()
	}
	p.all(shard.Event{Kind: shard.Stored, Store: ev})
}

// deadline is when something happens in the process by itself.
func (p *process) deadline() (at shard.Time, ok bool) {
	if !p.world.Hold {
		at, ok = p.store.Deadline()
		at -= birth
	}
	for _, l := range p.shards {
		due, also := l.deadline()
		at, ok = shard.Earlier(at, ok, due, also)
	}
	return at, ok
}

// step lets the store and every shard work.
func (p *process) step() {
	if !p.world.Hold {
		p.store.Advance(p.world.now + birth)
	}
	p.rounds()
}

func (p *process) rounds() {
	for _, l := range p.shards {
		l.round()
	}
}

// A Crash is how a process ends that nobody asks.
type Crash struct {
	Power bool          // and with it all that was not synced
	Seed  uint64        // decides what the disk has of what was under way
	Down  time.Duration // until the next one starts
}

// Crash ends the process.
func (w *World) Crash(c Crash) {
	p := w.process
	if p == nil {
		return
	}
	w.log(Entry{From: "gw", Text: "crash"})
	w.process = nil
	if c.Power {
		w.disk = p.store.Crash(c.Seed)
	} else {
		w.disk = p.store.Kill(c.Seed)
	}
	for _, s := range p.inOrder() {
		s.breakOff(rand.New(rand.NewPCG(c.Seed, uint64(s.conn))))
	}
	w.After(c.Down, w.start)
}

func (p *process) inOrder() []*Stream {
	all := make([]*Stream, 0, len(p.streams))
	for _, s := range p.streams {
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b *Stream) int { return int(a.conn) - int(b.conn) })
	return all
}

// Up says whether the process runs and takes connections.
func (w *World) Up() bool { return w.process != nil && w.process.up }

// SetWall moves the wall clock by d.
func (w *World) SetWall(d time.Duration) {
	w.wall += d
	if p := w.process; p != nil && p.up {
		p.all(shard.Event{Kind: shard.Wall, Offset: w.wall + p.epoch})
	}
}

// Break makes the disk fail with err from here on; nil repairs it.
func (w *World) Break(err error) {
	w.fault = err
	if w.process != nil {
		w.process.store.Break(err)
	}
}
