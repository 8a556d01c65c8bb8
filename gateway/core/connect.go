package core

import (
	"encoding/hex"
	"errors"
	"time"

	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/gateway/session"
	"github.com/dormouse-mqtt/dormouse/mqttsn"
	"github.com/dormouse-mqtt/dormouse/radio"
)

// expiryKept is how long the broker keeps the session of a node that connected
// without CleanSession.
const expiryKept time.Duration = 0xFFFFFFFF * time.Second

// Why a CONNECT is refused.
var (
	errProtocolID = errors.New("mqtt-sn: CONNECT: protocol id is not 1")
	errClientID   = errors.New("mqtt-sn: CONNECT: client id is empty, too long or no text")
	errWill       = errors.New("mqtt-sn: CONNECT: wills of nodes are not supported")
	errMoved      = errors.New("mqtt-sn: CONNECT: the client id is in use at another address")
	errFull       = errors.New("mqtt-sn: CONNECT: the listener has as many clients as it may")
	errForwarder  = errors.New("mqtt-sn: CONNECT: the forwarder has as many nodes as it may")
	errKept       = errors.New("mqtt-sn: CONNECT: as many sessions of nodes are kept as may be")
)

// connect answers CONNECT (6.2). n is the node at the address, if there is one.
func (c *Core) connect(now shard.Time, o *origin, n *node, p *mqttsn.Connect) {
	clientID, err := o.clientID(p)
	if n != nil && n.fresh && n.session.Repeats(p, clientID) { // the answer was lost: it changes nothing (C1)
		if !n.session.Waits() { // else the answer is yet to leave
			n.Send(&mqttsn.Connack{Code: mqttsn.Accepted})
		}
		return
	}
	if err == nil {
		err = c.judge(now, o, clientID, p)
	}
	if err != nil {
		c.refuse(o, err)
		return
	}
	tries := 1 + max(n.tried(), c.clients.Get(clientID).tried())
	if tries > maxTries {
		c.stats.Counts[session.Unheard]++
		return
	}
	if n != nil && n.session.ClientID != clientID { // the old one is lost (C4)
		c.lose(now, n)
	}
	idle := c.supersede(now, o, clientID, p.CleanSession)
	n = c.admit(now, o, clientID, p)
	n.tries = tries
	if idle && !p.CleanSession {
		n.session.BeginsAnew()
	}
}

// maxTries is how many CONNECTs may wait for one node's answers to leave.
const maxTries = 64

// tried counts the CONNECTs that were taken since an answer last left.
func (n *node) tried() uint8 {
	if n == nil || !n.session.Waits() {
		return 0
	}
	return n.tries
}

// supersede removes the node that has the client id; idle: its session is not
// worth keeping. The broker takes over whatever connection the client id has,
// here or elsewhere (C3), and keeps its session or not, as the node says (C2).
func (c *Core) supersede(now shard.Time, o *origin, clientID string, clean bool) (idle bool) {
	old := c.clients.Get(clientID)
	if old == nil {
		return false
	}
	if s := old.session.State(); clean && (s == session.Asleep || s == session.Awake) {
		c.stats.SleptAway++
	}
	if old.addr != o.Address {
		old.dismiss(now)
	}
	c.remove(old)
	return old.session.Idle()
}

// admit opens a session for a node; the broker's answer goes on with it.
func (c *Core) admit(now shard.Time, o *origin, clientID string, p *mqttsn.Connect) *node {
	var expiry time.Duration
	if !p.CleanSession {
		expiry = expiryKept
	}
	conn := c.up.Open(now, session.Arrival{ClientID: clientID, Clean: p.CleanSession, Expiry: expiry}, c.out)
	n := &node{core: c, addr: o.Address, local: c.locals.keep(o.local), ctrl: o.ctrl, fresh: true}
	n.session = session.New(now, conn, p, clientID, o.limits(), c.predefined(clientID))
	c.conns.Put(n)
	c.clients.Put(n)
	c.settleAt(n)
	c.out.Note(shard.Note{Kind: shard.NoteConnected, Client: clientID, Listener: o.link.Listener, Peer: &n.addr.peer})
	return n
}

// predefined are the topic ids that a node knows without registration.
func (c *Core) predefined(clientID string) *session.Predefined {
	if own := c.options.Predefined[clientID]; own != nil {
		return &session.Predefined{All: c.common.All, Own: own}
	}
	return &c.common
}

func (o *origin) limits() session.Limits {
	mtu := o.link.MTU
	if o.node.n > 0 {
		mtu -= 3 + int(o.node.n) // the encapsulation
	}
	return session.Limits{LinkInfo: o.link, MTU: int32(mtu)}
}

