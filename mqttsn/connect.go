package mqttsn

import "encoding/binary"

const (
	// ProtocolID is the only ProtocolId of MQTT-SN 1.2 (5.3.8).
	ProtocolID = 0x01
	// MaxClientID is the length in octets of the longest ClientId that is
	// taken. The 23 characters of the specification are too few for the names
	// in use.
	MaxClientID = 255
)

var (
	connectBody       = atLeast(TypeConnect, 4)
	connackBody       = exactly(TypeConnack, 1)
	connectClientID   = newTextField(TypeConnect, "client id")
	errProtocolID     = invalid(TypeConnect, "protocol id", BadProtocolID)
	errConnectTooLong = invalid(TypeConnect, "client id", ClientIDTooLong)
)

// A Connect opens or resumes a session (5.4.4).
type Connect struct {
	Will         bool // asks to be prompted for the will
	CleanSession bool
	ProtocolID   byte
	Duration     uint16 // keep alive in seconds; 0: none
	ClientID     []byte // may be empty where the link names the peer
}

// Type is TypeConnect.
func (*Connect) Type() Type { return TypeConnect }

// AppendTo appends the wire form of p to b.
func (p *Connect) AppendTo(b []byte) []byte {
	b = appendHeader(b, TypeConnect, 4+len(p.ClientID))
	b = append(b, flagIf(p.Will, flagWill)|flagIf(p.CleanSession, flagCleanSession), p.ProtocolID)
	b = binary.BigEndian.AppendUint16(b, p.Duration)
	return append(b, p.ClientID...)
}

func (p *Connect) decode(b []byte) error {
	if err := connectBody.check(len(b)); err != nil {
		return err
	}
	p.Will = b[0]&flagWill != 0
	p.CleanSession = b[0]&flagCleanSession != 0
	p.ProtocolID = b[1]
	p.Duration = binary.BigEndian.Uint16(b[2:])
	p.ClientID = b[4:]
	return nil
}

// Check judges the protocol id first: a ClientId of another protocol means
// nothing here.
func (p *Connect) Check() error {
	if p.ProtocolID != ProtocolID {
		return errProtocolID
	}
	if len(p.ClientID) > MaxClientID {
		return errConnectTooLong
	}
	return connectClientID.checkText(p.ClientID)
}

// A Connack answers a CONNECT (5.4.5).
type Connack struct {
	Code ReturnCode
}

// Type is TypeConnack.
func (*Connack) Type() Type { return TypeConnack }

// AppendTo appends the wire form of p to b.
func (p *Connack) AppendTo(b []byte) []byte { return appendCode(b, TypeConnack, p.Code) }

func (p *Connack) decode(b []byte) error { return connackBody.decodeCode(b, &p.Code) }
