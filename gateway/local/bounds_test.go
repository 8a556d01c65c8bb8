package local_test

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dormouse-mqtt/dormouse/gateway/session"
	"github.com/dormouse-mqtt/dormouse/mqttsn"
	"github.com/dormouse-mqtt/dormouse/radio"
)

// wrapped is a message by way of a forwarder.
func wrapped(ctrl, node byte, p mqttsn.Packet) *mqttsn.Forward {
	return &mqttsn.Forward{Ctrl: ctrl, NodeID: []byte{node}, Message: p.AppendTo(nil)}
}

// TestWriteOfADatagram: what the store is to write for one does not depend on how
// many topics the node has.
func TestWriteOfADatagram(t *testing.T) {
	s := newSite(t)
	h := newHandset(s)
	h.connects(false)
	for i := range 255 {
		h.says(&mqttsn.Register{MsgID: uint16(i + 1), TopicName: fmt.Appendf(nil, "building/7/room/%d/temperature", i)})
	}
	p := publication(1, 1, "x")
	for qos, p := range []mqttsn.Packet{p, &mqttsn.Pubrel{MsgID: 1}} {
		s.datagram(h.addr, p.AppendTo(nil))
		require.Less(t, s.out.Backlog().Octets, 100, "of %d", qos)
		s.commit()
	}
	s.datagram(h.addr, (&mqttsn.Register{MsgID: 256, TopicName: []byte("building/7/room/255/temperature")}).AppendTo(nil))
	require.Less(t, s.out.Backlog().Octets, 1200, "three octets an id")
	s.commit()

	h.sleeps(100) // and all is there again
	s.crash(0, 0)
	s.run(time.Second)
	s.publish("building/7/room/255/temperature", "x", 1)
	h.hears(publication(256, 2, "y"), &mqttsn.Pubrec{MsgID: 2})
	h.hears(publication(1, 1, "x"), &mqttsn.Pubrec{MsgID: 1})
	require.Equal(t, uint64(2), s.machine.Broker.Stats().Published, "one of them anew")
}

// TestRepetitionsWhileTheStoreIsSlow wait for the one answer.
func TestRepetitionsWhileTheStoreIsSlow(t *testing.T) {
	s := newSite(t)
	h := newHandset(s)
	h.connects(false)
	h.subscribes("a")
	h.heard = nil
	p := publication(1, 9, "x").AppendTo(nil)
	for range 1000 {
		s.datagram(h.addr, p)
	}
	s.commit()
	require.Contains(t, h.heard, mqttsn.Packet(&mqttsn.Pubrec{MsgID: 9}))
	require.LessOrEqual(t, len(h.heard), 2, "PUBREC, and the message")
	require.Equal(t, uint64(999), s.machine.Gateway.Stats().Counts[session.Unheard])
}

// TestL8PingrespAfterConnack: a node that pings at once.
func TestL8PingrespAfterConnack(t *testing.T) {
	s := newSite(t)
	h := newHandset(s)
	for _, p := range []mqttsn.Packet{&mqttsn.Connect{ProtocolID: 1, Duration: 60, ClientID: []byte("n")}, &mqttsn.Pingreq{}} {
		s.datagram(h.addr, p.AppendTo(nil))
	}
	s.commit()
	require.Equal(t, []mqttsn.Packet{&mqttsn.Connack{}, &mqttsn.Pingresp{}}, h.heard)
}

// TestSessionsOfOneAddress: who only connects leaves nothing behind, and what is
// left behind is bounded.
func TestSessionsOfOneAddress(t *testing.T) {
	for _, subscribes := range []bool{false, true} {
		s := newSite(t)
		s.link.MaxClients = 1
		h := newHandset(s)
		for i := range 1000 {
			h.says(&mqttsn.Connect{ProtocolID: 1, ClientID: fmt.Appendf(nil, "%d", i)})
			if subscribes {
				h.says(&mqttsn.Subscribe{QoS: 1, MsgID: 1, TopicName: []byte("#")})
			}
			s.run(time.Second)
		}
		require.Equal(t, 1, s.machine.Gateway.Stats().Nodes)
		s.run(365 * 24 * time.Hour)
		if !subscribes {
			require.Len(t, s.disk, 1)
			continue
		}
		require.Less(t, len(s.disk), 40)
		require.Equal(t, uint64(990), s.machine.Gateway.Stats().TooManyKept)
		h.hears(&mqttsn.Connect{ProtocolID: 1, ClientID: []byte("new")}, &mqttsn.Connack{Code: mqttsn.Congestion})
		h.hears(&mqttsn.Connect{ProtocolID: 1, ClientID: []byte("9")}, &mqttsn.Connack{}) // has one
		h.hears(&mqttsn.Connect{ProtocolID: 1, CleanSession: true, ClientID: []byte("new")}, &mqttsn.Connack{})
	}
}

