package mqttsn

var (
	pubrecBody  = exactly(TypePubrec, 2)
	pubrelBody  = exactly(TypePubrel, 2)
	pubcompBody = exactly(TypePubcomp, 2)
)

// A Pubrec is the first answer to a PUBLISH of QoS 2 (5.4.14).
type Pubrec struct {
	MsgID uint16
}

// Type is TypePubrec.
func (*Pubrec) Type() Type { return TypePubrec }

// AppendTo appends the wire form of p to b.
func (p *Pubrec) AppendTo(b []byte) []byte { return appendID(b, TypePubrec, p.MsgID) }

func (p *Pubrec) decode(b []byte) error { return pubrecBody.decodeID(b, &p.MsgID) }

// A Pubrel answers a PUBREC (5.4.14).
type Pubrel struct {
	MsgID uint16
}

// Type is TypePubrel.
func (*Pubrel) Type() Type { return TypePubrel }

// AppendTo appends the wire form of p to b.
func (p *Pubrel) AppendTo(b []byte) []byte { return appendID(b, TypePubrel, p.MsgID) }

func (p *Pubrel) decode(b []byte) error { return pubrelBody.decodeID(b, &p.MsgID) }

// A Pubcomp answers a PUBREL (5.4.14).
type Pubcomp struct {
	MsgID uint16
}

// Type is TypePubcomp.
func (*Pubcomp) Type() Type { return TypePubcomp }

// AppendTo appends the wire form of p to b.
func (p *Pubcomp) AppendTo(b []byte) []byte { return appendID(b, TypePubcomp, p.MsgID) }

func (p *Pubcomp) decode(b []byte) error { return pubcompBody.decodeID(b, &p.MsgID) }
