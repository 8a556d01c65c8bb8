package dump

import (
	"slices"
	"strings"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/reassembly"

	"github.com/dormouse-mqtt/dormouse/broker/mqtt"
)

// A connection is a TCP connection: two streams, of which one is the client's.
// The first is from the end that was seen first.
type connection struct {
	capture *capture
	number  int
	talk    conversation
	isMQTT  bool
	ignored bool // it is something else
	sides   [2]side
}

// New begins a connection, at any segment that says something.
func (c *capture) New(network, transport gopacket.Flow, tcp *layers.TCP, _ reassembly.AssemblerContext) reassembly.Stream {
	if !tcp.SYN && len(tcp.Payload) == 0 {
		return nil
	}
	if c.open >= MaxConnections {
		c.refused++
		return nil
	}
	c.open++
	c.opened++
	src, dst := uint16(tcp.SrcPort), uint16(tcp.DstPort)
	a, b := endpoint(network.Src(), src), endpoint(network.Dst(), dst)
	conn := &connection{capture: c, number: c.opened, talk: newConversation(c.options.Version)}
	conn.sides[0] = side{connection: conn, src: a, dst: b}
	conn.sides[1] = side{connection: conn, src: b, dst: a}
	toServer, fromServer := slices.Contains(c.options.MQTTPorts, dst), slices.Contains(c.options.MQTTPorts, src)
	conn.isMQTT = toServer || fromServer
	if toServer != fromServer {
		conn.setClient(&conn.sides[btoi(fromServer)])
	}
	return conn
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// setClient tells the codec who may send what.
func (c *connection) setClient(client *side) {
	c.sides[0].from, c.sides[1].from = mqtt.FromServer, mqtt.FromServer
	client.from = mqtt.FromClient
}

// Accept takes every segment. A stream whose start is not in the capture begins
// where it is seen first, maybe within a packet.
func (c *connection) Accept(tcp *layers.TCP, _ gopacket.CaptureInfo, way reassembly.TCPFlowDirection, next reassembly.Sequence, start *bool, _ reassembly.AssemblerContext) bool {
	if next < 0 && !*start {
		c.sides[btoi(bool(way))].seeking = true
		*start = true
	}
	return true
}

// ReassembledSG takes the next octets of a stream.
func (c *connection) ReassembledSG(octets reassembly.ScatterGather, context reassembly.AssemblerContext) {
	way, _, end, missing := octets.Info()
	n, _ := octets.Lengths()
	s := &c.sides[btoi(bool(way))]
	s.at = context.GetCaptureInfo().Timestamp
	if c.ignored {
		return
	}
	if missing > 0 {
		s.gap(missing)
	}
	if n > 0 {
		s.take(octets.Fetch(n))
	}
	if end {
		s.finish("the connection ended")
	}
}

// ReassemblyComplete ends the connection.
func (c *connection) ReassemblyComplete(reassembly.AssemblerContext) bool {
	for i := range c.sides {
		c.sides[i].finish("no more came")
	}
	c.capture.open--
	return true
}

// The ways in which the body of a CONNECT begins.
var protocolNames = []string{"\x00\x04MQTT", "\x00\x06MQIsdp"}

// recognise looks whether a connection on a port of no meaning begins with a
// CONNECT. It gives false while octets are missing that decide it.
func (c *connection) recognise(s *side) (decided bool) {
	if s.seeking || mqtt.Type(s.buffer[0]>>4) != mqtt.TypeConnect {
		return c.ignore(s)
	}
	body := 1
	for body < len(s.buffer) && body < 4 && s.buffer[body] >= 0x80 {
		body++
	}
	got := string(s.buffer[min(body+1, len(s.buffer)):])
	undecided := false
	for _, name := range protocolNames {
		if strings.HasPrefix(got, name) {
			c.isMQTT = true
			c.setClient(s)
			return true
		}
		undecided = undecided || strings.HasPrefix(name, got)
	}
	if undecided {
		return false
	}
	return c.ignore(s)
}

func (c *connection) ignore(s *side) (decided bool) {
	c.ignored = true
	s.release(len(s.buffer))
	return true
}
