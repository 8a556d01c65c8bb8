package mqttsn

import "encoding/binary"

var (
	registerBody = atLeast(TypeRegister, 4)
	regackBody   = exactly(TypeRegack, 5)
	registerName = newTextField(TypeRegister, "topic name")
)

// A Register asks for the topic id of a name, or tells it (5.4.10).
type Register struct {
	TopicID   uint16 // from a gateway: the id; from a client: 0, without meaning
	MsgID     uint16
	TopicName []byte
}

// Type is TypeRegister.
func (*Register) Type() Type { return TypeRegister }

// AppendTo appends the wire form of p to b.
func (p *Register) AppendTo(b []byte) []byte {
	b = appendHeader(b, TypeRegister, 4+len(p.TopicName))
	b = binary.BigEndian.AppendUint16(b, p.TopicID)
	b = binary.BigEndian.AppendUint16(b, p.MsgID)
	return append(b, p.TopicName...)
}

func (p *Register) decode(b []byte) error {
	if err := registerBody.check(len(b)); err != nil {
		return err
	}
	p.TopicID = binary.BigEndian.Uint16(b)
	p.MsgID = binary.BigEndian.Uint16(b[2:])
	p.TopicName = b[4:]
	return nil
}

// Check judges the topic name. Whether the topic id means anything depends on
// who sent it.
func (p *Register) Check() error { return registerName.checkName(p.TopicName) }

// A Regack answers a REGISTER (5.4.11).
type Regack struct {
	TopicID uint16 // 0 where refused
	MsgID   uint16 // echoes the REGISTER
	Code    ReturnCode
}

// Type is TypeRegack.
func (*Regack) Type() Type { return TypeRegack }

// AppendTo appends the wire form of p to b.
func (p *Regack) AppendTo(b []byte) []byte {
	return appendAck(b, TypeRegack, p.TopicID, p.MsgID, p.Code)
}

func (p *Regack) decode(b []byte) error {
	return regackBody.decodeAck(b, &p.TopicID, &p.MsgID, &p.Code)
}