// TestS12MoveAtTheLimit: a node that moves is no second one.
func TestS12MoveAtTheLimit(t *testing.T) {
	s := newSite(t)
	s.link.MaxClients = 1
	h := newHandset(s)
	for port := range uint16(3) {
		h.addr = radio.UDP(netip.AddrPortFrom(netip.MustParseAddr("10.0.0.1"), 1000+port), 0)
		h.connects(false)
		s.run(11 * time.Second) // the old address hears nothing (C3)
	}
	h.addr = radio.UDP(netip.MustParseAddrPort("10.0.0.2:7"), 0)
	h.hears(&mqttsn.Connect{ProtocolID: 1, ClientID: []byte("m")}, &mqttsn.Connack{Code: mqttsn.Congestion})
}

// TestC5TwoForwarders: each has a node 7.
func TestC5TwoForwarders(t *testing.T) {
	s := newSite(t)
	h := newHandset(s)
	udp := func(s string) radio.Addr { return radio.UDP(netip.MustParseAddrPort(s), 0) }
	for nodes, from := range []radio.Addr{radio.Memory(1), radio.Memory(2), udp("10.0.0.1:7"), udp("10.0.0.2:7")} {
		h.addr = from
		h.hears(wrapped(0, 7, &mqttsn.Connect{ProtocolID: 1, Duration: 60}), wrapped(0, 7, &mqttsn.Connack{}))
		require.Equal(t, nodes+1, s.machine.Gateway.Stats().Nodes)
	}
	s.run(11 * time.Second)
	h.addr = udp("10.0.0.2:8") // its port has changed
	h.hears(wrapped(0, 7, &mqttsn.Connect{ProtocolID: 1, Duration: 60}), wrapped(0, 7, &mqttsn.Connack{}))
	require.Equal(t, 4, s.machine.Gateway.Stats().Nodes)
}

// TestP16Encapsulation: answers repeat the control octet, and a forwarder speaks
// for as many as it may.
func TestP16Encapsulation(t *testing.T) {
	s := newSite(t)
	h := newHandset(s)
	h.hears(wrapped(2, 7, &mqttsn.Searchgw{}), wrapped(2, 7, &mqttsn.Gwinfo{}))
	h.hears(wrapped(1, 7, &mqttsn.Connect{ProtocolID: 1, Duration: 60}), wrapped(1, 7, &mqttsn.Connack{}))
	h.hears(wrapped(2, 7, &mqttsn.Pingreq{}), wrapped(2, 7, &mqttsn.Pingresp{}))
	for i := range 1100 {
		h.says(&mqttsn.Forward{NodeID: []byte{byte(i >> 8), byte(i)}, Message: (&mqttsn.Connect{ProtocolID: 1, CleanSession: true, Duration: 65535}).AppendTo(nil)})
	}
	require.Equal(t, 1000, s.machine.Gateway.Stats().Nodes)
	h.says(wrapped(0, 7, &mqttsn.Disconnect{}))
	h.hears(wrapped(0, 8, &mqttsn.Connect{ProtocolID: 1, Duration: 60}), wrapped(0, 8, &mqttsn.Connack{}))
}

// TestP10TooLarge: every message counts, and only a PUBLISH is answered.
func TestP10TooLarge(t *testing.T) {
	s := newSite(t)
	s.link.MaxPacket = 50
	h := newHandset(s)
	h.connects(true)
	long := make([]byte, 100)
	for i := range long {
		long[i] = 'x'
	}
	h.hears(&mqttsn.Register{MsgID: 1, TopicName: long})
	h.hears(&mqttsn.Subscribe{MsgID: 1, TopicName: long})
	h.hears(publication(1, 5, string(long)), &mqttsn.Puback{TopicID: 1, MsgID: 5, Code: mqttsn.NotSupported})
	require.Equal(t, uint64(3), s.machine.Gateway.Stats().TooLarge)
}

// TestConnectsWhileTheStoreIsSlow: each is another one, so that each is taken; but
// not without end.
func TestConnectsWhileTheStoreIsSlow(t *testing.T) {
	s := newSite(t)
	h := newHandset(s)
	for i := range 1000 {
		s.datagram(h.addr, (&mqttsn.Connect{ProtocolID: 1, Duration: uint16(i), ClientID: []byte{byte('a' + i%3)}}).AppendTo(nil))
	}
	require.Equal(t, uint64(1000-64), s.machine.Gateway.Stats().Counts[session.Unheard])
	s.commit()
	require.Equal(t, []mqttsn.Packet{&mqttsn.Connack{}}, h.heard)
	h.connects(false)
}
