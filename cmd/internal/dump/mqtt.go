package dump

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/dormouse-mqtt/dormouse/broker/mqtt"
)

// A conversation is what is known of the version that both ends of a connection
// speak.
type conversation struct {
	version mqtt.Version
	known   bool // by a CONNECT, or because the user said it
}

func newConversation(v mqtt.Version) conversation {
	if v == 0 {
		return conversation{version: mqtt.V311}
	}
	return conversation{version: v, known: true}
}

// decodeMQTT decodes one whole packet of a conversation and learns from it.
func (d *Dumper) decodeMQTT(b []byte, talk *conversation, from mqtt.Sender) (mqtt.Packet, error) {
	d.mqtt.From = from
	p, err := d.mqtt.Decode(b, talk.version)
	switch {
	case mqtt.Type(b[0]>>4) == mqtt.TypeConnect:
		talk.learn(b, p)
	case err != nil && !talk.known && talk.version != mqtt.V5:
		if p5, err5 := d.mqtt.Decode(b, mqtt.V5); err5 == nil {
			talk.version = mqtt.V5
			return p5, nil
		}
		p, err = d.mqtt.Decode(b, talk.version) // the fault to tell, and its octet
	}
	return p, err
}

// learn takes the version of a CONNECT, though the rest of it is malformed.
func (c *conversation) learn(b []byte, p mqtt.Packet) {
	v := mqtt.AnswerVersion(b)
	if p, ok := p.(*mqtt.Connect); ok && p != nil {
		v = p.Version
	}
	if v != 0 {
		c.version, c.known = v, true
	}
}

// stretch prints the packets of b, hex of a stream that begins with a packet.
func (d *Dumper) stretch(r record, b []byte) {
	for len(b) > 0 {
		n, err := mqtt.Frame(b, 0)
		if err != nil || n == 0 {
			d.unframed(r, b, &d.hex, d.print)
			return
		}
		d.packet(r, b[:n], &d.hex, mqtt.FromAnyone, d.print)
		b = b[n:]
	}
}

// packet gives the record of one whole packet to out.
func (d *Dumper) packet(r record, b []byte, talk *conversation, from mqtt.Sender, out func(*record)) {
	p, err := d.decodeMQTT(b, talk, from)
	r.packet = mqtt.Type(b[0] >> 4).String()
	r.version, r.assumed = talk.version.String(), !talk.known
	r.octets = b
	if err != nil {
		r.fault = faultOf(err, d.mqtt.Offset())
	} else {
		r.fields = mqttFields(p, talk.version)
	}
	out(&r)
}

// unframed gives the record of octets that begin with no whole packet to out.
func (d *Dumper) unframed(r record, b []byte, talk *conversation, out func(*record)) {
	r.version, r.assumed, r.octets = talk.version.String(), !talk.known, b
	r.fault = d.frameFault(b)
	if t := mqtt.Type(b[0] >> 4); t != 0 {
		r.packet = t.String()
	}
	out(&r)
}

// frameFault says why b begins with no whole packet.
func (d *Dumper) frameFault(b []byte) *fault {
	size, err := mqtt.FrameSize(b, 0)
	switch {
	case err != nil:
		_, err = d.mqtt.Decode(b, mqtt.V311) // finds the octet
		f := faultOf(err, d.mqtt.Offset())
		f.reason += "; what follows it cannot be told apart"
		return f
	case size == 0:
		return &fault{len(b), "remaining length: cut short", mqtt.ErrMalformed.Error()}
	}
	return &fault{len(b), fmt.Sprintf("cut short: %d of %d octets", len(b), size), mqtt.ErrMalformed.Error()}
}

// faultOf tells a codec's error in the words of a line.
func faultOf(err error, offset int) *fault {
	f := &fault{offset: offset, reason: err.Error()}
	if e, ok := errors.AsType[*mqtt.Error](err); ok {
		f.reason = e.Field + ": " + e.Err.Error()
		if e.Err == mqtt.ErrProtocolLevel {
			f.reason += " " + strconv.Itoa(int(e.Level))
		}
	}
	for _, class := range []error{
		mqtt.ErrMalformed, mqtt.ErrProtocol, mqtt.ErrPacketTooLarge, mqtt.ErrProtocolName, mqtt.ErrProtocolLevel,
	} {
		if errors.Is(err, class) {
			f.class = class.Error()
		}
	}
	return f
}
