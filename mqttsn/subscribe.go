package mqttsn

import "encoding/binary"

var (
	subscribeBody  = atLeast(TypeSubscribe, 3)
	subackBody     = exactly(TypeSuback, 6)
	subscribeTopic = newTopicRules(TypeSubscribe)

	errSubscribeQoS = invalid(TypeSubscribe, "qos", BadQoS)
	errSubackQoS    = invalid(TypeSuback, "qos", BadQoS)
)

// A Subscribe asks for the messages of a topic or of a filter (5.4.15).
type Subscribe struct {
	Dup         bool
	QoS         QoS
	TopicIDType TopicIDType
	MsgID       uint16
	TopicName   []byte // type normal: name or filter; type reserved: what came
	TopicID     uint16 // types predefined and short
}

// Type is TypeSubscribe.
func (*Subscribe) Type() Type { return TypeSubscribe }

// AppendTo appends the wire form of p to b.
func (p *Subscribe) AppendTo(b []byte) []byte {
	b = appendHeader(b, TypeSubscribe, 3+topicSize(p.TopicIDType, p.TopicName))
	b = append(b, flagIf(p.Dup, flagDup)|p.QoS.flags()|p.TopicIDType.flags())
	b = binary.BigEndian.AppendUint16(b, p.MsgID)
	return appendTopic(b, p.TopicIDType, p.TopicName, p.TopicID)
}

func (p *Subscribe) decode(b []byte) error {
	if err := subscribeBody.check(len(b)); err != nil {
		return err
	}
	*p = Subscribe{
		Dup:         b[0]&flagDup != 0,
		QoS:         qosOf(b[0]),
		TopicIDType: topicIDTypeOf(b[0]),
		MsgID:       binary.BigEndian.Uint16(b[1:]),
	}
	return subscribeTopic.decode(b[3:], p.TopicIDType, &p.TopicName, &p.TopicID)
}

// Check judges the topic and the QoS; -1 cannot be subscribed to.
func (p *Subscribe) Check() error {
	if err := subscribeTopic.check(p.TopicIDType, p.TopicName, p.TopicID); err != nil {
		return err
	}
	if p.QoS == QoSMinus1 {
		return errSubscribeQoS
	}
	return nil
}

// A Suback answers a SUBSCRIBE (5.4.16).
type Suback struct {
	QoS     QoS    // granted
	TopicID uint16 // of the PUBLISHes to come; 0 for a filter with wildcards
	MsgID   uint16 // echoes the SUBSCRIBE
	Code    ReturnCode
}

// Type is TypeSuback.
func (*Suback) Type() Type { return TypeSuback }

// AppendTo appends the wire form of p to b.
func (p *Suback) AppendTo(b []byte) []byte {
	b = append(appendHeader(b, TypeSuback, 6), p.QoS.flags())
	b = binary.BigEndian.AppendUint16(b, p.TopicID)
	b = binary.BigEndian.AppendUint16(b, p.MsgID)
	return append(b, byte(p.Code))
}

// Check judges the QoS: -1 cannot be granted.
func (p *Suback) Check() error {
	if p.QoS == QoSMinus1 {
		return errSubackQoS
	}
	return nil
}

func (p *Suback) decode(b []byte) error {
	if err := subackBody.check(len(b)); err != nil {
		return err
	}
	p.QoS = qosOf(b[0])
	p.TopicID = binary.BigEndian.Uint16(b[1:])
	p.MsgID = binary.BigEndian.Uint16(b[3:])
	p.Code = ReturnCode(b[5])
	return nil
}
