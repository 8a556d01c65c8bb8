package mqttsn

import "encoding/binary"

var (
	advertiseBody = exactly(TypeAdvertise, 3)
	searchgwBody  = exactly(TypeSearchgw, 1)
	gwinfoBody    = atLeast(TypeGwinfo, 1)
)

// An Advertise is the broadcast of a gateway that is there (5.4.1).
type Advertise struct {
	GwID     byte
	Duration uint16 // seconds until the next one
}

// Type is TypeAdvertise.
func (*Advertise) Type() Type { return TypeAdvertise }

// AppendTo appends the wire form of p to b.
func (p *Advertise) AppendTo(b []byte) []byte {
	b = append(appendHeader(b, TypeAdvertise, 3), p.GwID)
	return binary.BigEndian.AppendUint16(b, p.Duration)
}

func (p *Advertise) decode(b []byte) error {
	if err := advertiseBody.check(len(b)); err != nil {
		return err
	}
	p.GwID = b[0]
	p.Duration = binary.BigEndian.Uint16(b[1:])
	return nil
}

// A Searchgw is the broadcast of a client that looks for a gateway (5.4.2).
type Searchgw struct {
	Radius byte // in hops; 0: the whole network
}

// Type is TypeSearchgw.
func (*Searchgw) Type() Type { return TypeSearchgw }

// AppendTo appends the wire form of p to b.
func (p *Searchgw) AppendTo(b []byte) []byte {
	return append(appendHeader(b, TypeSearchgw, 1), p.Radius)
}

func (p *Searchgw) decode(b []byte) error {
	if err := searchgwBody.check(len(b)); err != nil {
		return err
	}
	p.Radius = b[0]
	return nil
}

// A Gwinfo answers a SEARCHGW (5.4.3).
type Gwinfo struct {
	GwID  byte
	GwAdd []byte // the rest of the message; only if a client answers
}

// Type is TypeGwinfo.
func (*Gwinfo) Type() Type { return TypeGwinfo }

// AppendTo appends the wire form of p to b.
func (p *Gwinfo) AppendTo(b []byte) []byte {
	b = append(appendHeader(b, TypeGwinfo, 1+len(p.GwAdd)), p.GwID)
	return append(b, p.GwAdd...)
}

func (p *Gwinfo) decode(b []byte) error {
	if err := gwinfoBody.check(len(b)); err != nil {
		return err
	}
	p.GwID = b[0]
	p.GwAdd = b[1:]
	return nil
}
