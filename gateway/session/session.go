// Package session is the server side of one MQTT-SN node: connected, asleep or
// awake, its topic ids, and what is under way to it. It is a connection of a
// broker session, which holds the node's queue; one mechanism for nodes that
// listen and for those that sleep.
//
// It only decides. Packets and the time come in; packets go out by a Peer.
// Numbers in parentheses are sections of MQTT-SN 1.2, letters with a number
// rows of this project's readings of it.
package session

import (
	"time"

	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/mqttsn"
)

// A State is where a node stands (6.14, figure 3).
type State uint8

// The states. Awake is the part of a sleep in which the node listens.
const (
	Connecting State = iota // CONNECT waits for the broker's answer
	Active
	Asleep
	Awake
	Gone // disconnected or lost: the session is over for the gateway
)

// Limits are what a node's link and forwarder allow.
type Limits struct {
	*shard.LinkInfo
	MTU int32 // octets of the largest message to the node
}

const (
	// idleLimit ends a node without keep alive that says nothing (C7).
	idleLimit = 24 * time.Hour
	// waitCongested is T_WAIT (7.2), for a node that answers "congestion".
	waitCongested = 5 * time.Minute
)

// A Peer is the node as the session sees it.
type Peer interface {
	// Send sends p now.
	Send(p mqttsn.Packet)
	// Gate sends p when mark is durable, and after all that waits already. It
	// says whether p waits; Released is called for each that did, in order.
	Gate(mark shard.Mark, p mqttsn.Packet) (waits bool)
	// Address is what the node's link calls it, until the next call.
	Address() []byte
	// Wall is the wall clock at time zero.
	Wall() time.Duration
	// Answers are packets that serve again with each call.
	Answers() *Answers
	// Count counts something.
	Count(c Counter)
}

// Answers are the packets that a node gets for each message of its own.
type Answers struct {
	Puback  mqttsn.Puback
	Pubrec  mqttsn.Pubrec
	Pubcomp mqttsn.Pubcomp
}

// A Session is the gateway's side of one node.
type Session struct {
	ClientID string
	Conn     shard.ConnID // of the broker session

	link       *shard.LinkInfo
	lastSeen   shard.Time
	until      shard.Time // asleep: when it is lost; awake: when a wake has lasted long enough
	topics     *topics
	predefined *Predefined
	flight     *flight // nil: nothing is under way
	rare       *rare   // nil: nothing of that

	mtu         int32   // octets of the largest message to the node
	gated       uint32  // answers that ever had to wait
	asked       request // the newest, apart from messages
	wokenOctets int32   // payloads begun in this wake,
	woken       int16   // and messages
	waiting     int16   // answers that wait for the store; deliveries wait for them (T16)
	keepAlive   uint16  // seconds, as the node announced it; 0: none
	sleep       uint16  // likewise

	state   State
	clean   bool
	kept    bool // its record is stored
	fresh   bool // the broker had no session of the client id before,
	heard   bool // and the node has said something since CONNECT
	greeted bool // CONNACK has left
	probed  bool // a PINGREQ of ours is under way (C15)
}

// New begins a session whose CONNECT was passed on to the broker as conn.
func New(now shard.Time, conn shard.ConnID, c *mqttsn.Connect, clientID string, limits Limits, predefined *Predefined) Session {
	return Session{
		ClientID: clientID, Conn: conn, clean: c.CleanSession, kept: !c.CleanSession,
		link: limits.LinkInfo, mtu: limits.MTU, keepAlive: c.Duration, lastSeen: now,
		topics: &noTopics, predefined: predefined,
	}
}

// Repeats says whether a CONNECT is the one that this began with.
func (s *Session) Repeats(c *mqttsn.Connect, clientID string) bool {
	return clientID == s.ClientID && c.CleanSession == s.clean && c.Duration == s.keepAlive && c.ProtocolID == mqttsn.ProtocolID && !c.Will
}

// State is where the node stands.
func (s *Session) State() State { return s.state }

// Listener is the URL of the node's link.
func (s *Session) Listener() string { return s.link.Listener }

// Deadline is when Advance is due; zero: never.
func (s *Session) Deadline() (at shard.Time) {
	switch s.state {
	case Active:
		at = s.lastSeen + s.silence()
		if s.keepAlive > 0 && !s.probed {
			at = s.lastSeen + s.announced()
		}
	case Asleep:
		at = s.until
	}
	if f := s.flight; f != nil && f.held == 0 && (at == 0 || f.due < at) {
		at = f.due
	}
	return at
}

// Accepted goes on after the broker has attached the session: with the topic
// ids that were stored with it (T5).
func (s *Session) Accepted(now shard.Time, w *shard.Wake, up Uplink, peer Peer, out *shard.Out) {
	s.state = Active
	s.fresh = s.fresh || !w.Present
	mark := w.Mark
	if s.recall(now, w.Ext, w.Details, peer.Wall()) {
		mark = max(mark, s.store(now, up, peer, out))
	}
	s.greeted = !s.answer(mark, &mqttsn.Connack{Code: mqttsn.Accepted}, peer)
	s.deliver(now, up, peer, out)
}

