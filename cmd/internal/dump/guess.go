package dump

import (
	"github.com/dormouse-mqtt/dormouse/broker/mqtt"
	"github.com/dormouse-mqtt/dormouse/mqttsn"
)

// guess tells the protocol of octets whose protocol nobody has told.
//
// The length of an MQTT-SN message counts all of a datagram, and MQTT packets
// fill what was copied from a stream. Where both fit, which takes a
// coincidence, the one that decodes without a fault is taken, and MQTT if that
// does not decide. Where neither fits, a first octet below 0x10 cannot begin an
// MQTT packet.
func (d *Dumper) guess(b []byte) Protocol {
	sn, stream := fitsMQTTSN(b), fitsMQTT(b)
	switch {
	case sn && stream:
		if d.soundMQTTSN(b) && !d.soundMQTT(b, d.hex, mqtt.FromAnyone) {
			return MQTTSN
		}
		return MQTT
	case sn:
		return MQTTSN
	case stream || b[0] >= 0x10:
		return MQTT
	}
	return MQTTSN
}

// fitsMQTTSN says that b is by its header one whole message.
func fitsMQTTSN(b []byte) bool {
	n, err := mqttsn.Message(b)
	return err == nil && n == len(b)
}

// fitsMQTT says that b is whole packets by their headers, at least one.
func fitsMQTT(b []byte) bool {
	if len(b) == 0 {
		return false
	}
	for len(b) > 0 {
		n, err := mqtt.Frame(b, 0)
		if err != nil || n == 0 {
			return false
		}
		b = b[n:]
	}
	return true
}

func (d *Dumper) soundMQTTSN(b []byte) bool {
	p, _, err := d.mqttsn.Decode(b)
	if f, ok := p.(*mqttsn.Forward); err == nil && ok {
		p, _, err = d.mqttsn.Decode(f.Message)
	}
	return err == nil && mqttsn.Check(p) == nil
}

// soundMQTT says that b, which fits, has no fault in a conversation like talk,
// which is a copy and learns nothing.
func (d *Dumper) soundMQTT(b []byte, talk conversation, from mqtt.Sender) bool {
	for len(b) > 0 {
		n, _ := mqtt.Frame(b, 0)
		if _, err := d.decodeMQTT(b[:n], &talk, from); err != nil {
			return false
		}
		b = b[n:]
	}
	return true
}
