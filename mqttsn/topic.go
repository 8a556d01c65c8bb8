package mqttsn

import "encoding/binary"

// topicRules are the errors of the topic that ends a SUBSCRIBE or UNSUBSCRIBE:
// a name or an id, as the topic id type says.
type topicRules struct {
	id            bodySize
	name          textField
	typ, reserved *PacketError
}

func newTopicRules(t Type) topicRules {
	return topicRules{
		id:       exactly(t, 2),
		name:     newTextField(t, "topic name"),
		typ:      invalid(t, "topic id type", ReservedTopicType),
		reserved: invalid(t, "topic id", ReservedTopicID),
	}
}

// hasID says that a topic of the type is an id of two octets.
func hasID(t TopicIDType) bool { return t == TopicPredefined || t == TopicShort }

// decode reads the topic into the field that the type says. What follows a
// reserved type is taken as it is: the packet needs an answer.
func (r *topicRules) decode(b []byte, t TopicIDType, name *[]byte, id *uint16) error {
	if hasID(t) {
		return r.id.decodeID(b, id)
	}
	*name = b
	return nil
}

// check judges the topic. Short names are names: they hold no wildcards.
func (r *topicRules) check(t TopicIDType, name []byte, id uint16) error {
	switch t {
	case TopicNormal:
		return r.name.checkFilter(name)
	case TopicShort:
		return r.name.checkShort(id)
	case TopicPredefined:
		if reservedTopicID(id) {
			return r.reserved
		}
		return nil
	}
	return r.typ
}

// topicSize is how many octets appendTopic appends.
func topicSize(t TopicIDType, name []byte) int {
	if hasID(t) {
		return 2
	}
	return len(name)
}

// appendTopic appends the name or the id, as the type says.
func appendTopic(b []byte, t TopicIDType, name []byte, id uint16) []byte {
	if hasID(t) {
		return binary.BigEndian.AppendUint16(b, id)
	}
	return append(b, name...)
}
