package core

import (
	"net/netip"

	"github.com/dormouse-mqtt/dormouse/broker/shard"
)

// How many connections of a shard may not have said CONNECT: in all, and from one
// /24 of IPv4 or /64 of IPv6. Beyond that the oldest of them goes, so that nobody
// keeps others out by saying nothing (L11).
const (
	maxHalfOpen     = 4096
	maxHalfOpenFrom = 1024
)

// halfOpen are the connections that have not said CONNECT.
type halfOpen struct {
	all  waiters
	from map[netip.Prefix]*waiters
	free *waiters // of the last prefix that had some; nil: none
}

// waiters are such connections in the order in which they came. Those that have
// gone on are passed over, and taken out when they are more than the others.
type waiters struct {
	conns []*conn
	live  int
}

func (k *conn) isHalfOpen() bool { return k.state == awaitConnect && !k.ended }

// origin is the prefix that a connection counts for; false: this host's do not.
func origin(i *shard.ConnInfo) (netip.Prefix, bool) {
	ip := i.Remote.Addr().Unmap()
	if !ip.IsValid() || ip.IsLoopback() {
		return netip.Prefix{}, false
	}
	bits := 64
	if ip.Is4() {
		bits = 24
	}
	p, err := ip.Prefix(bits)
	return p, err == nil
}

// enter counts a connection that has just been opened, and closes others if there
// are too many.
func (c *Core) enter(k *conn, out *shard.Out) {
	if c.halfOpen.all.add(k); c.halfOpen.all.live > maxHalfOpen {
		c.crowdOut(&c.halfOpen.all, out)
	}
	prefix, counts := origin(k.info)
	if !counts || k.ended {
		return
	}
	if c.halfOpen.from == nil {
		c.halfOpen.from = map[netip.Prefix]*waiters{}
	}
	w := c.halfOpen.from[prefix]
	if w == nil {
		if w, c.halfOpen.free = c.halfOpen.free, nil; w == nil {
			w = &waiters{}
		}
		c.halfOpen.from[prefix] = w
	}
	if w.add(k); w.live > maxHalfOpenFrom {
		c.crowdOut(w, out)
	}
}

// leaveHalfOpen uncounts a connection that says CONNECT, or ends without.
func (c *Core) leaveHalfOpen(k *conn) {
	c.halfOpen.all.live--
	prefix, counts := origin(k.info)
	if w := c.halfOpen.from[prefix]; counts && w != nil {
		if w.live--; w.live == 0 {
			delete(c.halfOpen.from, prefix)
			w.empty()
			c.halfOpen.free = w
		}
	}
}

func (c *Core) crowdOut(w *waiters, out *shard.Out) {
	c.stats.CrowdedOut++
	k := w.oldest()
	out.Note(shard.Note{Kind: shard.NoteRefused, Listener: k.info.Listener, Peer: &k.info.Remote, Err: errCrowded})
	c.forget(k, out)
}

func (w *waiters) add(k *conn) {
	if len(w.conns) >= 2*w.live+64 {
		left := w.conns[:0]
		for _, k := range w.conns {
			if k.isHalfOpen() {
				left = append(left, k)
			}
		}
		clear(w.conns[len(left):])
		w.conns = left
	}
	w.conns = append(w.conns, k)
	w.live++
}

// empty forgets those who have gone on.
func (w *waiters) empty() {
	clear(w.conns)
	w.conns = w.conns[:0]
}

// oldest is the one that has waited for longest; there is one.
func (w *waiters) oldest() *conn {
	for !w.conns[0].isHalfOpen() {
		w.conns[0] = nil
		w.conns = w.conns[1:]
	}
	return w.conns[0]
}
