// Package loop runs a shard: it brings what sockets, links, the store and the
// clock have to a Machine, and what the Machine leaves to them. This is the
// goroutine twin: a goroutine reads each connection and waits while its octets
// are in the shard's hands. It runs on every system.
package loop

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"sync"
	"time"

	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/broker/store"
	"github.com/dormouse-mqtt/dormouse/radio"
)

// Options configure a Loop.
type Options struct {
	// Logger gets what the shard has to say. Nil: slog.Default().
	Logger *slog.Logger
	// Fatal ends the process after too many panics. Nil: exit code 70.
	Fatal func(reason string)
}

// A Loop is the goroutine of one shard, and its inbox.
type Loop struct {
	machine shard.Machine
	store   store.Store
	log     *noteLog
	logger  *slog.Logger
	fatal   func(string)
	epoch   time.Time
	out     shard.Out
	panics  []time.Time // within the last minute

	streams map[shard.ConnID]*stream
	links   map[shard.LinkID]*link
	workers sync.WaitGroup

	number  int
	peers   []*Loop // all shards, this one among them
	backlog backlog
	held    []letter // whose readers wait until no shard is congested
	ending  bool
	wall    wall

	farewell *sync.WaitGroup // until all shards have said goodbye

	mu       sync.Mutex
	inbox    []letter
	stopped  bool
	lastConn shard.ConnID
	lastLink shard.LinkID
	wake     chan struct{}
}

// A letter is an event in the inbox, and what is to be done after it was handled.
type letter struct {
	event  shard.Event
	stream *stream      // to register on Opened, to credit on Received
	link   *link        // to register on LinkUp, to credit on Datagrams
	ticket store.Ticket // of Posted: what the sender waited for
	size   int64        // of what another shard posted, in octets
	by     shard.LinkID
	send   []radio.Datagram // by a link of ours, for another shard
	call   func()           // runs on the shard's goroutine instead of an event
}

// New makes a loop for a machine. Run runs it.
func New(machine shard.Machine, options Options) *Loop {
	if options.Logger == nil {
		options.Logger = slog.Default()
	}
	if options.Fatal == nil {
		options.Fatal = func(string) { os.Exit(70) }
	}
	l := &Loop{
		machine: machine,
		logger:  options.Logger,
		log:     newNoteLog(options.Logger),
		fatal:   options.Fatal,
		epoch:   time.Now(),
		streams: map[shard.ConnID]*stream{},
		links:   map[shard.LinkID]*link{},
		wake:    make(chan struct{}, 1),
	}
	Join(l)
	return l
}

// SetStore gives the loop its store, before Run.
func (l *Loop) SetStore(s store.Store) { l.store = s }

// Stored takes an event of the store. It never blocks.
func (l *Loop) Stored(ev store.Event) {
	l.post(letter{event: shard.Event{Kind: shard.Stored, Store: ev}})
}

// Call runs f on the shard's goroutine and waits for it; false: the loop ended.
func (l *Loop) Call(f func()) bool {
	done := make(chan struct{})
	if !l.post(letter{call: func() { f(); close(done) }}) {
		return false
	}
	<-done
	return true
}

// post puts a letter into the inbox; false: the loop has ended.
func (l *Loop) post(x letter) bool {
	l.mu.Lock()
	if l.stopped {
		l.mu.Unlock()
		return false
	}
	l.inbox = append(l.inbox, x)
	l.mu.Unlock()
	select {
	case l.wake <- struct{}{}:
	default:
	}
	return true
}

// goodbye is how long connections have to take their last octets.
const goodbye = 2 * time.Second

// Run runs the shard until ctx ends, says goodbye to everybody, and returns when
// all that it started has ended.
func (l *Loop) Run(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	var letters []letter
	for ctx.Err() == nil {
		letters = l.take(l.lookAtWall(letters[:0]))
		l.round(letters)
		if l.waiting() {
			continue
		}
		var due <-chan time.Time
		if at, ok := l.machine.Deadline(); ok {
			timer.Reset(max(0, at-l.now()))
			due = timer.C
		}
		select {
		case <-l.wake:
		case <-due:
		case <-ctx.Done():
		}
	}
	l.stop()
}

func (l *Loop) now() shard.Time { return time.Since(l.epoch) }

// maxRound bounds the letters of one round, so that output leaves in time.
const maxRound = 256

// take takes the oldest letters out of the inbox.
func (l *Loop) take(letters []letter) []letter {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := min(len(l.inbox), maxRound)
	letters = append(letters, l.inbox[:n]...)
	left := copy(l.inbox, l.inbox[n:])
	clear(l.inbox[left:])
	l.inbox = l.inbox[:left]
	return letters
}

func (l *Loop) waiting() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.inbox) > 0
}

