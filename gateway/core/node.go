package core

import (
	"cmp"
	"slices"
	"time"

	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/gateway/session"
	"github.com/dormouse-mqtt/dormouse/mqttsn"
	"github.com/dormouse-mqtt/dormouse/radio"
)

// Send implements session.Peer.
func (n *node) Send(p mqttsn.Packet) {
	n.core.scratch = p.AppendTo(n.core.scratch[:0])
	n.transmit(n.core.scratch)
}

// Gate implements session.Peer. What the ring made wait for longer has the
// node's later answers wait as long, so that they leave in order.
func (n *node) Gate(mark shard.Mark, p mqttsn.Packet) bool {
	if mark = max(mark, n.gated); mark <= n.core.out.Durable() {
		n.Send(p)
		return false
	}
	n.core.scratch = p.AppendTo(n.core.scratch[:0])
	n.gated = n.core.ring.Put(mark, n.session.Conn, 0, n.core.scratch)
	return true
}

// Address implements session.Peer.
func (n *node) Address() []byte {
	n.core.address = n.addr.append(n.core.address[:0])
	return n.core.address
}

// Wall implements session.Peer.
func (n *node) Wall() time.Duration { return n.core.wall }

// Count implements session.Peer.
func (n *node) Count(k session.Counter) { n.core.stats.Counts[k]++ }

// Answers implements session.Peer.
func (n *node) Answers() *session.Answers { return &n.core.answers }

// dismiss tells a node that somebody else has its client id now. On UDP only if it
// spoke a moment ago: the address may be another's by now (C3).
func (n *node) dismiss(now shard.Time) {
	if !n.away && (n.addr.peer.Kind() != radio.KindUDP || n.session.Recent(now)) {
		n.Send(&mqttsn.Disconnect{})
	}
}

// transmit sends a message, in encapsulation if the node is behind a forwarder.
func (n *node) transmit(message []byte) {
	n.core.reply(n.addr, *n.local, n.ctrl, message)
}

// reply sends a message to an address, by way of its forwarder if it has one.
func (c *Core) reply(to Address, local radio.Addr, ctrl byte, message []byte) {
	if to.node.n > 0 {
		f := mqttsn.Forward{Ctrl: ctrl, NodeID: to.node.octets[:to.node.n], Message: message}
		c.wrapped = f.AppendTo(c.wrapped[:0])
		message = c.wrapped
	}
	c.out.Datagram(to.link, to.peer, local, message)
}

// withoutSurplus is a message without what a radio has padded it with.
func withoutSurplus(data []byte) []byte {
	if n, err := mqttsn.Message(data); err == nil {
		return data[:n]
	}
	return data
}

// sortedNodes is all nodes in the order in which they connected.
func (c *Core) sortedNodes() []*node {
	return slices.SortedFunc(c.conns.All, func(a, b *node) int {
		return cmp.Compare(a.session.Conn, b.session.Conn)
	})
}
