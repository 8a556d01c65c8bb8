package world

import (
	"fmt"
	"strings"
	"time"

	"github.com/dormouse-mqtt/dormouse/broker/mqtt"
)

// A Client is an MQTT client that sends what it is told to. It belongs to the
// tests, for the world itself knows streams and no MQTT.
type Client struct {
	Name    string
	Version mqtt.Version
	// Got has each packet that comes; it is valid during the call.
	Got func(p mqtt.Packet)
	// Gone tells that the stream has ended otherwise than by Drop; nil: Open says so.
	Gone func()
	// Open says that the stream is.
	Open bool

	world  *World
	stream *Stream
	in     []byte
}

// Client makes a client that is not connected yet.
func (w *World) Client(name string) *Client {
	return &Client{Name: name, world: w, Version: mqtt.V311}
}

// Connect dials and sends CONNECT.
func (c *Client) Connect(p *mqtt.Connect) {
	c.in, c.Open, c.Version = nil, true, p.Version
	c.stream = c.world.Dial(c.Name, &end{c})
	c.Send(p)
}

// Send sends a packet.
func (c *Client) Send(p mqtt.Packet) { c.stream.Send(p.AppendTo(nil, c.Version)) }

// Drop closes the stream without a goodbye.
func (c *Client) Drop() { c.Open = false; c.stream.Close() }

// Vanish leaves the stream open, and takes no notice of it any more.
func (c *Client) Vanish() { c.Open = false; c.stream.ended = true }

// Stall does not read for d.
func (c *Client) Stall(d time.Duration) { c.stream.Stall(d) }

// Subscribe sends a SUBSCRIBE with one filter.
func (c *Client) Subscribe(id uint16, filter string, qos mqtt.QoS) {
	c.Send(&mqtt.Subscribe{PacketID: id, Filters: mqtt.NewFilters(mqtt.AppendFilter(nil, filter, mqtt.SubscribeOptions{QoS: qos}))})
}

// end is the Endpoint of one connection of a client.
type end struct{ *Client }

func (e *end) Receive(data []byte) {
	if e.stream == nil || e.stream.end != e {
		return // an older connection of the client
	}
	e.in = append(e.in, data...)
	for e.Open && e.stream.end == e {
		n, err := mqtt.Frame(e.in, 0)
		if err != nil {
			panic(err)
		}
		if n == 0 {
			return
		}
		packet := e.in[:n:n]
		e.in = e.in[n:]
		d := mqtt.Decoder{From: mqtt.FromServer}
		p, err := d.Decode(packet, e.Version)
		if err != nil {
			panic(fmt.Sprintf("%s got %x: %v", e.Name, packet, err))
		}
		if e.Got != nil {
			e.Got(p)
		}
	}
}

func (e *end) Closed() {
	if e.stream.end != e {
		return
	}
	e.Open = false
	if e.Gone != nil {
		e.Gone()
	}
}

func (e *end) Describe(data []byte, toServer bool) (lines []string) {
	d := mqtt.Decoder{From: mqtt.FromServer}
	if toServer {
		d.From = mqtt.FromClient
	}
	for len(data) > 0 {
		n, err := mqtt.Frame(data, 0)
		if err != nil || n == 0 {
			return append(lines, fmt.Sprintf("malformed %x", data))
		}
		p, err := d.Decode(data[:n], e.Version)
		if err != nil {
			lines = append(lines, fmt.Sprintf("malformed %x", data[:n]))
		} else {
			lines = append(lines, describe(p))
		}
		data = data[n:]
	}
	return lines
}

// describe says what a packet of MQTT says.
func describe(p mqtt.Packet) string {
	l := newLine(p.Type())
	switch p := p.(type) {
	case *mqtt.Connect:
		l.text("client", p.ClientID).flag("clean", p.CleanStart).number("keepalive", int(p.KeepAlive))
		l.text("will", p.Will.Topic).properties(p.Properties)
	case *mqtt.Connack:
		l.flag("present", p.SessionPresent).code(p.Code).properties(p.Properties)
	case *mqtt.Publish:
		l.flag("dup", p.Dup).number("qos", int(p.QoS)).flag("retain", p.Retain).text("topic", p.Topic).
			number("id", int(p.PacketID)).text("payload", p.Payload).properties(p.Properties)
	case *mqtt.Puback:
		l.number("id", int(p.PacketID)).code(p.Code)
	case *mqtt.Subscribe:
		l.number("id", int(p.PacketID))
		for filter, o := range p.Filters.All() {
			l.text("topic", filter).number("qos", int(o.QoS))
		}
	case *mqtt.Suback:
		l.number("id", int(p.PacketID))
		fmt.Fprintf(l, " codes=%x", p.Codes)
	case *mqtt.Unsubscribe:
		l.number("id", int(p.PacketID))
	case *mqtt.Unsuback:
		l.number("id", int(p.PacketID))
	case *mqtt.Disconnect:
		l.code(p.Code)
	}
	return l.String()
}

func (l *line) properties(p mqtt.Properties) *line {
	for _, id := range []mqtt.PropertyID{mqtt.MaximumQoS, mqtt.SharedSubscriptionAvailable} {
		if v, ok := p.Byte(id); ok {
			l.property(id, v)
		}
	}
	for _, id := range []mqtt.PropertyID{mqtt.SessionExpiryInterval, mqtt.MaximumPacketSize, mqtt.MessageExpiryInterval} {
		if v, ok := p.Uint32(id); ok {
			l.property(id, v)
		}
	}
	if v, ok := p.Bytes(mqtt.AssignedClientIdentifier); ok {
		l.property(mqtt.AssignedClientIdentifier, string(v))
	}
	return l
}

func (l *line) property(id mqtt.PropertyID, v any) {
	fmt.Fprintf(l, " %s=%v", strings.ReplaceAll(id.String(), " ", ""), v)
}

func (l *line) code(c mqtt.ReasonCode) *line {
	if c != 0 {
		fmt.Fprintf(l, " code=%#x", byte(c))
	}
	return l
}
