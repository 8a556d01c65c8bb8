// Package loop runs a shard: it brings what sockets, links, the store and the
// clock have to a Machine, and what the Machine leaves to them.
//
// There are two of it. On Linux the shard's goroutine waits for sockets itself, by
// epoll, and nothing is held for one that is idle: poll_linux.go. Its twin has a
// goroutine read each connection, which waits while its octets are in the shard's
// hands: stream.go. The twin runs on every system, serves what has no descriptor
// to wait for, and is the reference in tests.
package loop

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
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
	// Twin has goroutines read sockets where the shard could do it itself.
	Twin bool
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
	poll    poller      // nil: the goroutine twin
	panics  []time.Time // within the last minute

	streams map[shard.ConnID]*stream
	links   map[shard.LinkID]*link
	sending []*link // that have something to send in this round
	workers sync.WaitGroup

	number  int
	peers   []*Loop // all shards, this one among them
	backlog backlog
	held    []letter // whose readers wait until no shard is congested
	ending  bool
	wall    wall

	farewell *sync.WaitGroup // until all shards have said goodbye

	posted   atomic.Int64 // letters in the inbox
	mu       sync.Mutex
	inbox    []letter // that nobody has looked at
	opened   []letter // taken out of it, and before it
	next     int      // of opened
	stopped  bool
	lastConn shard.ConnID
	lastLink shard.LinkID
	wake     chan struct{}
}

