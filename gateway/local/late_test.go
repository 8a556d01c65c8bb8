package local_test

import (
	"fmt"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	broker "github.com/dormouse-mqtt/dormouse/broker/core"
	"github.com/dormouse-mqtt/dormouse/broker/mqtt"
	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/mqttsn"
	"github.com/dormouse-mqtt/dormouse/radio"
)

// TestLateAcknowledgement: packet ids go on over a CONNECT with CleanSession, so
// that an answer to the session before is none to this one.
func TestLateAcknowledgement(t *testing.T) {
	for _, qos := range []byte{1, 2} {
		for _, late := range []bool{false, true} {
			t.Run(fmt.Sprint(qos, late), func(t *testing.T) {
				s := newSite(t)
				h := newHandset(s)
				h.connects(true)
				h.subscribes("a")
				s.tell("a", "x", qos)
				id := h.heard[len(h.heard)-1].(*mqttsn.Publish).MsgID
				var ack mqttsn.Packet = &mqttsn.Puback{TopicID: 1, MsgID: id}
				if qos == 2 {
					ack = &mqttsn.Pubrec{MsgID: id}
				}
				h.says(ack)
				h.connects(true)
				h.subscribes("a")
				h.heard = nil
				s.tell("a", "y", qos)
				require.Len(t, h.heard, 1, "and is lost on the air")
				if late {
					h.says(ack)
				}
				h.heard = nil
				s.run(11 * time.Second)
				require.Len(t, h.heard, 1)
				require.Equal(t, "y", string(h.heard[0].(*mqttsn.Publish).Data))
			})
		}
	}
}

// TestP11PaddedConnect: of a CONNECT in a datagram of 60,000 octets the message is
// kept.
func TestP11PaddedConnect(t *testing.T) {
	s := newSite(t)
	s.link.MTU = 65507
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	const n = 200
	before := heap()
	for i := range n {
		data := (&mqttsn.Connect{ProtocolID: 1, CleanSession: true, ClientID: fmt.Append(nil, i)}).AppendTo(nil)
		s.datagram(radio.Memory(uint64(i)), append(data, make([]byte, 60_000)...))
	}
	after := heap()
	require.Equal(t, n, s.machine.Gateway.Stats().Nodes)
	require.Less(t, (int64(after)-int64(before))/n, int64(4000), "octets a stranger")
	runtime.KeepAlive(s)
}

// tell publishes, and has the nodes told.
func (s *site) tell(topic, payload string, qos byte) {
	s.tellUncommitted(topic, payload, qos)
	s.commit()
}

func (s *site) tellUncommitted(topic, payload string, qos byte) {
	s.round(func() {
		s.machine.Broker.Publish(s.now, 0, broker.Publication{Topic: topic, Payload: []byte(payload), QoS: qos}, &s.out)
		s.machine.Handle(s.now, shard.Event{Kind: shard.Wall, Offset: s.wall}, &s.out)
	})
}

// TestC3OldAddress: it is told that the client id is somebody else's now, on UDP
// only if it spoke a moment ago.
func TestC3OldAddress(t *testing.T) {
	udp := radio.UDP(netip.MustParseAddrPort("192.0.2.9:7"), 0)
	for _, tt := range []struct {
		addr   radio.Addr
		silent time.Duration
		told   int
	}{
		{radio.Memory(1), 0, 1}, {radio.Memory(1), 50 * time.Second, 1},
		{udp, 10 * time.Second, 1}, {udp, 11 * time.Second, 0},
	} {
		for _, byMQTT := range []bool{false, true} {
			s := newSite(t)
			s.link.Roam = shard.RoamAny
			h := newHandset(s)
			h.addr = tt.addr
			h.connects(false)
			h.says(&mqttsn.Pingreq{})
			s.run(tt.silent)
			told := 0
			s.datagrams = func(to radio.Addr, data []byte) {
				if to == tt.addr && string(data) == string((&mqttsn.Disconnect{}).AppendTo(nil)) {
					told++
				}
			}
			if byMQTT {
				s.takeOver("n")
			} else {
				s.datagram(radio.Memory(2), (&mqttsn.Connect{ProtocolID: 1, Duration: 60, ClientID: []byte("n")}).AppendTo(nil))
			}
			require.Equal(t, tt.told, told, "%v after %v", tt.addr, tt.silent)
		}
	}
}

// takeOver has an MQTT client connect under a client id.
func (s *site) takeOver(clientID string) {
	s.event(shard.Event{Kind: shard.Opened, Conn: 1, Info: &shard.ConnInfo{ListenerInfo: &shard.ListenerInfo{Listener: "mqtt://site", Anonymous: shard.AnonymousOn, MaxPacket: 1 << 20}}})
	s.event(shard.Event{Kind: shard.Received, Conn: 1, Data: (&mqtt.Connect{Version: mqtt.V311, ClientID: []byte(clientID)}).AppendTo(nil, mqtt.V311)})
}
