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
	core      *core.Core
	loop      *loop.Loop
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
	var kept *memory.Store
	b.core = core.New(core.NewDirectory(func(batch *store.Batch) store.Ticket { return kept.Submit(batch) }), options.Core)
	var machine shard.Machine = b.core
	if options.Machine != nil {
		machine = options.Machine(0, b.core)
	}
	b.loop = loop.New(machine, loop.Options{Logger: b.logger})
	// What the process holds in memory need not be kept a second time.
	kept = memory.New(b.loop.Stored, memory.Options{Forget: true})
	b.loop.SetStore(kept)
	for i := range options.Listeners {
		if err := b.listen(options.Listeners[i].Address); err != nil {
			b.closeListeners()
			return nil, fmt.Errorf("%s: %w", options.Listeners[i].URL, err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	b.cancel = cancel
	b.done.Go(func() { b.loop.Run(ctx) })
	for i := range options.Links {
		b.loop.AddLink(options.Links[i].Radio, &options.Links[i].Info)
	}
	for i, l := range b.listeners {
		b.done.Go(func() { b.accept(l, options.Listeners[i]) })
	}
	return b, nil
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
	maxPacket := options.MaxPacket
	if maxPacket == 0 {
		maxPacket = defaultMaxPacket
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
		b.loop.AddConn(conn, &shard.ConnInfo{
			Remote: remote, Listener: options.URL, Anonymous: options.Anonymous, MaxPacket: maxPacket,
		}, func() { clients.Add(-1) })
	}
}

// Inspect runs f with the shard's core, on its goroutine.
func (b *Broker) Inspect(f func(*core.Core)) bool {
	return b.loop.Call(func() { f(b.core) })
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
