package core

import (
	"github.com/dormouse-mqtt/dormouse/broker/mqtt"
	"github.com/dormouse-mqtt/dormouse/broker/session"
	"github.com/dormouse-mqtt/dormouse/broker/shard"
)

// An encoding is a PUBLISH as all receivers of a class get it, but for the
// packet id and DUP.
type encoding struct {
	head    []byte // all of it, or what comes before payload
	idAt    int    // in head; negative: it has none
	payload []byte // if it is large
	attach  bool   // payload never changes: it need not be copied
}

// Encodings are those of the message that is being published, while it has
// several receivers: it is encoded once for each class of them.
type encodings struct {
	message *shard.Message // nil: none
	done    [classes]bool
	of      [classes]encoding
	single  encoding // of anything else
}

// classes is how many differ in more than the packet id and DUP: by the version
// (properties or none), QoS, and the retain flag.
const classes = 2 * 3 * 2

func class(v mqtt.Version, e *shard.Entry) int {
	n := int(e.QoS) * 2
	if e.Retain {
		n++
	}
	if v == mqtt.V5 {
		n += classes / 2
	}
	return n
}

const (
	// largePayload is from how many octets on a payload is not copied for each
	// receiver but attached to its output. To copy 1 KiB costs less than the
	// piece more that the system call gets.
	largePayload = 1 << 10
	// largeCopy is the same for one of which there is no copy yet, and only one
	// receiver: a copy has to be made anyway.
	largeCopy = 16 << 10
)

// begin has m encoded once, for several receivers.
func (s *encodings) begin(m *shard.Message) { s.message = m }

// end forgets it.
func (s *encodings) end() {
	if s.message == nil {
		return
	}
	s.message = nil
	for i, done := range s.done {
		if done {
			s.done[i], s.of[i].payload = false, nil
		}
	}
}

// send sends a message, or has it wait where that is due (L4).
func (c *Core) send(now shard.Time, k *conn, d *session.Delivery, out *shard.Out) {
	e, done := &c.encodings.single, false
	if d.Message == c.encodings.message && len(d.Identifiers()) == 0 {
		n := class(k.version, &d.Entry)
		e, done = &c.encodings.of[n], c.encodings.done[n]
		c.encodings.done[n] = true
	}
	if !done {
		c.encode(now, k.version, d, e)
	}
	if k.maxPacket != 0 && len(e.head)+len(e.payload) > int(k.maxPacket) { // dropped, and done with [MQTT-3.1.2-25]
		c.stats.Dropped++
		c.abandon(k.client, d.PacketID, out)
		return
	}
	c.stats.Delivered++
	if e.idAt >= 0 {
		mqtt.PatchPublish(e.head, e.idAt, d.PacketID, d.Dup)
	}
	if d.QoS < 2 && k.held <= out.Durable() {
		o := out.To(&k.dest)
		o.Data = append(o.Data, e.head...)
		if e.attach {
			o.Attach(e.payload)
		} else if e.payload != nil {
			o.Data = append(o.Data, e.payload...)
		}
		return
	}
	mark := shard.Mark(0)
	if d.QoS == 2 && (k.client.Stored || d.Group() != nil) {
		mark = k.client.Written
	}
	c.hold(k, mark, e.head, e.payload, out) // what comes from a queue never changes
}

// encode encodes a message for its receivers' version.
func (c *Core) encode(now shard.Time, v mqtt.Version, d *session.Delivery, e *encoding) {
	p := mqtt.Publish{
		Dup:      d.Dup,
		QoS:      mqtt.QoS(d.QoS),
		Retain:   d.Retain,
		PacketID: d.PacketID,
		Payload:  d.Payload,
	}
	if v == mqtt.V5 {
		b := c.props[:0]
		if d.Expires != 0 {
			b = mqtt.AppendUint32(b, mqtt.MessageExpiryInterval, d.Left(now))
		}
		for _, id := range d.Identifiers() {
			b = mqtt.AppendVarint(b, mqtt.SubscriptionIdentifier, id)
		}
		b = append(b, d.Properties...)
		c.props = b
		p.Properties = mqtt.NewProperties(b)
	}
	c.topic = append(c.topic[:0], d.Topic...) // where p can have it without an allocation
	p.Topic = c.topic
	if len(d.Payload) <= largePayload {
		e.head, e.idAt = mqtt.AppendPublish(e.head[:0], v, &p)
		e.payload, e.attach = nil, false
		return
	}
	e.head, e.idAt = mqtt.AppendPublishHead(e.head[:0], v, &p)
	e.payload, e.attach = d.Payload, d.Message != &c.incoming
	if !e.attach && (d.Message == c.encodings.message || len(d.Payload) > largeCopy) {
		e.payload, e.attach = c.keep(d.Message).Payload, true
	}
}

// hold sends a delivery when mark is durable; those that follow wait behind it.
func (c *Core) hold(k *conn, mark shard.Mark, packet, tail []byte, out *shard.Out) {
	if mark = max(mark, k.held); mark <= out.Durable() {
		appendTo(out.To(&k.dest), packet, tail)
		return
	}
	k.held = c.ring.PutTail(mark, k.id, ringDelivery, packet, tail)
	k.heldOctets += int32(len(packet) + len(tail))
}

// appendTo appends a packet, whose tail never changes.
func appendTo(o *shard.Output, packet, tail []byte) {
	o.Data = append(o.Data, packet...)
	if len(tail) > 0 {
		o.Attach(tail)
	}
}
