package mqtt

import (
	"bytes"
	"encoding/binary"
)

// A Subscribe asks for subscriptions (3.8).
type Subscribe struct {
	Dup        bool // 3.1 only: sent again
	PacketID   uint16
	Properties Properties
	Filters    Filters
}

// A Suback answers a SUBSCRIBE with a code for each filter (3.9).
type Suback struct {
	PacketID   uint16
	Properties Properties
	Codes      []byte // ReasonCode; 3.x: QoS granted or SubackFailure
}

// SubackFailure refuses a filter in 3.1.1; 3.1 has no such code.
const SubackFailure = 0x80

var (
	errSubscribeNone     = violation(TypeSubscribe, "filters", errEmpty)
	errSubscribeFilter   = malformed(TypeSubscribe, "filter", errString)
	errSubscribeOptions  = malformed(TypeSubscribe, "options", errMissing)
	errSubscribeReserved = malformed(TypeSubscribe, "options", errReserved)
	errSubscribeQoS      = violation(TypeSubscribe, "QoS", errValue)
	errSubscribeRetain   = violation(TypeSubscribe, "Retain Handling", errValue)
	errSubscribeNoLocal  = violation(TypeSubscribe, "No Local", &detail{"on a shared subscription", ErrProtocol})
	errSubackNone        = violation(TypeSuback, "reason codes", errEmpty)
)

// Type returns TypeSubscribe.
func (p *Subscribe) Type() Type { return TypeSubscribe }

// Type returns TypeSuback.
func (p *Suback) Type() Type { return TypeSuback }

// requestStart takes what SUBSCRIBE, SUBACK, UNSUBSCRIBE and UNSUBACK begin with.
func requestStart(r *reader, v Version, t Type, from Sender) (id uint16, props Properties, err error) {
	id, ok := r.uint16()
	if !ok {
		return 0, props, errLength[t]
	}
	if id == 0 {
		return 0, props, errPacketID[t]
	}
	if v == V5 {
		props, err = r.properties(t, from)
	}
	return id, props, err
}

func (p *Subscribe) decode(r *reader, flags byte, v Version, from Sender) (err error) {
	*p = Subscribe{Dup: flags&flagDup != 0}
	if p.PacketID, p.Properties, err = requestStart(r, v, TypeSubscribe, from); err != nil {
		return err
	}
	p.Filters = Filters{raw: r.b, v31: v == V31}
	for len(r.b) > 0 {
		filter, ok := r.string()
		if !ok {
			return errSubscribeFilter
		}
		opts, ok := r.uint8()
		if !ok {
			return errSubscribeOptions
		}
		if err := checkOptions(filter, opts, v); err != nil {
			return err
		}
		p.Filters.n++
	}
	if p.Filters.n == 0 {
		r.at = 0
		return errSubscribeNone // [MQTT-3.8.3-2]
	}
	return nil
}

func checkOptions(filter []byte, opts byte, v Version) error {
	switch {
	case v == V31:
	case v == V311 && opts&^optQoS != 0, opts&optReserved != 0:
		return errSubscribeReserved // [MQTT-3.8.3-5]
	case opts&optRetainHandling == optRetainHandling:
		return errSubscribeRetain
	case opts&optNoLocal != 0 && bytes.HasPrefix(filter, []byte("$share/")):
		return errSubscribeNoLocal // [MQTT-3.8.3-4]
	}
	if opts&optQoS == 3 {
		return errSubscribeQoS
	}
	return nil
}

// AppendTo appends the wire form of p to b.
func (p *Subscribe) AppendTo(b []byte, v Version) []byte {
	return appendRequest(b, v, TypeSubscribe, requestFlags(p.Dup, v), p.PacketID, p.Properties, p.Filters.raw)
}

// appendRequest appends a packet of a packet identifier, properties and rest.
func appendRequest(b []byte, v Version, t Type, flags byte, id uint16, props Properties, rest []byte) []byte {
	length := 2 + len(rest)
	if v == V5 {
		length += props.size()
	}
	b = appendHeader(b, t, flags, length)
	b = binary.BigEndian.AppendUint16(b, id)
	if v == V5 {
		b = props.appendTo(b)
	}
	return append(b, rest...)
}

func (p *Suback) decode(r *reader, v Version, from Sender) (err error) {
	*p = Suback{}
	if p.PacketID, p.Properties, err = requestStart(r, v, TypeSuback, from); err != nil {
		return err
	}
	p.Codes = r.b
	r.at = len(p.Codes)
	if len(p.Codes) == 0 {
		return errSubackNone
	}
	for i, c := range p.Codes {
		ok := c <= 2
		switch {
		case v == V5:
			ok = ReasonCode(c).Allowed(TypeSuback, from)
		case v == V311:
			ok = ok || c == SubackFailure
		}
		if !ok {
			r.at -= i
			return errReason[TypeSuback]
		}
	}
	return nil
}

// AppendTo appends the wire form of p to b.
func (p *Suback) AppendTo(b []byte, v Version) []byte {
	return appendRequest(b, v, TypeSuback, 0, p.PacketID, p.Properties, p.Codes)
}