// A letter is an event in the inbox, and what is to be done after it was handled.
type letter struct {
	event   shard.Event
	stream  *stream      // to register on Opened, to credit on Received
	arrival *arrival     // a socket, instead of an event
	link    *link        // to register on LinkUp, to credit on Datagrams
	ticket  store.Ticket // of Posted: what the sender waited for
	size    int64        // of what another shard posted, in octets
	by      shard.LinkID
	send    []radio.Datagram // by a link of ours, for another shard
	call    func()           // runs on the shard's goroutine instead of an event
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
	if options.Twin {
		return l
	}
	poll, err := newPoller(l)
	if err != nil {
		l.logger.Warn("goroutines read the sockets", "err", err)
	}
	l.poll = poll
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
func (l *Loop) post(x letter) bool { return l.employ(0, x) }

// employ is post, and counts workers that are to be waited for in the end.
func (l *Loop) employ(workers int, x letter) bool {
	l.mu.Lock()
	if l.stopped {
		l.mu.Unlock()
		return false
	}
	if workers > 0 { // under the lock: nobody waits before stopped
		l.workers.Add(workers)
	}
	l.inbox = append(l.inbox, x)
	l.posted.Add(1)
	l.mu.Unlock()
	l.ring()
	return true
}

// ring wakes the shard.
func (l *Loop) ring() {
	if l.poll != nil {
		l.poll.ring()
		return
	}
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// nudge has the shard do a round, also if it is just about to wait.
func (l *Loop) nudge() { l.post(letter{call: func() {}}) }

// goodbye is how long connections have to take their last octets.
const goodbye = 2 * time.Second

// Run runs the shard until ctx ends, says goodbye to everybody, and returns when
// all that it started has ended.
func (l *Loop) Run(ctx context.Context) {
	defer context.AfterFunc(ctx, l.nudge)()
	wait := l.waitTwin()
	if l.poll != nil {
		wait = l.poll.wait
	}
	for ctx.Err() == nil {
		letters := l.take()
		l.round(letters)
		clear(letters) // holds on to nothing
		if ctx.Err() == nil {
			wait(l.machine.Deadline())
		}
	}
	l.stop()
}

// waitTwin makes the function that waits for a letter or the deadline.
func (l *Loop) waitTwin() func(at shard.Time, ok bool) {
	timer := time.NewTimer(time.Hour)
	timer.Stop()
	return func(at shard.Time, ok bool) {
		if l.waiting() {
			return
		}
		var due <-chan time.Time
		if ok {
			timer.Reset(max(0, at-l.now()))
			due = timer.C
			defer timer.Stop()
		}
		select {
		case <-l.wake:
		case <-due:
		}
	}
}

func (l *Loop) now() shard.Time { return time.Since(l.epoch) }

// maxRound bounds the letters of one round, so that output leaves in time.
const maxRound = 256

// keepInbox is how many letters an empty inbox may have room for.
const keepInbox = 4096

// take takes the oldest letters. They are valid until the next call.
func (l *Loop) take() []letter {
	if !l.waiting() {
		return nil
	}
	if l.next == len(l.opened) {
		spare := l.opened[:0]
		if cap(spare) > keepInbox {
			spare = nil
		}
		l.mu.Lock()
		l.opened, l.inbox, l.next = l.inbox, spare, 0
		l.mu.Unlock()
	}
	n := min(len(l.opened)-l.next, maxRound)
	letters := l.opened[l.next : l.next+n]
	l.next += n
	l.posted.Add(-int64(n))
	return letters
}

func (l *Loop) waiting() bool { return l.posted.Load() > 0 }

// round handles letters and what is due, submits what was written, and sends.
func (l *Loop) round(letters []letter) {
	l.out.BeginRound()
	l.lookAtWall()
	for i := range letters {
		l.open(&letters[i])
	}
	if l.poll != nil {
		l.poll.handle()
	}
	l.advance(l.now())
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
	if l.poll != nil {
		l.poll.settle()
	}
	l.log.write(l.out.Notes)
}

// advance does what is due.
func (l *Loop) advance(now shard.Time) {
	if l.poll != nil {
		l.poll.advance(now)
	}
	if at, ok := l.machine.Deadline(); !ok || at > now {
		return
	}
	l.out.BeginEvent()
	if !l.tryAdvance(now) {
		l.contain(now, &shard.Event{})
	}
}

// open handles one letter.
func (l *Loop) open(x *letter) {
	if x.call != nil {
		x.call()
		return
	}
	if x.arrival != nil {
		l.poll.arrive(x.arrival)
		return
	}
	if x.size > 0 {
		l.received(x)
	}
	if x.send != nil {
		if k := l.links[x.by]; k != nil {
			k.add(x.send...)
		}
		return
	}
	switch ev := &x.event; ev.Kind {
	case shard.Opened:
		l.streams[ev.Conn] = x.stream
	case shard.LinkUp:
		if x.link != nil { // else it is another shard's
			l.links[ev.Link] = x.link
			x.link.poll()
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
	l.handle(l.now(), &x.event)
}

// eachDatagram makes an event of each datagram of a read: a panic undoes what
// one of them did, and nothing of the other nodes' (L15).
func (l *Loop) eachDatagram(ev shard.Event) {
	now, batch := l.now(), ev.Batch
	for i := range batch {
		ev.Batch = batch[i : i+1]
		l.handle(now, &ev)
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

// handle has the machine handle one event, and contains a panic.
func (l *Loop) handle(now shard.Time, ev *shard.Event) {
	l.out.BeginEvent()
	if !l.tryHandle(now, ev) {
		l.contain(now, ev)
	}
}

// contain ends what a panic began: the event leaves nothing, its connection is
// closed and its session evicted (L15). Three within a minute end the process.
func (l *Loop) contain(at shard.Time, ev *shard.Event) {
	l.out.Rollback()
	if !l.tryEvict(at, ev) {
		l.out.Rollback()
		l.abandon(ev.Conn)
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

// abandon closes a connection that the machine could not evict, and tells it as of
// one that has ended: should it panic at that too, there will be a third time.
func (l *Loop) abandon(id shard.ConnID) {
	if id != 0 && !id.IsInProcess() {
		l.out.To(&shard.Dest{ID: id}).Close = true
		l.post(letter{event: shard.Event{Kind: shard.Closed, Conn: id}})
	}
}

func (l *Loop) tryHandle(now shard.Time, ev *shard.Event) (fine bool) {
	defer l.recover()
	l.machine.Handle(now, *ev, &l.out)
	return true
}

func (l *Loop) tryAdvance(now shard.Time) (fine bool) {
	defer l.recover()
	l.machine.Advance(now, &l.out)
	return true
}

func (l *Loop) tryEvict(now shard.Time, ev *shard.Event) (fine bool) {
	defer l.recover()
	l.machine.Evict(now, *ev, &l.out)
	return true
}

// recover ends a panic, if there is one.
func (l *Loop) recover() {
	if r := recover(); r != nil {
		l.logger.Error("panic in a core; its connection is closed", "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
	}
}

// stop says goodbye and waits for everybody to leave.
func (l *Loop) stop() {
	l.ending = true
	l.round([]letter{{event: shard.Event{Kind: shard.Stopping}}})
	l.farewell.Done()
	l.farewell.Wait() // others may have something to say by our links
	l.mu.Lock()
	l.stopped = true
	letters := slices.Concat(l.held, l.opened[l.next:], l.inbox)
	l.held, l.opened, l.inbox, l.next = nil, nil, nil, 0
	l.posted.Store(0)
	l.mu.Unlock()
	for i := range letters {
		switch x := &letters[i]; {
		case x.call != nil:
			x.call()
		case x.arrival != nil:
			l.poll.refuse(x.arrival)
		case x.send != nil:
			l.open(x)
		case x.event.Kind == shard.Opened:
			l.streams[x.event.Conn] = x.stream
		case x.event.Kind == shard.LinkUp && x.link != nil:
			l.links[x.event.Link] = x.link
		}
		l.credit(&letters[i])
	}
	for _, k := range l.sending {
		k.send()
	}
	for _, s := range l.streams {
		s.end(goodbye)
	}
	for _, k := range l.links {
		k.end()
	}
	if l.poll != nil {
		l.poll.end(goodbye)
	}
	l.workers.Wait()
}
