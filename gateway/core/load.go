package core

import (
	"strings"

	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/gateway/session"
	"github.com/dormouse-mqtt/dormouse/radio"
)

// load goes on with a node whose session the broker has loaded. One that was
// asleep is asleep again, where it was (L14). Any other was cut off by the
// restart, and is told so when it speaks (C14).
func (c *Core) load(now shard.Time, w *shard.Wake) {
	clientID := w.Client
	r, err := session.ParseRecord(w.Ext, w.Details, c.wall)
	if err != nil || !r.Asleep {
		return
	}
	addr, ok := parseAddress(r.Address)
	if !ok {
		return
	}
	conn := c.up.Reattach(clientID)
	if conn == 0 {
		return
	}
	n := &node{core: c, addr: addr, local: c.locals.keep(radio.Addr{}), away: true}
	away := session.Limits{LinkInfo: &shard.LinkInfo{Listener: r.Listener}}
	n.session = session.Load(now, conn, &r, clientID, away, c.predefined(clientID))
	c.conns.Put(n)
	c.clients.Put(n)
	for id, link := range c.links {
		n.place(now, id, link)
	}
	c.settle(n)
}

// linkUp gives the loaded nodes of a link that has come up their addresses.
func (c *Core) linkUp(now shard.Time, id shard.LinkID, link *shard.LinkInfo) {
	for _, n := range c.sortedNodes() {
		n.place(now, id, link)
	}
}

// place puts a loaded node where it was, if that is on this link: it wakes by
// PINGREQ, with its client id or without.
func (n *node) place(now shard.Time, id shard.LinkID, link *shard.LinkInfo) {
	if !n.away || !sameListener(n.session.Listener(), link.Listener) {
		return
	}
	n.away = false
	n.addr.link = id
	if c := n.core; c.nodes.Get(n.addr) == nil {
		c.settleAt(n)
	}
	o := origin{Address: n.addr, link: link}
	n.session.Place(now, o.limits())
	n.core.settle(n)
}

// sameListener says whether two URLs are of the same listener, with whatever
// options.
func sameListener(a, b string) bool {
	a, _, _ = strings.Cut(a, "?")
	b, _, _ = strings.Cut(b, "?")
	return a == b
}
