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
	code, _ := s.forward(now, p, up, out)
	if p.QoS == mqttsn.QoS0 && code == mqttsn.InvalidTopicID {
		s.answer(0, &mqttsn.Puback{TopicID: p.TopicID, MsgID: p.MsgID, Code: code}, peer)
	}
}

// publishKept takes a message of QoS 1 or 2, once: its id is kept in one batch
// with it, and the answer waits for that (L4), also when it is given again.
func (s *Session) publishKept(now shard.Time, p *mqttsn.Publish, up Uplink, peer Peer, out *shard.Out) {
	s.forget(now)
	hash := fingerprint(p)
	if m := s.repetition(p, hash); m != nil {
		s.answer(0, acknowledgement(p, peer), peer)
		return
	}
	if !s.room() {
		peer.Send(&mqttsn.Puback{TopicID: p.TopicID, MsgID: p.MsgID, Code: mqttsn.Congestion})
		return
	}
	code, mark := s.forward(now, p, up, out)
	if code != mqttsn.Accepted {
		s.answer(mark, &mqttsn.Puback{TopicID: p.TopicID, MsgID: p.MsgID, Code: code}, peer)
		return
	}
	if p.MsgID != 0 || p.QoS == mqttsn.QoS2 {
		s.remember(now, p, hash)
		mark = max(mark, s.store(now, up, peer, out))
	}
	s.answer(mark, acknowledgement(p, peer), peer)
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

// forward gives the broker a message.
func (s *Session) forward(now shard.Time, p *mqttsn.Publish, up Uplink, out *shard.Out) (mqttsn.ReturnCode, shard.Mark) {
	name, code := s.resolve(p)
	if code != mqttsn.Accepted {
		return code, 0
	}
	return up.Publish(now, s.Conn, Publication{
		Topic: name, Payload: p.Data, QoS: byte(max(p.QoS, 0)), Retain: p.Retain,
	}, out)
}

// pubrel ends the exchange of a message of QoS 2 from the node. PUBCOMP lets it
// use the id again, and so waits for the record; an id that we do not know gets
// it, too, and lets the node finish (P7).
func (s *Session) pubrel(now shard.Time, p *mqttsn.Pubrel, up Uplink, peer Peer, out *shard.Out) {
	var mark shard.Mark
	if s.release(now, p.MsgID) {
		mark = s.store(now, up, peer, out)
	}
	a := peer.Answers()
	a.Pubcomp = mqttsn.Pubcomp{MsgID: p.MsgID}
	s.answer(mark, &a.Pubcomp, peer)
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
