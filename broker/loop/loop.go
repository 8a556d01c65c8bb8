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
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/broker/store"
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
