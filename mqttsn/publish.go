package mqttsn

import "encoding/binary"

var (
	publishBody = atLeast(TypePublish, 5)
	pubackBody  = exactly(TypePuback, 5)

	publishShort           = newTextField(TypePublish, "short topic name")
	errPublishTopicType    = invalid(TypePublish, "topic id type", ReservedTopicType)
	errPublishTopicID      = invalid(TypePublish, "topic id", ReservedTopicID)
	errPublishMinus1Normal = invalid(TypePublish, "topic id type", NormalTopicQoSMinus1)
)

// A Publish carries a message (5.4.12).
type Publish struct {
	Dup         bool
	QoS         QoS
	Retain      bool
	TopicIDType TopicIDType
	TopicID     uint16 // of type TopicShort: the two octets of the name, see ShortName
	MsgID       uint16 // ignored with QoS 0 and -1
	Data        []byte // may be empty
}

// Type is TypePublish.
func (*Publish) Type() Type { return TypePublish }

// AppendTo appends the wire form of p to b.
func (p *Publish) AppendTo(b []byte) []byte {
	b = appendHeader(b, TypePublish, 5+len(p.Data))
	b = append(b, flagIf(p.Dup, flagDup)|p.QoS.flags()|flagIf(p.Retain, flagRetain)|p.TopicIDType.flags())
	b = binary.BigEndian.AppendUint16(b, p.TopicID)
	b = binary.BigEndian.AppendUint16(b, p.MsgID)
	return append(b, p.Data...)
}

func (p *Publish) decode(b []byte) error {
	if err := publishBody.check(len(b)); err != nil {
		return err
	}
	p.Dup = b[0]&flagDup != 0
	p.QoS = qosOf(b[0])
	p.Retain = b[0]&flagRetain != 0
	p.TopicIDType = topicIDTypeOf(b[0])
	p.TopicID = binary.BigEndian.Uint16(b[1:])
	p.MsgID = binary.BigEndian.Uint16(b[3:])
	p.Data = b[5:]
	return nil
}

// Check judges how the topic is named. A message id of 0 is no fault, whatever
// the QoS: some nodes use it.
func (p *Publish) Check() error {
	switch {
	case p.TopicIDType == TopicReserved:
		return errPublishTopicType
	case p.TopicIDType == TopicShort:
		return publishShort.checkShort(p.TopicID)
	case p.TopicIDType == TopicNormal && p.QoS == QoSMinus1:
		return errPublishMinus1Normal // without a connection no id was agreed (6.8)
	case reservedTopicID(p.TopicID):
		return errPublishTopicID
	}
	return nil
}

// A Puback acknowledges a PUBLISH of QoS 1, or refuses one of any QoS (5.4.13).
type Puback struct {
	TopicID uint16 // echoes the PUBLISH, short names included
	MsgID   uint16
	Code    ReturnCode
}

// Type is TypePuback.
func (*Puback) Type() Type { return TypePuback }

// AppendTo appends the wire form of p to b.
func (p *Puback) AppendTo(b []byte) []byte {
	return appendAck(b, TypePuback, p.TopicID, p.MsgID, p.Code)
}

func (p *Puback) decode(b []byte) error {
	return pubackBody.decodeAck(b, &p.TopicID, &p.MsgID, &p.Code)
}
