package session

import (
	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/mqttsn"
)

// A stage is how far a delivery has come.
type stage uint8

const (
	registering stage = iota // REGACK is awaited
	publishing               // PUBACK is awaited
)

// A flight is the one message under way to the node (6).
type flight struct {
	Delivery
	stage      stage
	idType     mqttsn.TopicIDType
	id         uint16
	regID      uint16 // message id of the REGISTER
	tries      int
	due        shard.Time // of the next repetition
	registered bool       // the node was told the id for this very message (T8)
}

// deliver sends what comes next: one message under way (6), and PINGRESP only
// after the last acknowledgement, for it lets the node switch its radio off (6.14).
func (s *Session) deliver(now shard.Time, up Uplink, peer Peer, out *shard.Out) {
	for s.waiting == 0 && s.flight == nil && (s.state == Active || s.state == Awake) {
		if s.state == Awake && s.woken >= wakeMessages { // S6
			peer.Send(&mqttsn.Pingresp{})
			s.fallAsleep(now, up)
			return
		}
		d, more := up.Next(now, s.Conn, out)
		if !more {
			if s.state == Awake {
				peer.Send(&mqttsn.Pingresp{})
				s.fallAsleep(now, up)
			}
			return
		}
		s.begin(now, d, up, peer, out)
	}
}

// begin starts a delivery. A message that the node can not take or has refused
// ends here (P10, T3).
func (s *Session) begin(now shard.Time, d Delivery, up Uplink, peer Peer, out *shard.Out) {
	f := &flight{Delivery: d}
	s.flight = f
	if s.topics.refused(d.Topic) || !s.fits(&d) {
		s.land(now, up, out)
		return
	}
	var known bool
	f.idType, f.id, known = s.name(d.Topic)
	if !known && f.id == 0 { // the table is full
		s.land(now, up, out)
		return
	}
	s.woken++
	if !known {
		s.sendRegister(now, peer)
		return
	}
	s.sendPublish(now, d.Dup, up, peer, out)
}

// publishHeader is the longest PUBLISH header, in octets, long form included.
const publishHeader = 9

// fits says whether the message, and a REGISTER of its name, fit the link.
func (s *Session) fits(d *Delivery) bool {
	return max(len(d.Payload)+publishHeader, len(d.Topic)+8) <= int(s.limits.MTU)
}

// name says how the node knows a topic: by an id that it was given, by a
// predefined id (T9), as a short name (T10), or by an id that it has yet to be
// told.
func (s *Session) name(topic string) (mqttsn.TopicIDType, uint16, bool) {
	id, told := s.topics.id(topic)
	if told {
		return mqttsn.TopicNormal, id, true
	}
	if pre, ok := s.predefined.ID(topic); ok {
		return mqttsn.TopicPredefined, pre, true
	}
	if len(topic) == 2 {
		return mqttsn.TopicShort, mqttsn.ShortID([]byte(topic)), true
	}
	if id == 0 {
		id, _ = s.topics.add(topic, s.predefined.Highest())
	}
	return mqttsn.TopicNormal, id, false
}

func (s *Session) sendRegister(now shard.Time, peer Peer) {
	f := s.flight
	f.stage = registering
	f.registered = true
	f.regID = s.topics.nextMsgID()
	f.tries = 0
	s.sendFlight(now, false, peer)
}

func (s *Session) sendPublish(now shard.Time, dup bool, up Uplink, peer Peer, out *shard.Out) {
	f := s.flight
	f.stage = publishing
	f.tries = 0
	s.sendFlight(now, dup, peer)
	if f.QoS == 0 {
		s.land(now, up, out)
	}
}

// sendFlight sends what is under way, for the first time or again.
func (s *Session) sendFlight(now shard.Time, dup bool, peer Peer) {
	f := s.flight
	f.due = now + s.retry()
	if f.stage == registering {
		peer.Send(&mqttsn.Register{TopicID: f.id, MsgID: f.regID, TopicName: []byte(f.Topic)})
		return
	}
	peer.Send(&mqttsn.Publish{
		Dup: dup && f.QoS > 0, QoS: mqttsn.QoS(f.QoS), Retain: f.Retain,
		TopicIDType: f.idType, TopicID: f.id, MsgID: f.MsgID, Data: f.Payload,
	})
}

func (s *Session) retry() shard.Time {
	if s.state == Awake {
		return s.limits.AwakeRetry
	}
	return s.limits.Retry
}

// repeat sends what was not acknowledged again. A sleeper that stays silent is
// left alone until it wakes again (S4); an active node is lost.
func (s *Session) repeat(now shard.Time, up Uplink, peer Peer, out *shard.Out) {
	if s.flight.tries < s.limits.Retries {
		s.flight.tries++
		s.sendFlight(now, true, peer)
		return
	}
	if s.state == Awake {
		s.fallAsleep(now, up)
		return
	}
	s.lose(now, up, out)
}

// regack goes on with a registration.
func (s *Session) regack(now shard.Time, p *mqttsn.Regack, up Uplink, peer Peer, out *shard.Out) {
	f := s.flight
	if f == nil || f.stage != registering || p.MsgID != f.regID {
		return
	}
	switch p.Code {
	case mqttsn.Accepted:
		if p.TopicID != f.id { // a late one: message ids begin anew with each connection
			return
		}
		if s.topics.tell(f.Topic) {
			up.Extend(s.Conn, s.topics.append(nil), out)
		}
		s.sendPublish(now, f.Dup, up, peer, out)
	case mqttsn.Congestion: // T4
		f.due = now + waitCongested
		return
	default:
		s.refuse(now, up, out)
	}
	s.deliver(now, up, peer, out)
}

// puback ends a delivery.
func (s *Session) puback(now shard.Time, p *mqttsn.Puback, up Uplink, peer Peer, out *shard.Out) {
	f := s.flight
	if f == nil || f.stage != publishing || p.MsgID != f.MsgID {
		return
	}
	switch p.Code {
	case mqttsn.Congestion:
		f.due = now + waitCongested
		return
	case mqttsn.InvalidTopicID:
		if !f.registered && f.idType == mqttsn.TopicNormal { // T8
			s.sendRegister(now, peer)
			return
		}
		s.refuse(now, up, out)
	default:
		s.land(now, up, out)
	}
	s.deliver(now, up, peer, out)
}

// refuse gives the message up, and its topic until the node subscribes or
// connects again (T3).
func (s *Session) refuse(now shard.Time, up Uplink, out *shard.Out) {
	s.topics.refuse(s.flight.Topic)
	s.land(now, up, out)
}

// land ends the flight: the broker session forgets the message.
func (s *Session) land(now shard.Time, up Uplink, out *shard.Out) {
	if s.flight.QoS > 0 {
		up.Ack(now, s.Conn, s.flight.MsgID, out)
	}
	s.flight = nil
}
