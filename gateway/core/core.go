// Package core is one shard of the gateway: addresses to nodes, discovery,
// forwarders, predefined topics. It is a pure state machine: datagrams and the
// time come in, datagrams and calls to the broker's side go out.
package core

import (
	"time"

	"github.com/dormouse-mqtt/dormouse/broker/deadline"
	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/broker/store"
	"github.com/dormouse-mqtt/dormouse/broker/table"
	"github.com/dormouse-mqtt/dormouse/gateway/session"
	"github.com/dormouse-mqtt/dormouse/mqttsn"
	"github.com/dormouse-mqtt/dormouse/radio"
)

// Options configure a Core. The zero value is ready to use.
type Options struct {
	// Predefined are topic ids by client id; "*" is for every client.
	Predefined map[string]*session.Table
	// Shard is the number of this shard of Shards. Zero Shards: 1.
	Shard, Shards int
	// Places are shared by all shards. Nil: there is one.
	Places Places
}

// An Uplink is the broker as the gateway needs it.
type Uplink = session.Uplink

// A Core is the state of one shard. One goroutine uses it.
type Core struct {
	options Options
	up      Uplink
	links   map[shard.LinkID]*shard.LinkInfo
	nodes   *table.Table[Address, node]      // those that have an address
	conns   *table.Table[shard.ConnID, node] // all
	clients *table.Table[string, node]       // all
	ring    shard.Ring
	due     deadline.Heap[node]
	behind  map[forwarder]int // nodes
	kept    kept
	locals  locals
	common  session.Predefined // of nodes that have none of their own
	refused []publication      // that the broker took and has withdrawn
	scolded scolded
	wall    time.Duration // the wall clock at time zero
	stats   Stats

	out     *shard.Out // of the call under way
	current *node      // whose packet is being handled, or whose answer leaves
	overdue bool       // answers that may leave have not yet
	decoder mqttsn.Decoder
	answers session.Answers
	scratch []byte // a packet on its way out
	wrapped []byte // and its encapsulation
	address []byte // an address on its way into a record
}

// New makes a shard's gateway that speaks to the broker by up.
func New(up Uplink, options Options) *Core {
	c := &Core{
		options: options,
		up:      up,
		links:   map[shard.LinkID]*shard.LinkInfo{},
		nodes:   table.New(byAddress),
		conns:   table.New(byConn),
		clients: table.New(byClientID),
		behind:  map[forwarder]int{},
		due:     deadline.New(func(n *node) *deadline.Item { return &n.due }),
		locals:  locals{},
	}
	c.common.All = options.Predefined["*"]
	return c
}

// An Address names a node: the peer's address on its link, and behind a
// forwarder the wireless node id (5.5).
type Address struct {
	link shard.LinkID
	peer radio.Addr
	node nodeID
}

// maxNodeID is the longest wireless node id accepted, in octets (readings P16).
const maxNodeID = 16

// A nodeID is a wireless node id; n is its length, 0: not behind a forwarder.
type nodeID struct {
	octets [maxNodeID]byte
	n      uint8
}

// A node is a client of the gateway.
type node struct {
	core    *Core
	session session.Session
	local   *radio.Addr // our address as the node knows it
	gated   shard.Mark  // what the newest answer waits for
	addr    Address
	due     deadline.Item
	ctrl    byte  // of its forwarder's last encapsulation (P16)
	tries   uint8 // CONNECTs since an answer left, this one's included
	fresh   bool  // nothing followed its CONNECT (C1)
	away    bool  // its link has not come up since the restart

	nextByAddress, nextByConn, nextByClientID *node // in the tables
}

// The tables of nodes. Nobody chooses the ids of connections.
var (
	byAddress = table.Of[Address, node]{
		Key:  func(n *node) Address { return n.addr },
		Next: func(n *node) **node { return &n.nextByAddress },
	}
	byConn = table.Of[shard.ConnID, node]{
		Key:  func(n *node) shard.ConnID { return n.session.Conn },
		Next: func(n *node) **node { return &n.nextByConn },
		Hash: shard.ConnID.Hash,
	}
	byClientID = table.Of[string, node]{
		Key:  func(n *node) string { return n.session.ClientID },
		Next: func(n *node) **node { return &n.nextByClientID },
	}
)

