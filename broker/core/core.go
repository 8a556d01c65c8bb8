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
	"github.com/dormouse-mqtt/dormouse/broker/table"
	"github.com/dormouse-mqtt/dormouse/broker/topic"
)

// Options configure a Core. The zero value is ready to use.
type Options struct {
	// Queue bounds each session's queue.
	Queue session.Limits
	// Topics bounds names and filters.
	Topics topic.Limits
	// WhenFull says what becomes of a message of QoS 1 or 2 for a session whose
	// queue is full. Zero: it is dropped for that session.
	WhenFull WhenFull
	// MaxInflight is how many unacknowledged messages of QoS 1 and 2 a client
	// gets at once, unless its Receive Maximum is lower. Zero: 100.
	MaxInflight int
	// ReceiveMaximum is how many unacknowledged messages of QoS 1 and 2 a client
	// may send at once; 5.0 tells it. Zero: 1,000.
	ReceiveMaximum int
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
	// MaxOutput is how many octets of messages a connection's transport is handed
	// at once; one message may exceed it. Zero: 64 KiB.
	MaxOutput int
	// Shard is the number of this shard of Shards. Zero Shards: 1.
	Shard, Shards int
	// Epoch makes ids of this process differ from those of earlier ones. A
	// Loader sets it.
	Epoch uint32
}

// WhenFull is what to do about a full queue.
type WhenFull uint8

// The policies.
const (
	DropNewest WhenFull = iota // the session does not get the message
	DropOldest                 // the session loses its oldest
	Refuse                     // nobody gets the message, and its publisher is told
)

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
	if o.ReceiveMaximum == 0 {
		o.ReceiveMaximum = 1000
	}
	if o.MaxOutput == 0 {
		o.MaxOutput = 64 << 10
	}
	if o.Shards == 0 {
		o.Shards = 1
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
	conns     *table.Table[shard.ConnID, conn]
	clients   *table.Table[string, client]
	ring      shard.Ring
	halfOpen  halfOpen
	releasing shard.ConnID // whose answer is leaving, after it waited for the store
	overdue   bool         // a panic has kept others' answers back
	connDue   deadline.Heap[conn]
	clientDue deadline.Heap[client]
	scans     scans
	finding   finding                   // of the scan under way
	found     func(*shard.Message) bool // takes what it finds
	spare     *rare                     // for the next client with a scan; nil: there is none
	shares    []share                   // each had an entry that is gone
	loaded    []loaded                  // since the last Advance
	reads     map[uint64]*client
	lastRead  uint64
	heldBack  []*conn       // that are not read while the store is behind
	turned    []*client     // that sleep or are awake since the last Advance
	awaited   []awaited     // in the order of their marks
	awaitedBy []*Target     // theirs
	stalled   bool          // the store has failed for too long
	floor     time.Duration // no wall clock before this one
	stats     Stats

	now         shard.Time // of the call under way
	sessions    uint64     // instances given out
	lastLocal   uint64
	lastMessage shard.MessageID
	lastIDs     map[string]uint16 // packet ids of ended sessions, by client id

	pool     session.Pool
	recorder session.Recorder
	decoder  mqtt.Decoder
	incoming shard.Message  // what is being handled; it aliases the packet
	kept     *shard.Message // a copy of it
	epochs   *Epochs        // of the directory
	routes   *routes
	matching *matching
	takers   []hit       // of the message being published: those with room for it
	batch    store.Batch // of what is retained
	scratch  []byte      // a packet on its way into the ring
	codes    []byte      // of a SUBACK or UNSUBACK
	record   []byte      // a record being put together
	key      []byte      // and its key
	raw      []byte      // the packet being handled
	props    []byte      // properties being put together
	travel   []byte      // those of what is being handled
	topic    []byte      // of a PUBLISH being encoded

	encodings encodings
}

// New makes a shard that routes by what directory holds.
func New(directory Directory, options Options) *Core {
	options = options.withDefaults()
	c := &Core{
		options:   options,
		directory: directory,
		conns:     table.New(byID),
		clients:   table.New(byClientID),
		connDue:   deadline.New(func(k *conn) *deadline.Item { return &k.due }),
		clientDue: deadline.New(func(cl *client) *deadline.Item { return &cl.due }),
		epochs:    directory.Epochs(),
		routes:    newRoutes(),
		matching:  newMatching(),
		reads:     map[uint64]*client{},
		lastIDs:   map[string]uint16{},
		decoder:   mqtt.Decoder{From: mqtt.FromClient},
		pool:      session.Pool{Limits: options.Queue},
	}
	c.found = c.find
	return c
}

