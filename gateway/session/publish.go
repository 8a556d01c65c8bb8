package session

import (
	"strings"
	"unicode/utf8"

	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/mqttsn"
)

// publish takes a message from the node (6.6). QoS 0 is answered only to report
// an error, QoS -1 never (6.8, T7).
func (s *Session) publish(now shard.Time, p *mqttsn.Publish, up Uplink, peer Peer, out *shard.Out) {
	if p.QoS >= mqttsn.QoS1 {
		s.publishKept(now, p, up, peer, out)
		return
	}
	code, _ := s.forward(now, p, 0, up, out)
	if p.QoS == mqttsn.QoS0 && code == mqttsn.InvalidTopicID {
		s.refusePublish(p, code, peer)
	}
}

// publishKept takes a message of QoS 1 or 2, once: its id is kept in one batch
// with it, and the answer waits for that (L4), also when it is given again.
func (s *Session) publishKept(now shard.Time, p *mqttsn.Publish, up Uplink, peer Peer, out *shard.Out) {
	s.forget(now)
	hash := fingerprint(p)
	if m := s.repetition(p, hash); m != nil {
		s.acknowledgeAgain(now, m, p, peer)
		return
	}
	at := -1
	if s.waiting < maxWaiting {
		at = s.place(now)
	}
	if at < 0 {
		s.refusePublish(p, mqttsn.Congestion, peer)
		return
	}
	known := p.MsgID != 0 || p.QoS == mqttsn.QoS2
	var detail uint32
	if known {
		detail = detailInbound | uint32(at)
	}
	code, mark := s.forward(now, p, detail, up, out)
	if code != mqttsn.Accepted {
		s.refusePublish(p, code, peer)
		return
	}
	if !known {
		s.answer(mark, acknowledgement(p, peer), peer)
		return
	}
	mark = max(mark, s.remember(now, at, p, hash, up, peer, out))
	if s.answer(mark, acknowledgement(p, peer), peer) {
		s.rare.inbound[at].answer = s.gated
	}
}

// acknowledgeAgain answers a repetition, unless the answer is about to leave.
func (s *Session) acknowledgeAgain(now shard.Time, m *inbound, p *mqttsn.Publish, peer Peer) {
	if s.unreleased(m.answer) || s.waiting >= maxWaiting {
		peer.Count(Unheard)
		return
	}
	if m.open {
		m.until = now + abandoned
	}
	if s.answer(0, acknowledgement(p, peer), peer) {
		m.answer = s.gated
	}
}

// refusePublish says why a message is not taken: in its turn, but that there is
// too much to do at once, for the store may not work.
func (s *Session) refusePublish(p *mqttsn.Publish, code mqttsn.ReturnCode, peer Peer) {
	refusal := mqttsn.Puback{TopicID: p.TopicID, MsgID: p.MsgID, Code: code}
	switch {
	case code == mqttsn.Congestion:
		s.Tell(&refusal, peer)
	case s.waiting < maxWaiting:
		s.answer(0, &refusal, peer)
	default:
		peer.Count(Unheard)
	}
}

// acknowledgement is the answer to a message that was taken.
func acknowledgement(p *mqttsn.Publish, peer Peer) mqttsn.Packet {
	a := peer.Answers()
	if p.QoS == mqttsn.QoS2 {
		a.Pubrec = mqttsn.Pubrec{MsgID: p.MsgID}
		return &a.Pubrec
	}
	a.Puback = mqttsn.Puback{TopicID: p.TopicID, MsgID: p.MsgID}
	return &a.Puback
}

// forward gives the broker a message, of which detail is to be kept.
func (s *Session) forward(now shard.Time, p *mqttsn.Publish, detail uint32, up Uplink, out *shard.Out) (mqttsn.ReturnCode, shard.Mark) {
	name, code := s.resolve(p)
	if code != mqttsn.Accepted {
		return code, 0
	}
	return up.Publish(now, s.Conn, Publication{
		Topic: name, Payload: p.Data, QoS: byte(max(p.QoS, 0)), Retain: p.Retain, MsgID: p.MsgID, Detail: detail,
	}, out)
}

// pubrel ends the exchange of a message of QoS 2 from the node. PUBCOMP lets it
// use the id again, and so waits for the record; an id that we do not know gets
// it, too, and lets the node finish (P7).
func (s *Session) pubrel(now shard.Time, p *mqttsn.Pubrel, up Uplink, peer Peer, out *shard.Out) {
	a := peer.Answers()
	a.Pubcomp = mqttsn.Pubcomp{MsgID: p.MsgID}
	at := s.exchange(p.MsgID)
	if at < 0 {
		s.answer(0, &a.Pubcomp, peer)
		return
	}
	var mark shard.Mark
	m := &s.rare.inbound[at]
	if m.open {
		m.open, m.until = false, now+s.window()
		mark = s.storeInbound(at, up, peer, out)
	} else if s.unreleased(m.answer) {
		peer.Count(Unheard)
		return
	}
	if s.answer(mark, &a.Pubcomp, peer) {
		m.answer = s.gated
	}
}

// resolve finds the name of the topic that a PUBLISH is about.
func (s *Session) resolve(p *mqttsn.Publish) (string, mqttsn.ReturnCode) {
	if p.TopicIDType == mqttsn.TopicNormal {
		if name, ok := s.topics.name(p.TopicID); ok {
			return name, mqttsn.Accepted
		}
		return "", mqttsn.InvalidTopicID
	}
	return s.predefined.Resolve(p)
}

// Resolve finds the name of a topic that needs no registration.
func (t Predefined) Resolve(p *mqttsn.Publish) (string, mqttsn.ReturnCode) {
	switch p.TopicIDType {
	case mqttsn.TopicPredefined:
		if name, ok := t.Name(p.TopicID); ok {
			return name, mqttsn.Accepted
		}
	case mqttsn.TopicShort:
		if name, ok := shortName(p.TopicID); ok {
			return name, mqttsn.Accepted
		}
	case mqttsn.TopicReserved:
		return "", mqttsn.NotSupported
	}
	return "", mqttsn.InvalidTopicID
}

// shortName is a topic name of two octets, if it is a legal one (T12).
func shortName(id uint16) (string, bool) {
	b := mqttsn.ShortName(id)
	name := string(b[:])
	return name, !strings.ContainsAny(name, "+#\x00") && utf8.ValidString(name)
}
