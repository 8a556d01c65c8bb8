// Package core is one shard of the broker: connections, sessions, routing,
// retained messages and wills. It is a pure state machine: events and the time
// come in, and what is to be written, sent and closed is left in a shard.Out.
package core

import (
	"time"

	"github.com/dormouse-mqtt/dormouse/broker/deadline"
	"github.com/dormouse-mqtt/dormouse/broker/mqtt"
	"github.com/dormouse-mqtt/dormouse/broker/session"
	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/broker/store"
	"github.com/dormouse-mqtt/dormouse/broker/topic"
)

// Options configure a Core. The zero value is ready to use.
type Options struct {
	// Queue bounds each session's queue.
	Queue session.Limits
	// Topics bounds names and filters.
	Topics topic.Limits
	// MaxInflight is how many unacknowledged QoS 1 messages a client gets at
	// once, unless its Receive Maximum is lower. Zero: 100.
	MaxInflight int
	// MaxSubscriptions bounds those of one session. Zero: 10,000.
	MaxSubscriptions int
	// MaxRetained bounds the retained messages. Zero: 1,000,000.
	MaxRetained int
	// SessionExpiry is the longest that a session may outlive its connection.
	// Zero: for ever.
	SessionExpiry time.Duration
	// ConnectTimeout is how long a client may take to send CONNECT. Zero: 10 s.
	ConnectTimeout time.Duration
	// KeepAliveMax is the longest Keep Alive; zero: any, off included.
	KeepAliveMax time.Duration
	// Epoch makes instances and assigned client ids of this process differ from
	// those of earlier ones.
	Epoch uint64
}

func (o Options) withDefaults() Options {
	if o.MaxInflight == 0 {
		o.MaxInflight = 100
	}
	if o.MaxSubscriptions == 0 {
		o.MaxSubscriptions = 10_000
	}
	if o.MaxRetained == 0 {
		o.MaxRetained = 1_000_000
	}
	if o.SessionExpiry == 0 {
		o.SessionExpiry = session.NeverExpires
	}
	if o.ConnectTimeout == 0 {
		o.ConnectTimeout = 10 * time.Second
	}
	return o
}

// A Core is the state of one shard. One goroutine uses it.
type Core struct {
	options   Options
	directory Directory
	conns     map[shard.ConnID]*conn
	clients   map[string]*client
	ring      shard.Ring
	connDue   deadline.Heap[*conn]
	clientDue deadline.Heap[*client]
	scans     []*conn // whose retained messages go on in the next Advance
	stats     Stats

	lastInstance uint64
	lastLocal    uint64
	lastMessage  uint64
	match        uint64 // number of the publication being matched

	decoder mqtt.Decoder
	hits    []hit
	scratch []byte // a packet on its way into the ring or a record
	raw     []byte // the packet being handled
	props   []byte // properties being put together
	topic   []byte // of a PUBLISH being encoded
}

// New makes a shard that routes by what directory holds.
func New(directory Directory, options Options) *Core {
	options = options.withDefaults()
	return &Core{
		options:      options,
		directory:    directory,
		conns:        map[shard.ConnID]*conn{},
		clients:      map[string]*client{},
		lastInstance: options.Epoch << 32,
		decoder:      mqtt.Decoder{From: mqtt.FromClient},
	}
}

// Handle implements shard.Machine.
func (c *Core) Handle(now shard.Time, ev shard.Event, out *shard.Out) {
	switch ev.Kind {
	case shard.Opened:
		c.open(now, ev.Conn, ev.Info)
	case shard.Stored:
		if ev.Store.Kind == store.Committed {
			c.release(now, out)
		}
	case shard.Stopping:
		c.stop(now, out)
	case shard.Received, shard.Closed, shard.Blocked, shard.Drained:
		k := c.conns[ev.Conn]
		if k == nil {
			return // it ended in an event before this one
		}
		switch ev.Kind {
		case shard.Received:
			c.receive(now, k, ev.Data, out)
		case shard.Closed:
			c.lose(now, k, out)
		case shard.Blocked:
			k.blocked = true
		case shard.Drained:
			k.blocked = false
			c.pump(now, k, out)
		}
	}
}

// Advance implements shard.Machine.
func (c *Core) Advance(now shard.Time, out *shard.Out) {
	for {
		it, ok := c.connDue.Pop(now)
		if !ok {
			break
		}
		c.supervise(now, it.Value, out)
	}
	for {
		it, ok := c.clientDue.Pop(now)
		if !ok {
			break
		}
		c.clientDeadline(now, it.Value, out)
	}
	scans := c.scans
	c.scans = nil
	for _, k := range scans {
		k.scheduled = false
		if c.conns[k.dest.ID] == k {
			c.pump(now, k, out)
		}
	}
}

// Deadline implements shard.Machine.
func (c *Core) Deadline() (shard.Time, bool) {
	if len(c.scans) > 0 {
		return 0, true
	}
	a, ok := c.connDue.Next()
	b, also := c.clientDue.Next()
	return shard.Earlier(a, ok, b, also)
}

// Evict implements shard.Machine: the connection is closed and its session
// ended, since nobody knows how far the event got.
func (c *Core) Evict(now shard.Time, ev shard.Event, out *shard.Out) {
	k := c.conns[ev.Conn]
	if k == nil {
		return
	}
	c.stats.Evicted++
	c.forget(k, out)
	if k.client != nil {
		c.end(now, k.client, out)
	}
}

// stop says goodbye to everybody: the server shuts down.
func (c *Core) stop(now shard.Time, out *shard.Out) {
	for _, k := range c.sortedConns() {
		c.disconnect(now, k, mqtt.ServerShuttingDown, out)
	}
}

// release sends what waited for the store, and goes on where that was waited for.
func (c *Core) release(now shard.Time, out *shard.Out) {
	for {
		r, ok := c.ring.Next(out.Durable())
		if !ok {
			return
		}
		k := c.conns[r.Conn]
		if k == nil {
			continue
		}
		o := out.To(&k.dest)
		o.Data = append(o.Data, r.Packet...)
		if r.Kind == ringConnack {
			c.welcome(now, k, out)
		}
	}
}

// What is in the ring, as far as something follows from its release.
const (
	ringAnswer  uint8 = iota
	ringConnack       // the connection's other traffic waits for it (L8)
)

// gate sends packet to k when mark is durable. It returns the mark that k's
// later answers wait for, so that they stay in order.
func (c *Core) gate(k *conn, mark shard.Mark, kind uint8, packet []byte, out *shard.Out) shard.Mark {
	if mark <= out.Durable() {
		o := out.To(&k.dest)
		o.Data = append(o.Data, packet...)
		return mark
	}
	return c.ring.Put(mark, k.dest.ID, kind, packet)
}
