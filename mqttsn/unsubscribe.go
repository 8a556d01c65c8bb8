package mqttsn

import "encoding/binary"

var (
	unsubscribeBody  = atLeast(TypeUnsubscribe, 3)
	unsubackBody     = exactly(TypeUnsuback, 2)
	unsubscribeTopic = newTopicRules(TypeUnsubscribe)
)

// An Unsubscribe takes a SUBSCRIBE back (5.4.17).
type Unsubscribe struct {
	TopicIDType TopicIDType
	MsgID       uint16
	TopicName   []byte // type normal: name or filter; type reserved: what came
	TopicID     uint16 // types predefined and short
}

// Type is TypeUnsubscribe.
func (*Unsubscribe) Type() Type { return TypeUnsubscribe }

// AppendTo appends the wire form of p to b.
func (p *Unsubscribe) AppendTo(b []byte) []byte {
	b = appendHeader(b, TypeUnsubscribe, 3+topicSize(p.TopicIDType, p.TopicName))
	b = append(b, p.TopicIDType.flags())
	b = binary.BigEndian.AppendUint16(b, p.MsgID)
	return appendTopic(b, p.TopicIDType, p.TopicName, p.TopicID)
}

func (p *Unsubscribe) decode(b []byte) error {
	if err := unsubscribeBody.check(len(b)); err != nil {
		return err
	}
	*p = Unsubscribe{TopicIDType: topicIDTypeOf(b[0]), MsgID: binary.BigEndian.Uint16(b[1:])}
	return unsubscribeTopic.decode(b[3:], p.TopicIDType, &p.TopicName, &p.TopicID)
}

// Check judges the topic.
func (p *Unsubscribe) Check() error {
	return unsubscribeTopic.check(p.TopicIDType, p.TopicName, p.TopicID)
}

// An Unsuback answers an UNSUBSCRIBE (5.4.18). It cannot refuse.
type Unsuback struct {
	MsgID uint16
}

// Type is TypeUnsuback.
func (*Unsuback) Type() Type { return TypeUnsuback }

// AppendTo appends the wire form of p to b.
func (p *Unsuback) AppendTo(b []byte) []byte { return appendID(b, TypeUnsuback, p.MsgID) }

func (p *Unsuback) decode(b []byte) error { return unsubackBody.decodeID(b, &p.MsgID) }
