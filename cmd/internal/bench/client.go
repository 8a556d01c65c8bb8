package bench

import (
	"encoding/binary"
	"fmt"
	"io"
	"time"

	"github.com/dormouse-mqtt/dormouse/broker/mqtt"
)

// A client is a connection of MQTT. It publishes the messages of streams, or
// takes those of one topic.
type client struct {
	r        *run
	name     string
	socket   *socket
	greeted  bool // CONNECT was sent
	accepted bool
	topic    int
	ledgers  []ledger // of the streams of its topic
	streams  []*stream
	byID     []uint32 // streams by packet id, if there are several
	nextID   uint16
	gathered int   // messages that are not written yet
	pinged   bool  // its answer ends a step
	most     int   // unacknowledged messages that the server takes
	reason   error // why the server says that it closes
}

// connect dials and sends CONNECT; CONNACK ends the step.
func (c *client) connect(i int) (err error) {
	c.most = 65_535
	c.socket, err = c.r.engine.dial(c.r.mqtt.address, c.r.source(i, c.r.mqtt.address.Addr()), false, c)
	return err
}

func (c *client) version() mqtt.Version { return c.r.protocol() }

// put appends a packet, which leaves at the end of the round.
func (c *client) put(p mqtt.Packet) { c.leave(p.AppendTo(c.socket.out, c.version())) }

// leave is put for what must not allocate: b is out with more behind it.
func (c *client) leave(b []byte) {
	c.socket.out = b
	c.socket.touch()
}

func (c *client) writable(Time) {
	if c.greeted {
		for _, s := range c.streams {
			s.wait()
		}
		return
	}
	c.greeted = true
	t := &c.r.mqtt
	c.put(&mqtt.Connect{
		Version: c.version(), CleanStart: true, KeepAlive: uint16(time.Duration(c.r.KeepAlive) / time.Second), ClientID: []byte(c.name),
		HasUserName: t.user != "", UserName: []byte(t.user), HasPassword: t.password != "", Password: []byte(t.password),
	})
}

// listen sends SUBSCRIBE; SUBACK ends the step.
func (c *client) listen(topic int, ledgers []ledger) {
	c.topic, c.ledgers = topic, ledgers
	c.put(&mqtt.Subscribe{
		PacketID: 1,
		Filters:  mqtt.NewFilters(mqtt.AppendFilter(nil, c.r.name(topic), mqtt.SubscribeOptions{QoS: mqtt.QoS(max(c.r.QoS, 0))})),
	})
}

func (c *client) ping(Time) {
	if c.accepted && c.socket.ready() {
		c.put(&mqtt.Pingreq{})
	}
}

// askPing sends PINGREQ; PINGRESP ends the step.
func (c *client) askPing(Time) {
	c.pinged = true
	c.put(&mqtt.Pingreq{})
}

// advance does nothing: TCP repeats.
func (c *client) advance(Time) {}

func (c *client) lost(_ Time, err error) {
	if c.reason != nil {
		err = c.reason
	} else if err == io.EOF {
		err = fmt.Errorf("closed by the server")
	}
	c.r.lose(c.name, c.accepted, err)
}

func (c *client) received(now Time, b []byte) (used int) {
	for {
		n, err := mqtt.Frame(b[used:], 0)
		if err == nil && n == 0 {
			return used
		}
		var p mqtt.Packet
		if err == nil {
			p, err = c.r.decoder.Decode(b[used:used+n], c.version())
		}
		if err != nil {
			c.r.fail("%s cannot read what the server sends: %w", c.name, err)
			return len(b)
		}
		c.packet(now, p)
		used += n
	}
}

