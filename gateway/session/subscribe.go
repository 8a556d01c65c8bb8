package session

import (
	"strings"
	"unicode/utf8"

	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/mqttsn"
)

// subscribed remembers the last SUBSCRIBE, so that its repetition does not
// bring the retained messages again (T15).
type subscribed struct {
	msgID  uint16
	filter string
	until  shard.Time
}

// repeats says whether a SUBSCRIBE is this one again.
func (l *subscribed) repeats(now shard.Time, msgID uint16, filter string) bool {
	return l != nil && l.msgID == msgID && l.filter == filter && now < l.until
}

// subscribe answers SUBSCRIBE (6.9). A plain name gets its topic id with the
// answer.
func (s *Session) subscribe(now shard.Time, p *mqttsn.Subscribe, up Uplink, peer Peer, out *shard.Out) {
	filter, id, code := s.filter(p.TopicIDType, p.TopicID, p.TopicName)
	if code == mqttsn.Accepted && (p.QoS < mqttsn.QoS0 || p.QoS > mqttsn.QoS2) { // T14
		code = mqttsn.NotSupported
	}
	answer := mqttsn.Suback{MsgID: p.MsgID, Code: code}
	plain := code == mqttsn.Accepted && p.TopicIDType == mqttsn.TopicNormal && !strings.ContainsAny(filter, "+#")
	fresh := false
	if plain { // the node is not subscribed to what it can have no id for (T6)
		if id, fresh = s.ownTopics().add(filter, s.predefined.Highest()); id == 0 {
			answer.Code = mqttsn.Congestion
		}
	}
	var mark shard.Mark
	if answer.Code == mqttsn.Accepted {
		again := s.needRare().lastSub.repeats(now, p.MsgID, filter)
		var granted byte
		granted, answer.Code, mark = up.Subscribe(now, s.Conn, filter, byte(p.QoS), !again, out)
		answer.QoS = mqttsn.QoS(granted)
	}
	if answer.Code != mqttsn.Accepted {
		if fresh {
			s.topics.giveBack()
		}
		s.answer(mark, &answer, peer)
		return
	}
	s.rare.lastSub = &subscribed{p.MsgID, filter, now + shard.Time(s.link.Retries+1)*s.link.Retry}
	s.topics.allow()
	if plain && (s.topics.tell(filter) || fresh) {
		mark = max(mark, s.store(now, up, peer, out))
	}
	answer.TopicID = id
	s.answer(mark, &answer, peer)
}

// unsubscribe answers UNSUBSCRIBE, also of what was not subscribed (T17).
func (s *Session) unsubscribe(now shard.Time, p *mqttsn.Unsubscribe, up Uplink, peer Peer, out *shard.Out) {
	var mark shard.Mark
	if filter, _, code := s.filter(p.TopicIDType, p.TopicID, p.TopicName); code == mqttsn.Accepted {
		mark = up.Unsubscribe(now, s.Conn, filter, out)
	}
	if s.rare != nil {
		s.rare.lastSub = nil
	}
	s.answer(mark, &mqttsn.Unsuback{MsgID: p.MsgID}, peer)
}

// filter is the topic filter that a SUBSCRIBE or UNSUBSCRIBE names, and the id
// to answer with for a name that needs no registration (T11).
func (s *Session) filter(t mqttsn.TopicIDType, id uint16, name []byte) (string, uint16, mqttsn.ReturnCode) {
	switch t {
	case mqttsn.TopicNormal:
		if len(name) == 0 || !utf8.Valid(name) {
			return "", 0, mqttsn.NotSupported
		}
		return string(name), 0, mqttsn.Accepted
	case mqttsn.TopicPredefined:
		if topic, ok := s.predefined.Name(id); ok {
			return topic, id, mqttsn.Accepted
		}
	case mqttsn.TopicShort:
		if topic, ok := shortName(id); ok {
			return topic, id, mqttsn.Accepted
		}
	default:
		return "", 0, mqttsn.NotSupported
	}
	return "", 0, mqttsn.InvalidTopicID
}

// register gives the node an id for a topic name (6.5).
func (s *Session) register(now shard.Time, p *mqttsn.Register, up Uplink, peer Peer, out *shard.Out) {
	answer := mqttsn.Regack{MsgID: p.MsgID}
	name := string(p.TopicName)
	if p.Check() != nil { // T13
		answer.Code = mqttsn.InvalidTopicID
		s.answer(0, &answer, peer)
		return
	}
	id, fresh := s.ownTopics().add(name, s.predefined.Highest())
	if id == 0 {
		answer.Code = mqttsn.Congestion
		s.answer(0, &answer, peer)
		return
	}
	answer.TopicID = id
	var mark shard.Mark
	if told := s.topics.tell(name); told || fresh {
		mark = s.store(now, up, peer, out)
	}
	s.answer(mark, &answer, peer)
}