// round handles letters and what is due, submits what was written, and sends.
func (l *Loop) round(letters []letter) {
	l.out.BeginRound()
	for i := range letters {
		l.open(&letters[i])
	}
	now := l.now()
	if at, ok := l.machine.Deadline(); ok && at <= now {
		l.guard(shard.Event{}, func() { l.machine.Advance(now, &l.out) })
	}
	l.out.Submit(func(b *store.Batch) store.Ticket { return l.store.Submit(b) })
	for _, r := range l.out.Reads {
		l.store.Request(r)
	}
	l.postAll()
	l.relay()
	l.flush()
	l.move()
	for i := range letters {
		l.credit(&letters[i])
	}
	l.payHeld()
	l.log.write(l.out.Notes)
}

// open handles one letter.
func (l *Loop) open(x *letter) {
	if x.call != nil {
		x.call()
		return
	}
	if x.size > 0 {
		l.received(x)
	}
	if x.send != nil {
		if k := l.links[x.by]; k != nil {
			k.out = append(k.out, x.send...)
		}
		return
	}
	switch ev := &x.event; ev.Kind {
	case shard.Opened:
		l.streams[ev.Conn] = x.stream
	case shard.LinkUp:
		if x.link != nil { // else it is another shard's
			l.links[ev.Link] = x.link
		}
	case shard.Stored:
		if ev.Store.Kind == store.Committed {
			l.out.Committed(ev.Store.Ticket)
		}
	case shard.Posted:
		l.out.Follow(x.ticket, shard.Backlog{})
	}
	if x.event.Kind == shard.Datagrams {
		l.eachDatagram(x.event)
		return
	}
	now := l.now()
	l.guard(x.event, func() { l.machine.Handle(now, x.event, &l.out) })
}

// eachDatagram makes an event of each datagram of a read: a panic undoes what
// one of them did, and nothing of the other nodes' (L15).
func (l *Loop) eachDatagram(ev shard.Event) {
	now, batch := l.now(), ev.Batch
	handle := func() { l.machine.Handle(now, ev, &l.out) }
	for i := range batch {
		ev.Batch = batch[i : i+1]
		l.guard(ev, handle)
	}
}

// credit lets a reader go on whose octets were handled.
func (l *Loop) credit(x *letter) {
	switch {
	case x.stream != nil && x.event.Kind == shard.Received:
		if x.stream.loop != l { // it has moved, and is not ours any more
			x.stream.handedOver(x.event.Data)
			return
		}
		if !l.ending && l.congested() {
			l.held = append(l.held, *x)
			return
		}
		x.stream.handled(x.event.Data)
	case x.stream != nil && x.event.Kind == shard.Drained:
		x.stream.pay()
	case x.link != nil && x.event.Kind == shard.Datagrams:
		if !l.ending && l.congested() {
			l.held = append(l.held, *x)
			return
		}
		x.link.handled()
	}
}

// guard contains a panic: the event leaves nothing, its connection is closed and
// its session evicted (L15). Three within a minute end the process.
func (l *Loop) guard(ev shard.Event, f func()) {
	l.out.BeginEvent()
	if l.recovered(f) {
		return
	}
	l.out.Rollback()
	if !l.recovered(func() { l.machine.Evict(l.now(), ev, &l.out) }) {
		l.out.Rollback()
	}
	now := time.Now()
	recent := l.panics[:0]
	for _, t := range l.panics {
		if now.Sub(t) < time.Minute {
			recent = append(recent, t)
		}
	}
	if l.panics = append(recent, now); len(l.panics) >= 3 {
		l.fatal("three panics within a minute")
	}
}

func (l *Loop) recovered(f func()) (fine bool) {
	defer func() {
		if r := recover(); r != nil {
			l.logger.Error("panic in a core; its connection is closed", "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
		}
	}()
	f()
	return true
}

// stop says goodbye and waits for everybody to leave.
func (l *Loop) stop() {
	l.ending = true
	l.round([]letter{{event: shard.Event{Kind: shard.Stopping}}})
	l.farewell.Done()
	l.farewell.Wait() // others may have something to say by our links
	l.mu.Lock()
	l.stopped = true
	letters := append(l.held, l.inbox...)
	l.held, l.inbox = nil, nil
	l.mu.Unlock()
	for i := range letters {
		switch x := &letters[i]; {
		case x.call != nil:
			x.call()
		case x.send != nil:
			l.open(x)
		case x.event.Kind == shard.Opened:
			l.streams[x.event.Conn] = x.stream
		case x.event.Kind == shard.LinkUp && x.link != nil:
			l.links[x.event.Link] = x.link
		}
		l.credit(&letters[i])
	}
	for _, k := range l.links {
		k.send()
	}
	for _, s := range l.streams {
		s.end(goodbye)
	}
	for _, k := range l.links {
		k.end()
	}
	l.workers.Wait()
}