// clientID is the node's client id, derived from its forwarder and its wireless
// node id if it names none itself (C5).
func (o *origin) clientID(p *mqttsn.Connect) (string, error) {
	switch {
	case len(p.ClientID) > mqttsn.MaxClientID: // C5
		return "", errClientID
	case len(p.ClientID) > 0:
		return string(p.ClientID), nil
	case o.node.n > 0:
		return "node-" + o.forwarderName() + "-" + hex.EncodeToString(o.node.octets[:o.node.n]), nil
	default:
		return "", errClientID
	}
}

// errAnonymous is apart from the rest: a configuration line changes it.
var errAnonymous = errors.New("mqtt-sn: CONNECT: anonymous clients are not accepted from there")

// judge says why a CONNECT is not accepted; nil: it is.
func (c *Core) judge(now shard.Time, o *origin, clientID string, p *mqttsn.Connect) error {
	switch {
	case !o.admit:
		return errAnonymous
	case p.ProtocolID != mqttsn.ProtocolID: // C6
		return errProtocolID
	case p.Will:
		return errWill
	case p.Check() != nil && len(p.ClientID) > 0:
		return errClientID
	case !c.mayConnect(c.clients.Get(clientID), o):
		return errMoved
	case !c.takesPlace(clientID, o) && c.onLink(o) >= o.link.MaxClients:
		return errFull
	case o.node.n > 0 && c.nodes.Get(o.Address) == nil && c.behind[o.forwarder()] >= maxBehind:
		return errForwarder
	case !p.CleanSession && !c.mayKeep(now, o, clientID):
		return errKept
	}
	return nil
}

// takesPlace says that a CONNECT makes the link's nodes no more: there is one at
// the address, or the client moves from another (S12).
func (c *Core) takesPlace(clientID string, o *origin) bool {
	old := c.clients.Get(clientID)
	return c.nodes.Get(o.Address) != nil ||
		old != nil && old.addr.link == o.Address.link && c.nodes.Get(old.addr) == old
}

// onLink counts the nodes of a link, on all shards if there are several. Without
// a counter: there are few links, and mostly all nodes are on one.
func (c *Core) onLink(o *origin) (n int) {
	switch {
	case o.link.Nodes != nil:
		return int(o.link.Nodes.Load())
	case len(c.links) == 1:
		return c.conns.Len()
	}
	for node := range c.conns.All {
		if node.addr.link == o.Address.link {
			n++
		}
	}
	return n
}

func (c *Core) refuse(o *origin, err error) {
	code, note := mqttsn.NotSupported, shard.NoteRefused
	switch c.stats.Refused++; err {
	case errAnonymous:
		c.stats.RefusedAnonymous++
		note = shard.NoteRefusedAnonymous
	case errKept:
		c.stats.TooManyKept++
		code = mqttsn.Congestion
	case errFull, errForwarder:
		code = mqttsn.Congestion
	}
	c.out.Note(shard.Note{Kind: note, Listener: o.link.Listener, Peer: o.peer, Err: err})
	c.scratch = (&mqttsn.Connack{Code: code}).AppendTo(c.scratch[:0])
	c.reply(o.Address, o.local, o.ctrl, c.scratch)
}

// mayMove applies the roaming table (S12): whether a client id that is at old
// may go on from o.
func (c *Core) mayMove(old *node, o *origin) bool {
	if old == nil || old.addr == o.Address || o.link.Roam == shard.RoamAny {
		return true
	}
	if old.away && old.addr.peer == o.peer && old.addr.node == o.node { // its link has another name now
		return true
	}
	same := (old.away || old.addr.link == o.Address.link) && old.addr.node == o.node &&
		o.peer.Kind() == radio.KindUDP && old.addr.peer.AddrPort().Addr() == o.peer.AddrPort().Addr()
	return o.link.Roam == shard.RoamSameIP && same
}

// mayConnect is mayMove for a CONNECT, which also comes from elsewhere once the
// old address is out: no link leads there since the restart.
func (c *Core) mayConnect(old *node, o *origin) bool {
	return old != nil && old.away || c.mayMove(old, o)
}

// roam finds the node that a waking PINGREQ with a client id is from, and moves
// it to its new address if that is allowed (S10, S12); nil: it is not.
func (c *Core) roam(now shard.Time, o *origin, clientID string) *node {
	n := c.clients.Get(clientID)
	if n == nil || !o.admit || !c.mayMove(n, o) {
		return nil
	}
	if s := n.session.State(); s != session.Asleep && s != session.Awake {
		return nil
	}
	if other := c.nodes.Get(o.Address); other != nil {
		c.lose(now, other)
	}
	c.leaveFrom(n)
	n.away = false
	n.addr, n.ctrl = o.Address, o.ctrl
	n.hears(o.local)
	c.settleAt(n)
	n.session.Roam(now, o.limits(), c.up, n, c.out)
	return n
}
