package session

import (
	"strings"
	"unicode/utf8"

	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/mqttsn"
)

// publish takes a message from the node (6.6).
func (s *Session) publish(now shard.Time, p *mqttsn.Publish, up Uplink, peer Peer, out *shard.Out) {
	name, code := s.resolve(p)
	if code == mqttsn.Accepted && p.QoS > mqttsn.QoS1 {
		code = mqttsn.NotSupported
	}
	var mark shard.Mark
	if code == mqttsn.Accepted {
		code, mark = up.Publish(now, s.Conn, Publication{
			Topic: name, Payload: p.Data, QoS: byte(max(p.QoS, 0)), Retain: p.Retain,
		}, out)
	}
	// QoS 0 is answered only to report an error, QoS -1 never (6.8, T7).
	if p.QoS == mqttsn.QoSMinus1 || p.QoS == mqttsn.QoS0 && code != mqttsn.InvalidTopicID {
		return
	}
	s.answer(mark, &mqttsn.Puback{TopicID: p.TopicID, MsgID: p.MsgID, Code: code}, peer)
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
