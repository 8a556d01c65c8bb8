// Package broker puts the shards of an MQTT broker, their loop, the store and
// the listeners together.
package broker

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"

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
	// Twin has goroutines read the sockets where shards could do it themselves.
	Twin bool
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

// A Link is a radio link and what is allowed on it: one radio for each shard, or
// one for the first.
type Link struct {
	Radios []radio.Link
	Info   shard.LinkInfo
}

// A Broker is running from Start to Close.
type Broker struct {
	cores     []*core.Core
	loops     []*loop.Loop
	addrs     []netip.AddrPort
	listeners []*loop.Listener
	cancel    context.CancelFunc
	done      sync.WaitGroup
}

// Start opens the listeners and serves them until Close. A listener that cannot
// be opened is an error, and nothing is left open then.
func Start(options Options) (*Broker, error) {
	if options.Logger == nil {
		options.Logger = slog.Default()
	}
	sockets, err := listen(options.Listeners)
	if err != nil {
		return nil, err
	}
	b := &Broker{}
	b.makeShards(&options)
	ctx, cancel := context.WithCancel(context.Background())
	b.cancel = cancel
	for _, l := range b.loops {
		b.done.Go(func() { l.Run(ctx) })
	}
	for i := range options.Links {
		loop.AddLink(b.loops, 0, options.Links[i].Radios, &options.Links[i].Info)
	}
	for i, socket := range sockets {
		b.addrs = append(b.addrs, socket.Addr().(*net.TCPAddr).AddrPort())
		if err == nil {
			err = b.serve(socket, &options.Listeners[i], options.Logger)
		} else {
			socket.Close()
		}
	}
	if err != nil {
		b.Close()
		return nil, err
	}
	return b, nil
}

// MaxShards is how many an instance of a session can name.
const MaxShards = 64

// makeShards makes the cores, the loops that run them, and what they share.
func (b *Broker) makeShards(options *Options) {
	// What the process holds in memory need not be kept a second time.
	kept := memory.New(func(ev store.Event) { loop.StoredAll(b.loops, ev) }, memory.Options{Forget: true})
	directory := &directory{Directory: core.NewDirectory(kept.Submit)}
	shards := min(max(1, options.Shards), MaxShards)
	for i := range shards {
		o := options.Core
		o.Shard, o.Shards = i, shards
		c := core.New(directory, o)
		var machine shard.Machine = c
		if options.Machine != nil {
			machine = options.Machine(i, c)
		}
		l := loop.New(machine, loop.Options{Logger: options.Logger, Twin: options.Twin})
		l.SetStore(kept)
		b.cores, b.loops = append(b.cores, c), append(b.loops, l)
	}
	loop.Join(b.loops...)
}

// listen opens all listeners, or none.
func listen(listeners []Listener) (sockets []*net.TCPListener, err error) {
	var plain net.ListenConfig
	plain.SetMultipathTCP(false) // Linux before 5.17 refuses TCP_NODELAY there
	for i := range listeners {
		l, err := plain.Listen(context.Background(), "tcp", listeners[i].Address)
		if err != nil {
			for _, socket := range sockets {
				socket.Close()
			}
			return nil, fmt.Errorf("%s: %w", listeners[i].URL, err)
		}
		sockets = append(sockets, l.(*net.TCPListener))
	}
	return sockets, nil
}

const (
	defaultMaxClients = 10_000
	defaultMaxPacket  = 1 << 20
)

// serve has the shards accept clients.
func (b *Broker) serve(socket *net.TCPListener, l *Listener, logger *slog.Logger) error {
	info := &shard.ListenerInfo{Listener: l.URL, Anonymous: l.Anonymous, MaxPacket: l.MaxPacket}
	if info.MaxPacket == 0 {
		info.MaxPacket = defaultMaxPacket
	}
	limit := l.MaxClients
	if limit == 0 {
		limit = defaultMaxClients
	}
	listener, err := loop.Serve(b.loops, socket, info, limit, logger)
	if err != nil {
		return fmt.Errorf("%s: %w", l.URL, err)
	}
	b.listeners = append(b.listeners, listener)
	return nil
}

// Addrs are the addresses of the listeners, in the order of the options.
func (b *Broker) Addrs() []netip.AddrPort { return b.addrs }

// Inspect runs f with each shard's core, on its goroutine, one after the other.
// It says whether all were still running.
func (b *Broker) Inspect(f func(*core.Core)) bool {
	all := true
	for i, l := range b.loops {
		all = l.Call(func() { f(b.cores[i]) }) && all
	}
	return all
}

// Close says goodbye to the clients and waits until all has ended.
func (b *Broker) Close() {
	for _, l := range b.listeners {
		l.Close()
	}
	b.cancel()
	b.done.Wait()
}
