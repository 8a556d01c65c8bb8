package session

import (
	"slices"
	"time"

	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/mqttsn"
)

// An inbound is a message of QoS 1 or 2 that was taken from the node: its id and
// what it said, so that its repetition is known for one (P6). The DUP flag says
// nothing (P5).
type inbound struct {
	id     uint16
	qos    byte   // 0: the place is free
	open   bool   // QoS 2: the node has not released the id
	answer uint32 // the newest answer about it, as Session.gated counts
	hash   uint64 // of the message
	// until is when it is forgotten; while it is open, when it may be if
	// another needs the place.
	until shard.Time
}

const (
	// maxInbound is how many messages of a node are remembered, and so how many
	// it may have in flight (P8).
	maxInbound = 64
	// abandoned is how long a node may leave an exchange of QoS 2 alone.
	abandoned = 24 * time.Hour
)

// window is how long a message is remembered: as long as the node may repeat
// it (P6).
func (s *Session) window() time.Duration {
	return time.Duration(s.link.Retries) * s.link.Retry
}

// fingerprint is a hash (FNV-1a, 64 bit) of all that a repetition has in common
// with the message.
func fingerprint(p *mqttsn.Publish) uint64 {
	h := uint64(14695981039346656037)
	octet := func(b byte) { h = (h ^ uint64(b)) * 1099511628211 }
	flags := byte(p.QoS)<<4 | byte(p.TopicIDType)<<1
	if p.Retain {
		flags |= 1
	}
	octet(flags)
	octet(byte(p.TopicID >> 8))
	octet(byte(p.TopicID))
	for _, b := range p.Data {
		octet(b)
	}
	return h
}

// repetition finds the message that p repeats: the same id and the same
// content. While an exchange of QoS 2 is open its id alone says so
// [MQTT-4.3.3-10]: duplicates are found by message id (P5), and P6 adds the
// content only where MQTT has forgotten the id. An id of zero is none (P3), but
// QoS 2 cannot do without.
func (s *Session) repetition(p *mqttsn.Publish, hash uint64) *inbound {
	for i := range s.inbounds() {
		m := &s.rare.inbound[i]
		if m.qos > 0 && m.id == p.MsgID && (m.hash == hash || m.open && p.QoS == mqttsn.QoS2) {
			return m
		}
	}
	return nil
}

func (s *Session) inbounds() []inbound {
	if s.rare == nil {
		return nil
	}
	return s.rare.inbound
}

// forget drops what the node cannot repeat any more. Its place is stored anew
// when another message has it.
func (s *Session) forget(now shard.Time) {
	used := 0
	for i, m := range s.inbounds() {
		switch {
		case m.qos > 0 && !m.open && now >= m.until:
			s.rare.inbound[i] = inbound{}
		case m.qos > 0:
			used = i + 1
		}
	}
	switch {
	case used > 0:
		s.rare.inbound = s.rare.inbound[:used]
	case s.rare != nil:
		s.rare.inbound = nil
	}
}

// place finds a place for one more message; negative: the node has too many in
// flight. What is done with at QoS 1 makes room, the oldest first: forgotten too
// early it comes twice, which QoS 1 may. At QoS 2 only what was abandoned does.
func (s *Session) place(now shard.Time) int {
	list := s.needRare().inbound
	if i := slices.IndexFunc(list, func(m inbound) bool { return m.qos == 0 }); i >= 0 {
		return i
	}
	if len(list) < maxInbound {
		s.rare.inbound = append(list, inbound{})
		return len(list)
	}
	oldest := -1
	for i, m := range list {
		if m.qos == 1 && (oldest < 0 || m.until < list[oldest].until) {
			oldest = i
		}
	}
	if oldest >= 0 {
		return oldest
	}
	return slices.IndexFunc(list, func(m inbound) bool { return m.open && now >= m.until })
}

// remember keeps a message that was taken, also over a restart if the session
// is: it is a record of its own.
func (s *Session) remember(now shard.Time, at int, p *mqttsn.Publish, hash uint64, up Uplink, peer Peer, out *shard.Out) shard.Mark {
	if s.rare.inbound[at].open {
		peer.Count(Abandoned)
	}
	m := inbound{id: p.MsgID, qos: 1, hash: hash, until: now + s.window(), answer: s.released()}
	if p.QoS == mqttsn.QoS2 {
		m.qos, m.open, m.until = 2, true, now+abandoned
	}
	s.rare.inbound[at] = m
	return s.storeInbound(at, up, peer, out)
}

// exchange finds the exchange of QoS 2 of an id: the open one, or one that is
// done with.
func (s *Session) exchange(id uint16) (at int) {
	at = -1
	for i, m := range s.inbounds() {
		if m.qos == 2 && m.id == id && (m.open || at < 0) {
			at = i
		}
	}
	return at
}

// Withdraw refuses a message that the broker took and has withdrawn; its
// acknowledgement, behind as many answers as are ahead of it, does not leave.
func (s *Session) Withdraw(now shard.Time, id, topicID uint16, ahead int32, up Uplink, peer Peer, out *shard.Out) {
	peer.Count(Withdrawn)
	for at, m := range s.inbounds() {
		if m.qos > 0 && m.id == id && s.unreleased(m.answer) {
			s.clearPlace(at, up, peer, out)
		}
	}
	s.waiting--
	if f := s.flight; f != nil && f.held > ahead {
		f.held--
	}
	s.Tell(&mqttsn.Puback{TopicID: topicID, MsgID: id, Code: mqttsn.Congestion}, peer)
	s.Wake(now, up, peer, out)
}

// Unlearn forgets messages of an id that were withdrawn; the node will send them
// again.
func (s *Session) Unlearn(id uint16, up Uplink, peer Peer, out *shard.Out) {
	for at, m := range s.inbounds() {
		if m.qos > 0 && m.id == id {
			s.clearPlace(at, up, peer, out)
		}
	}
}

func (s *Session) clearPlace(at int, up Uplink, peer Peer, out *shard.Out) {
	s.rare.inbound[at] = inbound{}
	s.storeInbound(at, up, peer, out)
}
