package session

import (
	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/mqttsn"
)

// regack goes on with a registration.
func (s *Session) regack(now shard.Time, p *mqttsn.Regack, up Uplink, peer Peer, out *shard.Out) {
	f := s.flight
	if f == nil || f.stage != registering || p.MsgID != f.regID {
		return
	}
	if p.TopicID != f.id && (p.Code == mqttsn.Accepted || p.TopicID != 0) {
		return // a late one: message ids begin anew with each connection
	}
	switch p.Code {
	case mqttsn.Accepted:
		if s.topics.tell(f.Topic) {
			s.store(now, up, peer, out)
		}
		s.sendPublish(now, up, peer, out)
	case mqttsn.Congestion:
		s.congested(now, up, peer)
		return
	default:
		s.refuse(now, up, peer, out)
	}
	s.deliver(now, up, peer, out)
}

// congested has everything wait for a node that cannot take more: for a while,
// or until it wakes again (T4).
func (s *Session) congested(now shard.Time, up Uplink, peer Peer) {
	if s.state == Awake {
		s.doze(now, up, peer)
		return
	}
	s.flight.due = now + waitCongested
}

// puback ends a delivery of QoS 1, or refuses one.
func (s *Session) puback(now shard.Time, p *mqttsn.Puback, up Uplink, peer Peer, out *shard.Out) {
	f := s.flight
	if f == nil || f.stage != publishing || p.MsgID != f.MsgID || f.QoS == 2 && p.Code == mqttsn.Accepted {
		return
	}
	switch p.Code {
	case mqttsn.Congestion:
		s.congested(now, up, peer)
		return
	case mqttsn.InvalidTopicID:
		switch {
		case !f.registered && f.idType == mqttsn.TopicNormal: // T8
			s.renumber(up)
			s.sendRegister(now, 0, peer)
			return
		case f.QoS == 2 && !f.doubted: // a late copy of the first refusal, or a second: the next repetition tells
			f.doubted = true
			return
		}
		s.refuse(now, up, peer, out)
	case mqttsn.Accepted:
		s.land(now, up, out)
	default:
		s.giveUp(now, NotTaken, up, peer, out)
	}
	s.deliver(now, up, peer, out)
}

// renumber gives the message under way another message id, so that a late copy of
// the refusal is not taken for a second one (T8). Of QoS 2 it keeps its id: the
// node may have refused one copy and taken another, and knows it by that.
func (s *Session) renumber(up Uplink) {
	if s.flight.QoS == 2 {
		s.flight.Dup = true
		return
	}
	if id := up.Renumber(s.Conn, s.flight.MsgID); id != 0 {
		s.flight.MsgID, s.flight.Dup = id, false
	}
}

// pubrec notes that the node has a message of QoS 2, and lets it forget the
// exchange once that is stored (L4). The node may be asleep again, or know of an
// exchange that we do not: PUBREL lets it finish (P7).
func (s *Session) pubrec(now shard.Time, p *mqttsn.Pubrec, up Uplink, peer Peer, out *shard.Out) {
	f := s.flight
	mine := f != nil && f.QoS == 2 && f.MsgID == p.MsgID
	if mine && f.stage == releasing { // PUBREL was lost
		s.again(now, peer)
		return
	}
	known, mark := up.Received(s.Conn, p.MsgID, out)
	if mine && known {
		f.Payload = nil
		s.launch(now, releasing, mark, peer)
		return
	}
	s.answer(mark, &mqttsn.Pubrel{MsgID: p.MsgID}, peer)
	if mine { // the broker gave it up
		s.flight = nil
		s.deliver(now, up, peer, out)
	}
}

// pubcomp ends a delivery of QoS 2.
func (s *Session) pubcomp(now shard.Time, p *mqttsn.Pubcomp, up Uplink, peer Peer, out *shard.Out) {
	up.Completed(s.Conn, p.MsgID, out)
	if f := s.flight; f != nil && f.stage == releasing && f.MsgID == p.MsgID {
		s.flight = nil
		s.deliver(now, up, peer, out)
	}
}
