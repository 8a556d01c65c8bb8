package mqtt

import "encoding/binary"

// A Puback answers a PUBLISH of QoS 1 (3.4).
type Puback struct {
	PacketID   uint16
	Code       ReasonCode
	Properties Properties
}

// A Pubrec answers a PUBLISH of QoS 2 (3.5).
type Pubrec struct {
	PacketID   uint16
	Code       ReasonCode
	Properties Properties
}

// A Pubrel answers a PUBREC (3.6).
type Pubrel struct {
	Dup        bool // 3.1 only: sent again
	PacketID   uint16
	Code       ReasonCode
	Properties Properties
}

// A Pubcomp answers a PUBREL (3.7).
type Pubcomp struct {
	PacketID   uint16
	Code       ReasonCode
	Properties Properties
}

// Type returns TypePuback.
func (p *Puback) Type() Type { return TypePuback }

// Type returns TypePubrec.
func (p *Pubrec) Type() Type { return TypePubrec }

// Type returns TypePubrel.
func (p *Pubrel) Type() Type { return TypePubrel }

// Type returns TypePubcomp.
func (p *Pubcomp) Type() Type { return TypePubcomp }

// AppendTo appends the wire form of p to b.
func (p *Puback) AppendTo(b []byte, v Version) []byte {
	return appendAck(b, v, TypePuback, 0, p.PacketID, p.Code, p.Properties)
}

// AppendTo appends the wire form of p to b.
func (p *Pubrec) AppendTo(b []byte, v Version) []byte {
	return appendAck(b, v, TypePubrec, 0, p.PacketID, p.Code, p.Properties)
}

// AppendTo appends the wire form of p to b.
func (p *Pubrel) AppendTo(b []byte, v Version) []byte {
	return appendAck(b, v, TypePubrel, requestFlags(p.Dup, v), p.PacketID, p.Code, p.Properties)
}

// AppendTo appends the wire form of p to b.
func (p *Pubcomp) AppendTo(b []byte, v Version) []byte {
	return appendAck(b, v, TypePubcomp, 0, p.PacketID, p.Code, p.Properties)
}

// requestFlags are the flags of PUBREL, SUBSCRIBE and UNSUBSCRIBE: 0010, and
// in 3.1 DUP.
func requestFlags(dup bool, v Version) byte {
	if dup && v == V31 {
		return 2 | flagDup
	}
	return 2
}

// appendAck leaves the properties out if there are none, and the reason code
// too if it is Success (5.0, 3.4.2.1). 3.x has neither.
func appendAck(b []byte, v Version, t Type, flags byte, id uint16, code ReasonCode, props Properties) []byte {
	length := 2
	if v == V5 {
		switch {
		case !props.Empty():
			length += 1 + props.size()
		case code != Success:
			length++
		}
	}
	b = appendHeader(b, t, flags, length)
	b = binary.BigEndian.AppendUint16(b, id)
	if length > 2 {
		b = append(b, byte(code))
	}
	if length > 3 {
		b = props.appendTo(b)
	}
	return b
}

func decodeAck(r *reader, v Version, t Type, from Sender) (id uint16, code ReasonCode, props Properties, err error) {
	id, ok := r.uint16()
	if !ok {
		return 0, 0, props, errLength[t]
	}
	if id == 0 {
		return 0, 0, props, errPacketID[t]
	}
	if v == V5 && len(r.b) > 0 {
		c, _ := r.uint8()
		if code = ReasonCode(c); !code.Allowed(t, from) {
			return 0, 0, props, errReason[t]
		}
		if len(r.b) > 0 {
			if props, err = r.properties(t, from); err != nil {
				return 0, 0, props, err
			}
		}
	}
	return id, code, props, r.end(t)
}
