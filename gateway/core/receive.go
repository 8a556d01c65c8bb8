package core

import (
	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/gateway/session"
	"github.com/dormouse-mqtt/dormouse/mqttsn"
	"github.com/dormouse-mqtt/dormouse/radio"
)

// An origin is where a message came from and what is allowed there.
type origin struct {
	Address
	link  *shard.LinkInfo
	local radio.Addr
	admit bool // anonymous clients are accepted from there

	relayed bool // by another shard, which did nothing with it
	ctrl    byte // of the encapsulation, which answers repeat (P16)
}

// receive handles one datagram. What is malformed is counted, and gets no
// answer (P13).
func (c *Core) receive(now shard.Time, id shard.LinkID, link *shard.LinkInfo, d *radio.Datagram, relayed bool) {
	c.current = nil // whoever a panic finds here sent nothing of this (L15)
	if !relayed {
		c.stats.Received++
	}
	o := origin{
		Address: Address{link: id, peer: d.Addr},
		link:    link, local: d.Local,
		admit: link.Anonymous.Admits(d.Addr.IsLoopback()), relayed: relayed,
	}
	data := d.Data
	p, ok := c.decode(link, data)
	if f, forwarded := p.(*mqttsn.Forward); ok && forwarded {
		if !o.behind(f, c) {
			return
		}
		data = f.Message
		p, ok = c.decode(link, data)
	}
	if ok && !c.elsewhere(&o, p, d) {
		c.packet(now, &o, p, data)
	}
}

// decode reads one message, within the link's limits.
func (c *Core) decode(link *shard.LinkInfo, data []byte) (mqttsn.Packet, bool) {
	p, surplus, err := c.decoder.Decode(data)
	if err != nil {
		c.malformed(err)
		return nil, false
	}
	if surplus > 0 {
		c.stats.Surplus += uint64(surplus)
		if link.Exact { // the framing says where a message ends (P11)
			c.stats.Malformed++
			return nil, false
		}
	}
	return p, true
}

func (c *Core) malformed(err error) {
	c.stats.Malformed++
	c.stats.DropClasses[mqttsn.ClassOf(err)]++
}

// behind makes the origin the node that a forwarder spoke for (5.5), if
// forwarders are accepted there.
func (o *origin) behind(f *mqttsn.Forward, c *Core) bool {
	switch {
	case !o.link.Forwarders || !o.admit:
		c.stats.ForwarderRefused++
		return false
	case len(f.NodeID) > maxNodeID:
		c.stats.NodeIDTooLong++
		return false
	}
	o.node.n = uint8(copy(o.node.octets[:], f.NodeID))
	o.ctrl = f.Ctrl
	return true
}

// packet hands a message to the node that it is from, or treats it as a
// stranger's.
func (c *Core) packet(now shard.Time, o *origin, p mqttsn.Packet, data []byte) {
	n := c.nodes.Get(o.Address)
	data = withoutSurplus(data)
	if len(data) > o.link.MaxPacket {
		c.tooLarge(n, p)
		return
	}
	switch p := p.(type) {
	case *mqttsn.Connect:
		c.connect(now, o, n, p)
		return
	case *mqttsn.Searchgw:
		c.discover(o)
		return
	case *mqttsn.Advertise, *mqttsn.Gwinfo: // other gateways'
		return
	case *mqttsn.Publish:
		if p.QoS == mqttsn.QoSMinus1 && n == nil {
			c.publishMinus1(now, o, p)
			return
		}
	case *mqttsn.Pingreq:
		if err := p.Check(); err != nil { // nobody's, and no answer (C14)
			c.stats.DropClasses[mqttsn.ClassOf(err)]++
			return
		}
		if len(p.ClientID) > 0 && (n == nil || n.session.ClientID != string(p.ClientID)) {
			if n = c.roam(now, o, string(p.ClientID)); n == nil {
				c.scold(now, o)
				return
			}
		}
	}
	if n == nil {
		c.stranger(now, o, p)
		return
	}
	n.fresh, n.ctrl = false, o.ctrl
	n.hears(o.local)
	if n.session.State() == session.Asleep && request(p) {
		c.stats.FromSleepers++
	}
	c.current = n
	n.session.Step(now, p, c.up, n, c.out)
	c.settle(n)
}

// request says whether a packet asks for what by the text needs a CONNECT after
// a sleep (S14).
func request(p mqttsn.Packet) bool {
	switch p.(type) {
	case *mqttsn.Publish, *mqttsn.Register, *mqttsn.Subscribe, *mqttsn.Unsubscribe:
		return true
	default:
		return false
	}
}

// tooLarge refuses a message above the listener's limit (P10). Only a PUBLISH has
// an answer that says so.
func (c *Core) tooLarge(n *node, p mqttsn.Packet) {
	c.stats.TooLarge++
	if p, ok := p.(*mqttsn.Publish); ok && n != nil && p.QoS >= mqttsn.QoS1 {
		n.session.Tell(&mqttsn.Puback{TopicID: p.TopicID, MsgID: p.MsgID, Code: mqttsn.NotSupported}, n)
	}
}

// publishMinus1 takes a message from somebody who never connected: where
// anonymous publishing is accepted, by short name or an id of all nodes, and
// never with an answer (P1).
func (c *Core) publishMinus1(now shard.Time, o *origin, p *mqttsn.Publish) {
	name, code := c.common.Resolve(p)
	if !o.admit || code != mqttsn.Accepted {
		c.stats.QoSMinus1Refused++
		if !o.admit {
			c.out.Note(shard.Note{Kind: shard.NoteRefusedAnonymous, Listener: o.link.Listener, Peer: o.peer})
		}
		return
	}
	c.stats.QoSMinus1++
	c.up.Publish(now, 0, session.Publication{Topic: name, Payload: p.Data, Retain: p.Retain}, c.out)
}

// discover answers SEARCHGW (6.1, P14).
func (c *Core) discover(o *origin) {
	if o.admit {
		c.scratch = (&mqttsn.Gwinfo{GwID: o.link.GwID}).AppendTo(c.scratch[:0])
		c.reply(o.Address, o.local, o.ctrl, c.scratch)
	}
}
