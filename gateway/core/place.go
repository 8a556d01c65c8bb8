package core

import (
	"slices"

	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/mqttsn"
	"github.com/dormouse-mqtt/dormouse/radio"
)

// Places say on which shard the node of an address lives. Shards read them for
// each datagram of somebody they do not know; only the shard of a node writes
// where it is.
type Places interface {
	Find(a Address) (shard int, known bool)
	// Claim puts an address on a shard, and says where it was.
	Claim(a Address, shard int) (before int, had bool)
	// Leave forgets the address, if it is still on the shard.
	Leave(a Address, shard int)
}

// elsewhere passes a message on that is for another shard: who connects or wakes
// with a client id belongs to the shard of that, everybody else to where its
// address is (L12).
func (c *Core) elsewhere(o *origin, p mqttsn.Packet, d *radio.Datagram) bool {
	if c.options.Shards < 2 || o.relayed {
		return false
	}
	to := c.options.Shard
	if id := o.claims(p); id != "" {
		to = shard.Owner(id, c.options.Shards)
	} else if c.nodes.Get(o.Address) != nil {
		return false
	} else if at, known := c.options.Places.Find(o.Address); known {
		to = at
	}
	if to == c.options.Shard {
		return false
	}
	c.relay(to, shard.Datagrams, o.Address.link, *d)
	return true
}

// claims is the client id that a message is sent under; "": it names none.
func (o *origin) claims(p mqttsn.Packet) string {
	switch p := p.(type) {
	case *mqttsn.Connect:
		id, _ := o.clientID(p)
		return id
	case *mqttsn.Pingreq:
		return string(p.ClientID)
	}
	return ""
}

func (c *Core) relay(to int, kind shard.Kind, link shard.LinkID, d radio.Datagram) {
	d.Data = slices.Clone(d.Data)
	c.stats.Relayed++
	c.out.Relays = append(c.out.Relays, shard.Relay{To: to, Kind: kind, Link: link, Datagram: d})
}

// settleAt puts a node at its address. Whoever was there, here or on another
// shard, has lost it (C4).
func (c *Core) settleAt(n *node) {
	c.put(n)
	if c.options.Places == nil {
		return
	}
	before, had := c.options.Places.Claim(n.addr, c.options.Shard)
	if had && before != c.options.Shard {
		c.relay(before, shard.Displaced, n.addr.link, radio.Datagram{Addr: n.addr.peer, Data: n.addr.node.octets[:n.addr.node.n]})
	}
}

// leaveFrom takes a node off its address, if it still has it.
func (c *Core) leaveFrom(n *node) {
	if c.nodes.Get(n.addr) != n {
		return
	}
	c.take(n)
	if c.options.Places != nil {
		c.options.Places.Leave(n.addr, c.options.Shard)
	}
}

// put and take keep the table of addresses and what is counted by it. Whoever had
// the address before has lost it.
func (c *Core) put(n *node) {
	if old := c.nodes.Get(n.addr); old != nil {
		c.take(old)
	}
	c.nodes.Put(n)
	c.count(n.addr.link, 1)
	if n.addr.node.n > 0 {
		c.behind[n.addr.forwarder()]++
	}
}

func (c *Core) take(n *node) {
	c.nodes.Delete(n)
	c.count(n.addr.link, -1)
	if n.addr.node.n > 0 {
		f := n.addr.forwarder()
		if c.behind[f]--; c.behind[f] == 0 {
			delete(c.behind, f)
		}
	}
}

func (c *Core) count(link shard.LinkID, by int32) {
	if info := c.links[link]; info != nil && info.Nodes != nil {
		info.Nodes.Add(by)
	}
}

// displaced loses the nodes whose addresses others have on other shards.
func (c *Core) displaced(now shard.Time, link shard.LinkID, batch []radio.Datagram) {
	for i := range batch {
		a := Address{link: link, peer: batch[i].Addr}
		a.node.n = uint8(copy(a.node.octets[:], batch[i].Data))
		n := c.nodes.Get(a)
		if at, known := c.options.Places.Find(a); n == nil || known && at == c.options.Shard {
			continue // it is gone, or has come back
		}
		c.take(n) // the place is another's: nothing to leave
		c.lose(now, n)
	}
}
