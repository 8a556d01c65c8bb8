// Package broker puts the shards of an MQTT broker, their loop, the store and
// the listeners together.
package broker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dormouse-mqtt/dormouse/broker/core"
	"github.com/dormouse-mqtt/dormouse/broker/loop"
	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/broker/store"
	"github.com/dormouse-mqtt/dormouse/broker/store/memory"
	"github.com/dormouse-mqtt/dormouse/radio"
)

// Options configure a Broker. The zero value is one without listeners.
type Options struct {
	Core core.Options
	// Shards is how many share the work, at most 64. Zero: 1.
	Shards int
	// Machine puts something in front of a shard's core, such as a gateway.
	// Nil: the core itself.
	Machine func(shard int, c *core.Core) shard.Machine
	// Listeners accept MQTT clients.
	Listeners []Listener
	// Links bring MQTT-SN nodes to the Machine.
	Links []Link
	// Logger: nil: slog.Default().
	Logger *slog.Logger
}

// A Listener accepts MQTT clients over TCP.
type Listener struct {
	URL        string // as configured, for messages
	Address    string // host:port; port 0 picks a free one
	Anonymous  shard.Anonymous
	MaxClients int // zero: 10,000
	MaxPacket  int // octets; zero: 1 MiB
}

// A Link is a radio link and what is allowed on it.
type Link struct {
	Radio radio.Link
	Info  shard.LinkInfo
}

// A Broker is running from Start to Close.
type Broker struct {
	logger    *slog.Logger
	cores     []*core.Core
	loops     []*loop.Loop
	next      atomic.Uint64 // connection, dealt out in turn
	listeners []*net.TCPListener
	cancel    context.CancelFunc
	done      sync.WaitGroup
}

// Start opens the listeners and serves them until Close. A listener that cannot
// be opened is an error, and nothing is left open then.
func Start(options Options) (*Broker, error) {
	if options.Logger == nil {
		options.Logger = slog.Default()
	}
	b := &Broker{logger: options.Logger}
	b.makeShards(&options)
	for i := range options.Listeners {
		if err := b.listen(options.Listeners[i].Address); err != nil {
			b.closeListeners()
			return nil, fmt.Errorf("%s: %w", options.Listeners[i].URL, err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	b.cancel = cancel
	for _, l := range b.loops {
		b.done.Go(func() { l.Run(ctx) })
	}
	for i := range options.Links {
		b.loops[0].AddLink(options.Links[i].Radio, &options.Links[i].Info)
	}
	for i, l := range b.listeners {
		b.done.Go(func() { b.accept(l, options.Listeners[i]) })
	}
	return b, nil
}

// maxShards is how many an instance of a session can name.
const maxShards = 64

// makeShards makes the cores, the loops that run them, and what they share.
func (b *Broker) makeShards(options *Options) {
	// What the process holds in memory need not be kept a second time.
	kept := memory.New(func(ev store.Event) { loop.StoredAll(b.loops, ev) }, memory.Options{Forget: true})
	directory := &directory{Directory: core.NewDirectory(kept.Submit)}
	shards := min(max(1, options.Shards), maxShards)
	for i := range shards {
		o := options.Core
		o.Shard, o.Shards = i, shards
		c := core.New(directory, o)
		var machine shard.Machine = c
		if options.Machine != nil {
			machine = options.Machine(i, c)
		}
		l := loop.New(machine, loop.Options{Logger: b.logger})
		l.SetStore(kept)
		b.cores, b.loops = append(b.cores, c), append(b.loops, l)
	}
	loop.Join(b.loops...)
}

func (b *Broker) listen(address string) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	b.listeners = append(b.listeners, l.(*net.TCPListener))
	return nil
}

// Addrs are the addresses of the listeners, in the order of the options.
func (b *Broker) Addrs() []netip.AddrPort {
	var addrs []netip.AddrPort
	for _, l := range b.listeners {
		addrs = append(addrs, l.Addr().(*net.TCPAddr).AddrPort())
	}
	return addrs
}

const (
	defaultMaxClients = 10_000
	defaultMaxPacket  = 1 << 20
	// acceptPause is how long accepting rests when the process has no
	// descriptors left.
	acceptPause = 100 * time.Millisecond
)

// accept hands new connections to the shard, up to the listener's bound.
func (b *Broker) accept(l *net.TCPListener, options Listener) {
	var clients atomic.Int64
	limit := int64(options.MaxClients)
	if limit == 0 {
		limit = defaultMaxClients
	}
	info := &shard.ListenerInfo{Listener: options.URL, Anonymous: options.Anonymous, MaxPacket: options.MaxPacket}
	if info.MaxPacket == 0 {
		info.MaxPacket = defaultMaxPacket
	}
	for {
		conn, err := l.AcceptTCP()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil:
			b.logger.Warn("cannot accept; resting", "listener", options.URL, "err", err)
			time.Sleep(acceptPause)
			continue
		case clients.Load() >= limit:
			b.logger.Warn("refused: the listener has as many clients as it may", "listener", options.URL, "max-clients", limit)
			conn.Close()
			continue
		}
		clients.Add(1)
		remote, _ := netip.ParseAddrPort(conn.RemoteAddr().String())
		b.loops[b.next.Add(1)%uint64(len(b.loops))].AddConn(conn, &shard.ConnInfo{
			Remote: remote, ListenerInfo: info,
		}, func() { clients.Add(-1) })
	}
}

// Inspect runs f with each shard's core, on its goroutine, one after the other.
// It says whether all were still running.
func (b *Broker) Inspect(f func(*core.Core)) bool {
	all := true
	for i, l := range b.loops {
		all = l.Call(func() { f(b.cores[i]) }) && all
	}
	return all
}

func (b *Broker) closeListeners() {
	for _, l := range b.listeners {
		l.Close()
	}
}

// Close says goodbye to the clients and waits until all has ended.
func (b *Broker) Close() {
	b.closeListeners()
	b.cancel()
	b.done.Wait()
}