func (c *client) packet(now Time, p mqtt.Packet) {
	out, v := c.socket.out, c.version()
	switch p := p.(type) {
	case *mqtt.Publish:
		switch p.QoS {
		case mqtt.AtLeastOnce:
			c.leave((&mqtt.Puback{PacketID: p.PacketID}).AppendTo(out, v))
		case mqtt.ExactlyOnce:
			c.leave((&mqtt.Pubrec{PacketID: p.PacketID}).AppendTo(out, v))
		}
		c.r.deliver(now, c.ledgers, c.topic, p.Payload)
	case *mqtt.Puback:
		c.acked(now, p.PacketID, p.Code)
	case *mqtt.Pubrec:
		if p.Code.Failed() {
			c.acked(now, p.PacketID, p.Code)
			return
		}
		c.leave((&mqtt.Pubrel{PacketID: p.PacketID}).AppendTo(out, v))
	case *mqtt.Pubrel:
		c.leave((&mqtt.Pubcomp{PacketID: p.PacketID}).AppendTo(out, v))
	case *mqtt.Pubcomp:
		c.acked(now, p.PacketID, p.Code)
	case *mqtt.Pingresp:
		if c.pinged {
			c.pinged = false
			c.r.done()
		}
	default:
		c.control(p)
	}
}

// control handles what comes once.
func (c *client) control(p mqtt.Packet) {
	switch p := p.(type) {
	case *mqtt.Connack:
		if p.Code != 0 {
			c.r.fail("the server refuses %s: %s", c.name, refusal(c.version(), p.Code))
			return
		}
		if n, ok := p.Properties.Uint16(mqtt.ReceiveMaximum); ok {
			c.most = int(n)
		}
		c.accepted = true
		c.r.done()
	case *mqtt.Suback:
		if len(p.Codes) != 1 || p.Codes[0] >= 0x80 {
			c.r.fail("the server refuses the subscription of %s", c.name)
			return
		}
		c.r.done()
	case *mqtt.Disconnect:
		c.reason = fmt.Errorf("closed by the server: %v", p.Code)
	}
}

func refusal(v mqtt.Version, code mqtt.ReasonCode) string {
	if v == mqtt.V5 {
		return code.String()
	}
	return mqtt.ReturnCode(code).String()
}

func (c *client) acked(now Time, id uint16, code mqtt.ReasonCode) {
	if len(c.streams) == 0 {
		return
	}
	s := c.streams[0]
	if c.byID != nil {
		s = &c.r.streams[c.byID[id]]
	}
	s.acked(now, code.Failed())
}

// publish appends the message of s.
func (c *client) publish(s *stream) {
	if s.idAt >= 0 {
		if c.nextID++; c.nextID == 0 {
			c.nextID = 1
		}
		binary.BigEndian.PutUint16(s.packet[s.idAt:], c.nextID)
		if c.byID != nil {
			c.byID[c.nextID] = s.number
		}
	}
	c.socket.out = append(c.socket.out, s.packet...)
}

// flush writes; with several streams, once there is a batch of them together, or
// at the end of the round.
func (c *client) flush() {
	if c.gathered++; c.byID == nil || c.gathered >= c.r.Batch {
		c.gathered = 0
		c.r.engine.write(c.socket)
		return
	}
	c.socket.touch()
}

func (c *client) ready() bool { return c.socket.ready() }

func (c *client) room() int { return c.most }

// carry encodes what is published again and again.
func (c *client) carry(s *stream) {
	s.by = c
	s.packet, s.idAt = mqtt.AppendPublish(nil, c.version(), &mqtt.Publish{
		QoS: mqtt.QoS(max(c.r.QoS, 0)), Topic: []byte(c.r.name(s.topic)), PacketID: 1, Payload: filling(c.r.Size),
	})
	s.stampAt = len(s.packet) - c.r.Size
	if c.streams = append(c.streams, s); len(c.streams) == 2 {
		c.byID = make([]uint32, 1<<16)
	}
	c.r.done()
}

// filling is a payload.
func filling(size int) []byte {
	b := make([]byte, size)
	for i := range b {
		b[i] = 'a' + byte(i%26)
	}
	return b
}
