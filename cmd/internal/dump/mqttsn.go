package dump

import (
	"errors"
	"strings"

	"github.com/dormouse-mqtt/dormouse/mqttsn"
)

// versionSN is the version of MQTT-SN that there is a codec for.
const versionSN = "1.2"

// datagram prints the message that b is, with what a forwarder has put before
// it and a radio after it.
func (d *Dumper) datagram(r record, b []byte) {
	r.version, r.octets = versionSN, b
	p, surplus, err := d.mqttsn.Decode(b)
	before := 0
	if f, ok := p.(*mqttsn.Forward); err == nil && ok {
		r.via = &via{f.NodeID, f.Ctrl}
		before = len(b) - len(f.Message)
		p, surplus, err = d.mqttsn.Decode(f.Message)
	}
	if err == nil {
		err = mqttsn.Check(p)
		r.packet = p.Type().String()
		r.fields = append(messageFields(p), oddities(b, surplus, d.mqttsn.Stretched())...)
	}
	if err != nil {
		r.fault = faultSN(b[before:], err)
		r.fault.offset += before
		if e, ok := errors.AsType[*mqttsn.PacketError](err); ok && e.Type != mqttsn.TypeNone {
			r.packet = e.Type.String()
		}
	}
	d.print(&r)
}

// faultSN tells an error of message b in the words of a line.
func faultSN(b []byte, err error) *fault {
	f := &fault{offset: mqttsn.Offset(b, err), reason: err.Error(), class: mqttsn.ClassOf(err).String()}
	if e, ok := errors.AsType[*mqttsn.PacketError](err); ok {
		f.reason = e.Field + ": " + strings.ToLower(strings.ReplaceAll(f.class, "_", " "))
	}
	return f
}

// oddities are what a datagram has that its message has not: octets after it,
// and two more than its length says.
func oddities(b []byte, surplus int, stretched bool) (out []field) {
	if stretched {
		out = append(out, field{"stretched", bit(true)})
	}
	if surplus > 0 {
		out = append(out, field{"surplus", data(b[len(b)-surplus:])})
	}
	return out
}