// Handle implements shard.Machine.
func (c *Core) Handle(now shard.Time, ev shard.Event, out *shard.Out) {
	c.now = now
	switch ev.Kind {
	case shard.Opened:
		c.open(now, ev.Conn, ev.Info, out)
	case shard.Stored:
		switch ev.Store.Kind {
		case store.Committed:
			c.stalled = false
			c.release(now, out)
		case store.Stalled:
			c.stall(now, out)
		case store.Read:
			c.read(now, ev.Store, out)
		}
		c.goOn(out)
	case shard.Wall:
		c.setWall(ev.Offset)
	case shard.Posted:
		for i := range ev.Posts {
			c.posted(now, &ev.Posts[i], out)
		}
	case shard.Stopping:
		c.stop(now, out)
	case shard.Received, shard.Closed, shard.Blocked, shard.Drained:
		k := c.conns.Get(ev.Conn)
		if k == nil {
			return // it ended in an event before this one
		}
		switch ev.Kind {
		case shard.Received:
			c.receive(now, k, ev.Data, out)
			c.holdBack(k, out)
		case shard.Closed:
			if k.state == awaitStore && len(k.in) > 0 { // perhaps with a goodbye
				k.gone = true
				return
			}
			c.lose(now, k, out)
		case shard.Blocked:
			k.blocked = true
		case shard.Drained:
			k.blocked = false
			c.pump(now, k, out)
		}
	}
}

// posted does what another shard asks of a session of this one.
func (c *Core) posted(now shard.Time, p *shard.Post, out *shard.Out) {
	t := p.To.(*Target)
	switch p.Kind {
	case shard.PostMessage:
		c.arrive(now, t, p.Entry, out)
	case shard.PostWithdraw:
		c.withdraw(t, p.Message.ID, out)
	case shard.PostJoin:
		c.join(now, c.groupOf(t), &p.Entry, out)
	case shard.PostLeave:
		c.leave(now, c.groupOf(t), p.Group().(*Target), out)
	case shard.PostReady:
		c.serve(now, c.groupOf(t), out)
	case shard.PostReturn:
		c.takeBack(now, t, p.Entry, out)
	}
}

// Advance implements shard.Machine.
func (c *Core) Advance(now shard.Time, out *shard.Out) {
	c.now = now
	if c.overdue {
		c.overdue = false
		c.release(now, out)
	}
	c.beginLoaded(now, out)
	c.countDown(out)
	c.finishTurns(now, out)
	for range maxDue {
		k := c.connDue.Pop(now)
		if k == nil {
			break
		}
		c.supervise(now, k, out)
	}
	for range maxDue {
		cl := c.clientDue.Pop(now)
		if cl == nil {
			break
		}
		c.clientDeadline(now, cl, out)
	}
	c.goOnScanning(now, out)
}

// maxDue is how many deadlines of connections, and of sessions, one Advance
// works off; the rest is due in the next.
const maxDue = 1024

// Deadline implements shard.Machine.
func (c *Core) Deadline() (shard.Time, bool) {
	if c.overdue || c.scans.len()+len(c.shares)+len(c.loaded)+len(c.turned) > 0 {
		return 0, true
	}
	a, ok := c.connDue.Next()
	b, also := c.clientDue.Next()
	return shard.Earlier(a, ok, b, also)
}

// stop says goodbye to everybody: the server shuts down.
func (c *Core) stop(now shard.Time, out *shard.Out) {
	for _, k := range c.sortedConns() {
		if k.paused { // it sleeps, and is to be found asleep
			continue
		}
		c.disconnect(now, k, mqtt.ServerShuttingDown, out)
	}
}

// release sends what waited for the store, and goes on where that was waited for.
func (c *Core) release(now shard.Time, out *shard.Out) {
	c.arrived(out.Durable())
	for {
		r, ok := c.ring.Next(out.Durable())
		if c.releasing = r.Conn; !ok {
			return
		}
		k := c.conns.Get(r.Conn)
		if k == nil {
			continue
		}
		out.BeginEvent() // a panic undoes nothing that others were told (L15)
		appendTo(out.To(&k.dest), r.Packet, r.Tail)
		c.left(now, k, r.Kind, len(r.Packet)+len(r.Tail), out)
	}
}

// left goes on after a packet of k that waited has left.
func (c *Core) left(now shard.Time, k *conn, kind uint8, size int, out *shard.Out) {
	if kind != ringDelivery && size > 0 {
		if k.waiting -= int32(size); k.unread && k.waiting <= maxWaiting/2 {
			c.control(k, out)
		}
	}
	switch kind {
	case ringConnack:
		c.welcome(now, k, out)
	case ringPuback:
		k.unanswered--
	case ringDelivery:
		k.heldOctets -= int32(size)
		if k.held <= out.Durable() { // QoS 0 need not wait behind it any more
			c.pump(now, k, out)
		}
	}
}

// What is in the ring, as far as something follows from its release.
const (
	ringAnswer  uint8 = iota
	ringConnack       // the connection's other traffic waits for it (L8)
	ringPuback        // the client may send one more
	ringPubrec
	ringDelivery // deliveries wait behind it
)

// answer sends packet to k when all is durable that its session wrote; what the
// ring made wait for longer has k's later answers wait as long, so that they
// stay in order.
func (c *Core) answer(k *conn, kind uint8, packet []byte, out *shard.Out) {
	if mark := k.client.Written; mark > out.Durable() {
		k.client.Written = c.ring.Put(mark, k.id, kind, packet)
		k.waiting += int32(len(packet))
		c.control(k, out)
		return
	}
	o := out.To(&k.dest)
	o.Data = append(o.Data, packet...)
	c.left(c.now, k, kind, 0, out)
}
