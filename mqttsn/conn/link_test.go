package conn

import (
	"bytes"
	"net"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dormouse-mqtt/dormouse/mqttsn"
	"github.com/dormouse-mqtt/dormouse/mqttsn/client"
	"github.com/dormouse-mqtt/dormouse/radio"
)

// An air is a radio.Link whose other end the test holds.
type air struct {
	t      *testing.T
	in     chan radio.Datagram
	out    chan radio.Datagram
	closed chan struct{}
	once   sync.Once
}

func newAir(t *testing.T) *air {
	return &air{t: t, in: make(chan radio.Datagram), out: make(chan radio.Datagram, 1), closed: make(chan struct{})}
}

func (a *air) ReadBatch(d []radio.Datagram) (int, error) {
	select {
	case x := <-a.in:
		d[0].Addr, d[0].Data = x.Addr, append(d[0].Data[:0], x.Data...)
		return 1, nil
	case <-a.closed:
		return 0, net.ErrClosed
	}
}

func (a *air) WriteBatch(d []radio.Datagram) (int, error) {
	select {
	case a.out <- radio.Datagram{Addr: d[0].Addr, Data: bytes.Clone(d[0].Data)}:
		return 1, nil
	case <-a.closed:
		return 0, net.ErrClosed
	}
}

func (a *air) MTU() int { return 100 }

func (a *air) Close() error {
	a.once.Do(func() { close(a.closed) })
	return nil
}

// brings sends a packet to the node, from is its sender.
func (a *air) brings(from radio.Addr, p mqttsn.Packet) {
	a.in <- radio.Datagram{Addr: from, Data: p.AppendTo(nil)}
}

// wants expects that packet of the node.
func (a *air) wants(p mqttsn.Packet) {
	a.t.Helper()
	require.Equal(a.t, radio.Datagram{Addr: there, Data: p.AppendTo(nil)}, <-a.out)
}

// there is the gateway.
var there = radio.Memory(1)

// during runs what the node does while the test is the gateway.
func during(t *testing.T, node func() error, gateway func()) {
	t.Helper()
	ended := make(chan error)
	go func() { ended <- node() }()
	gateway()
	require.NoError(t, <-ended)
}

func TestLinkHearsItsGatewayOnly(t *testing.T) {
	a := newAir(t)
	c := New(a, there, client.Options{})
	defer c.Close()
	during(t, func() error { return c.Connect(t.Context()) }, func() {
		a.wants(&mqttsn.Connect{ProtocolID: mqttsn.ProtocolID})
		a.brings(radio.Memory(2), &mqttsn.Connack{Code: mqttsn.NotSupported})
		a.brings(there, &mqttsn.Connack{})
	})
}

func TestFullChannelStopsNothingElse(t *testing.T) {
	a := newAir(t)
	c := New(a, there, client.Options{Predefined: map[uint16]string{4: "known"}})
	defer c.Close()
	p := mqttsn.Publish{QoS: mqttsn.QoS1, TopicIDType: mqttsn.TopicPredefined, TopicID: 4}
	for range maxMessages {
		p.MsgID++
		a.brings(there, &p)
		a.wants(&mqttsn.Puback{TopicID: 4, MsgID: p.MsgID})
	}
	p.MsgID++
	a.brings(there, &p) // no PUBACK
	during(t, func() error { return c.Ping(t.Context()) }, func() {
		a.wants(&mqttsn.Pingreq{})
		a.brings(there, &mqttsn.Pingresp{})
	})
	<-c.Messages()
	p.Dup = true
	a.brings(there, &p)
	a.wants(&mqttsn.Puback{TopicID: 4, MsgID: p.MsgID})
	during(t, func() error { return c.Ping(t.Context()) }, func() { // the message is told by then
		a.wants(&mqttsn.Pingreq{})
		a.brings(there, &mqttsn.Pingresp{})
	})
	require.Len(t, c.Messages(), maxMessages)
}
