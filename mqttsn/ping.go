package mqttsn

var (
	pingrespBody    = exactly(TypePingresp, 0)
	pingreqClientID = newTextField(TypePingreq, "client id")
)

// A Pingreq asks whether the peer is alive; with a ClientId a sleeping client
// asks for its messages (5.4.19).
type Pingreq struct {
	ClientID []byte // empty: not asleep, or the address says who it is
}

// Type is TypePingreq.
func (*Pingreq) Type() Type { return TypePingreq }

// AppendTo appends the wire form of p to b.
func (p *Pingreq) AppendTo(b []byte) []byte {
	return append(appendHeader(b, TypePingreq, len(p.ClientID)), p.ClientID...)
}

// Check judges the ClientId: an ill-formed one is nobody's, and gets no answer.
func (p *Pingreq) Check() error { return pingreqClientID.checkText(p.ClientID) }

func (p *Pingreq) decode(b []byte) error {
	p.ClientID = b
	return nil
}

// A Pingresp answers a PINGREQ (5.4.20).
type Pingresp struct{}

// Type is TypePingresp.
func (*Pingresp) Type() Type { return TypePingresp }

// AppendTo appends the wire form of p to b.
func (*Pingresp) AppendTo(b []byte) []byte { return appendHeader(b, TypePingresp, 0) }

func (*Pingresp) decode(b []byte) error { return pingrespBody.check(len(b)) }