// Released goes on after an answer that waited has left.
func (s *Session) Released(now shard.Time, up Uplink, peer Peer, out *shard.Out) {
	s.waiting--
	s.greeted = true
	s.flight.left(now, s.retry())
	s.Wake(now, up, peer, out)
}

// Wake tells that the broker session has something to deliver.
func (s *Session) Wake(now shard.Time, up Uplink, peer Peer, out *shard.Out) {
	s.deliver(now, up, peer, out)
}

// Step handles a packet from the node, other than CONNECT.
func (s *Session) Step(now shard.Time, p mqttsn.Packet, up Uplink, peer Peer, out *shard.Out) {
	if s.state == Connecting || s.state == Gone {
		return
	}
	s.lastSeen, s.probed, s.heard = now, false, true
	if s.state == Asleep { // a sign of life (S14)
		s.until = now + s.patience()
	}
	r, asks := describe(p)
	if asks && s.tooBusy(r, peer) {
		return
	}
	before := s.gated
	s.handle(now, p, up, peer, out)
	if asks {
		r.answer = s.released()
		if s.gated != before {
			r.answer = s.gated
		}
		s.asked = r
	}
}

func (s *Session) handle(now shard.Time, p mqttsn.Packet, up Uplink, peer Peer, out *shard.Out) {
	switch p := p.(type) {
	case *mqttsn.Publish:
		s.publish(now, p, up, peer, out)
	case *mqttsn.Puback:
		s.puback(now, p, up, peer, out)
	case *mqttsn.Register:
		s.register(now, p, up, peer, out)
	case *mqttsn.Regack:
		s.regack(now, p, up, peer, out)
	case *mqttsn.Subscribe:
		s.subscribe(now, p, up, peer, out)
	case *mqttsn.Unsubscribe:
		s.unsubscribe(now, p, up, peer, out)
	case *mqttsn.Pingreq:
		s.pingreq(now, up, peer, out)
	case *mqttsn.Disconnect:
		s.disconnect(now, p, up, peer, out)
	case *mqttsn.Willtopicupd: // there are no wills to update yet
		s.Tell(&mqttsn.Willtopicresp{Code: mqttsn.NotSupported}, peer)
	case *mqttsn.Willmsgupd:
		s.Tell(&mqttsn.Willmsgresp{Code: mqttsn.NotSupported}, peer)
	case *mqttsn.Pubrel:
		s.pubrel(now, p, up, peer, out)
	case *mqttsn.Pubrec:
		s.pubrec(now, p, up, peer, out)
	case *mqttsn.Pubcomp:
		s.pubcomp(now, p, up, peer, out)
	}
}

// Advance does what is due.
func (s *Session) Advance(now shard.Time, up Uplink, peer Peer, out *shard.Out) {
	if s.flight.isDue(now) {
		s.repeat(now, up, peer, out)
	}
	switch s.state {
	case Active:
		s.supervise(now, up, peer, out)
	case Asleep:
		if now >= s.until {
			s.lose(now, up, peer, out)
		}
	}
}

// supervise asks a silent node once, then takes it for lost (C15).
func (s *Session) supervise(now shard.Time, up Uplink, peer Peer, out *shard.Out) {
	limit := s.silence()
	switch {
	case now >= s.lastSeen+limit:
		s.lose(now, up, peer, out)
	case s.keepAlive > 0 && !s.probed && now >= s.lastSeen+s.announced():
		s.probed = true
		s.Tell(&mqttsn.Pingreq{}, peer)
	}
}

// announced is the node's keep alive.
func (s *Session) announced() time.Duration { return time.Duration(s.keepAlive) * time.Second }

// silence is how long an active node may say nothing.
func (s *Session) silence() time.Duration {
	if s.keepAlive == 0 {
		return idleLimit
	}
	return s.announced() * 3 / 2
}

// lose ends the session of a node that fell silent: its will is due (S17).
func (s *Session) lose(now shard.Time, up Uplink, peer Peer, out *shard.Out) {
	s.End(now, true, up, peer, out)
}

// End ends the connection; lost: without the node's goodbye. A restart is not to
// find it asleep.
func (s *Session) End(now shard.Time, lost bool, up Uplink, peer Peer, out *shard.Out) {
	slept := s.state == Asleep || s.state == Awake
	s.state = Gone
	s.flight = nil
	if slept {
		s.store(now, up, peer, out)
	}
	if s.Idle() {
		up.Discard(now, s.Conn, out)
		return
	}
	up.Close(now, s.Conn, lost, out)
}

// Recent says that the node spoke within T_retry.
func (s *Session) Recent(now shard.Time) bool { return now <= s.lastSeen+s.link.Retry }

// Idle says that the session is new, and nothing has followed CONNECT: nothing
// would be kept with it, and it is not.
func (s *Session) Idle() bool { return s.fresh && !s.heard }

// BeginsAnew says that the session that the broker has is one that was idle.
func (s *Session) BeginsAnew() { s.fresh = true }