// Handle works on one event.
func (c *Core) Handle(now shard.Time, ev shard.Event, out *shard.Out) {
	c.out = out
	switch ev.Kind {
	case shard.LinkUp:
		c.links[ev.Link] = ev.LinkInfo
		c.linkUp(now, ev.Link, ev.LinkInfo)
	case shard.Wall:
		c.wall = ev.Offset
	case shard.Datagrams:
		link := c.links[ev.Link]
		if link == nil {
			return
		}
		for i := range ev.Batch {
			c.receive(now, ev.Link, link, &ev.Batch[i], ev.Relayed)
		}
	case shard.Displaced:
		c.displaced(now, ev.Link, ev.Batch)
	case shard.Stored:
		switch ev.Store.Kind {
		case store.Committed:
			c.release(now)
		case store.Stalled:
			c.takeBack(now)
		}
	case shard.Stopping:
		c.stop(now)
	}
	c.current = nil
}

// Advance does what is due at now.
func (c *Core) Advance(now shard.Time, out *shard.Out) {
	c.out = out
	if c.overdue {
		c.release(now)
	}
	for n := c.due.Pop(now); n != nil; n = c.due.Pop(now) {
		n.session.Advance(now, c.up, n, out)
		if n.session.State() == session.Gone {
			c.stats.Lost++
			out.Note(shard.Note{Kind: shard.NoteLost, Client: n.session.ClientID, Peer: &n.addr.peer})
		}
		c.settle(n)
	}
}

// Deadline is the time of the next Advance; false: none.
func (c *Core) Deadline() (shard.Time, bool) {
	if c.overdue {
		return 0, true
	}
	return c.due.Next()
}

// Evict forgets the node whose packet panicked.
func (c *Core) Evict(now shard.Time, out *shard.Out) {
	c.out = out
	if n := c.current; n != nil {
		c.current = nil
		c.stats.Evicted++
		c.up.Evict(now, n.session.Conn, out)
		c.remove(n)
	}
}

// Woken tells a node's session what its broker session has for it.
func (c *Core) Woken(now shard.Time, w shard.Wake, out *shard.Out) {
	c.out = out
	if w.Kind == shard.WakeLoaded {
		c.load(now, &w)
		return
	}
	n := c.conns.Get(w.Conn)
	if n == nil {
		return
	}
	switch w.Kind {
	case shard.WakeWithdrawn:
		c.refused = append(c.refused, publication{w.Conn, w.PacketID})
		return
	case shard.WakeAccepted:
		n.session.Accepted(now, &w, c.up, n, out)
	case shard.WakeDeliver:
		n.session.Wake(now, c.up, n, out)
	case shard.WakeRefused:
		code := mqttsn.NotSupported
		if w.Code == shard.WakeBusy {
			code = mqttsn.Congestion
		}
		n.Send(&mqttsn.Connack{Code: code})
		c.remove(n)
		return
	case shard.WakeClosed:
		n.dismiss(now)
		c.remove(n)
		return
	}
	c.settle(n)
}

// release sends the answers that waited for the store.
func (c *Core) release(now shard.Time) {
	for {
		r, ok := c.ring.Next(c.out.Durable())
		if !ok {
			c.current, c.overdue = nil, false
			return
		}
		n := c.conns.Get(r.Conn)
		if n == nil {
			continue // of an older connection of the node
		}
		c.out.BeginEvent() // a panic undoes nothing that others were told (L15)
		c.current, c.overdue = n, true
		n.transmit(r.Packet)
		n.session.Released(now, c.up, n, c.out)
		c.settle(n)
	}
}

// settle puts the node where it belongs after something happened to it. A deadline
// that is later now stays where it is: each packet of a node is such a case, and
// when it comes there is time to look.
func (c *Core) settle(n *node) {
	if c.conns.Get(n.session.Conn) != n {
		return
	}
	if n.session.State() == session.Gone {
		c.remove(n)
		return
	}
	at := n.session.Deadline()
	if at == 0 {
		c.due.Remove(n)
	} else if set, ok := c.due.At(n); !ok || at < set {
		c.due.Set(n, at)
	}
}

// remove forgets a node.
func (c *Core) remove(n *node) {
	c.due.Remove(n)
	c.conns.Delete(n)
	c.clients.Delete(n)
	c.leaveFrom(n)
}

// stop says goodbye to the nodes that listen. Sleepers do not, and are to be
// found asleep by the next process, if the store tells it of them.
func (c *Core) stop(now shard.Time) {
	for _, n := range c.sortedNodes() {
		if n.session.State() != session.Asleep {
			n.Send(&mqttsn.Disconnect{})
			c.up.Close(now, n.session.Conn, false, c.out)
		}
		c.remove(n)
	}
}

// scoldEvery is how often a stranger is told that it is not connected (C13).
const scoldEvery = time.Second
