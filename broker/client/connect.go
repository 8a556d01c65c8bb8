package client

import (
	"bufio"
	"errors"
	"fmt"
	"time"

	"github.com/dormouse-mqtt/dormouse/broker/mqtt"
)

// A RefusedError is a CONNACK that refuses.
type RefusedError struct {
	Version mqtt.Version
	Code    mqtt.ReasonCode
}

func (e *RefusedError) Error() string {
	reason := e.Code.String()
	if e.Version < mqtt.V5 {
		reason = mqtt.ReturnCode(e.Code).String()
	}
	return "connection refused: " + reason
}

// limits are what the server said in CONNACK (5.0, 3.2.2.3).
type limits struct {
	keepAlive time.Duration
	inflight  int // PUBLISH that wait for PUBACK or PUBCOMP
	packet    int // octets
	qos       byte
}

// What holds unless the server says less.
const (
	maxInflight = 1000
	maxPacket   = mqtt.MaxRemainingLength
)

func (c *Client) connect(r *bufio.Reader) error {
	o := &c.options
	if o.Version < mqtt.V5 && o.Password != "" && o.UserName == "" {
		return errors.New("a password needs a user name before MQTT 5.0") // [MQTT-3.1.2-22]
	}
	p := mqtt.Connect{
		Version: o.Version, CleanStart: o.CleanStart, KeepAlive: uint16(o.KeepAlive / time.Second), ClientID: []byte(o.ClientID),
		HasUserName: o.UserName != "", UserName: []byte(o.UserName), HasPassword: o.Password != "", Password: []byte(o.Password),
	}
	if w := o.Will; w != nil {
		p.HasWill = true
		p.Will = mqtt.Will{QoS: mqtt.QoS(w.QoS), Retain: w.Retain, Topic: []byte(w.Topic), Payload: w.Payload}
	}
	if o.Version == mqtt.V5 && o.SessionExpiry > 0 {
		p.Properties = mqtt.NewProperties(mqtt.AppendUint32(nil, mqtt.SessionExpiryInterval, o.SessionExpiry))
	}
	if err := c.write(&p); err != nil {
		return err
	}
	first, err := c.next(r, &mqtt.Decoder{From: mqtt.FromServer})
	if err != nil {
		return fmt.Errorf("no answer to CONNECT: %w", err)
	}
	ack, ok := first.(*mqtt.Connack)
	if !ok {
		return fmt.Errorf("%v instead of CONNACK", first.Type())
	}
	if ack.Code != mqtt.Success {
		return &RefusedError{o.Version, ack.Code}
	}
	c.limits = limitsOf(o, ack.Properties)
	return nil
}

func limitsOf(o *Options, p mqtt.Properties) limits {
	l := limits{keepAlive: o.KeepAlive, inflight: maxInflight, packet: maxPacket, qos: 2}
	if v, ok := p.Uint16(mqtt.ServerKeepAlive); ok { // [MQTT-3.1.2-21]
		l.keepAlive = time.Duration(v) * time.Second
	}
	if v, ok := p.Uint16(mqtt.ReceiveMaximum); ok { // [MQTT-3.3.4-7]
		l.inflight = min(l.inflight, int(v))
	}
	if v, ok := p.Uint32(mqtt.MaximumPacketSize); ok { // [MQTT-3.2.2-15]
		l.packet = int(min(uint32(l.packet), v))
	}
	if v, ok := p.Byte(mqtt.MaximumQoS); ok { // [MQTT-3.2.2-11]
		l.qos = min(l.qos, v)
	}
	return l
}
