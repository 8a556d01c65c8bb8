package local_test

import (
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/broker/store"
	"github.com/dormouse-mqtt/dormouse/gateway/session"
	"github.com/dormouse-mqtt/dormouse/mqttsn"
	"github.com/dormouse-mqtt/dormouse/radio"
)

// stall tells that the store has failed for too long.
func (s *site) stall() {
	s.event(shard.Event{Kind: shard.Stored, Store: store.Event{Kind: store.Stalled}})
}

func congestion(topicID, msgID uint16) mqttsn.Packet {
	return &mqttsn.Puback{TopicID: topicID, MsgID: msgID, Code: mqttsn.Congestion}
}

// send has the node say something, while the store does not work.
func (h *handset) send(packets ...mqttsn.Packet) []mqttsn.Packet {
	h.heard = nil
	for _, p := range packets {
		h.s.datagram(h.addr, p.AppendTo(nil))
	}
	return h.heard
}

func atLeastOnce(msgID uint16, payload string) *mqttsn.Publish {
	return &mqttsn.Publish{QoS: 1, TopicID: 1, MsgID: msgID, Data: []byte(payload)}
}

// TestL9NodesAreRefused: what waits when the store has failed for too long is
// withdrawn, from a session that is stored or not; what comes then is refused at
// once; and what is sent again when the store works is new.
func TestL9NodesAreRefused(t *testing.T) {
	for _, clean := range []bool{false, true} {
		s := newSite(t)
		h := newHandset(s)
		h.connects(false) // somebody whose session gets it all
		h.subscribes("a")
		h.sleeps(60_000)

		h.addr = radio.Memory(2)
		h.hears(&mqttsn.Connect{CleanSession: clean, ProtocolID: 1, Duration: 60, ClientID: []byte("p")}, &mqttsn.Connack{})
		h.hears(&mqttsn.Register{MsgID: 1, TopicName: []byte("a")}, &mqttsn.Regack{MsgID: 1, TopicID: 1})
		one, two := atLeastOnce(5, "one"), publication(1, 6, "two")
		require.Empty(t, h.send(one, &mqttsn.Register{MsgID: 7, TopicName: []byte("b")}, two))
		h.heard = nil
		s.stall()
		require.Equal(t, []mqttsn.Packet{congestion(1, 5), congestion(0, 6)}, h.heard)
		require.Equal(t, []mqttsn.Packet{congestion(1, 5), congestion(1, 6), congestion(1, 8)}, h.send(one, two, atLeastOnce(8, "three")))
		require.Equal(t, uint64(2), s.machine.Gateway.Stats().Counts[session.Withdrawn])

		h.heard = nil
		s.commit()
		require.Equal(t, []mqttsn.Packet{&mqttsn.Regack{MsgID: 7, TopicID: 2}}, h.heard)
		h.hears(two, &mqttsn.Pubrec{MsgID: 6})
		h.hears(&mqttsn.Pubrel{MsgID: 6}, &mqttsn.Pubcomp{MsgID: 6})
		h.hears(one, &mqttsn.Puback{TopicID: 1, MsgID: 5})

		s.crash(0, 0)
		s.run(time.Second)
		h.addr = radio.Memory(1)
		first := h.says(wake("n"))[0].(*mqttsn.Publish)
		require.Equal(t, "two", string(first.Data), "each once")
		h.says(&mqttsn.Pubrec{MsgID: first.MsgID})
		second := h.says(&mqttsn.Pubcomp{MsgID: first.MsgID})[0].(*mqttsn.Publish)
		require.Equal(t, "one", string(second.Data))
		h.hears(&mqttsn.Puback{TopicID: 1, MsgID: second.MsgID}, &mqttsn.Pingresp{})
	}
}

// TestL9RefusedOnAnotherConnection: a node that connects anew, or has gone, is not
// told that what was withdrawn is taken.
func TestL9RefusedOnAnotherConnection(t *testing.T) {
	for _, gone := range []bool{false, true} {
		s := newSite(t)
		h := newHandset(s)
		h.connects(false)
		h.subscribes("a") // its own
		p := atLeastOnce(5, "one")
		require.Empty(t, h.send(p))
		if gone {
			h.send(&mqttsn.Disconnect{})
		} else {
			h.send(&mqttsn.Connect{ProtocolID: 1, Duration: 61, ClientID: []byte("n")})
		}
		s.stall()
		s.commit()
		s.crash(0, 0)
		s.run(time.Second)
		h.connects(false)
		before := s.machine.Broker.Stats().Published
		require.Contains(t, h.says(p), mqttsn.Packet(&mqttsn.Puback{TopicID: 1, MsgID: 5}))
		require.Equal(t, before+1, s.machine.Broker.Stats().Published, "it is new")
	}
}

// TestL9NoSessionToKeep while the store does not work.
func TestL9NoSessionToKeep(t *testing.T) {
	s := newSite(t)
	h := newHandset(s)
	s.stall()
	connect := &mqttsn.Connect{ProtocolID: 1, Duration: 60, ClientID: []byte("n")}
	require.Equal(t, []mqttsn.Packet{&mqttsn.Connack{Code: mqttsn.Congestion}}, h.send(connect))
	connect.CleanSession = true
	require.Equal(t, []mqttsn.Packet{&mqttsn.Connack{}}, h.send(connect))
}

// TestL9DeliveriesGoOn: what was taken back from among the answers to a node holds
// nothing else up.
func TestL9DeliveriesGoOn(t *testing.T) {
	for seed := range uint64(1000) {
		r := rand.New(rand.NewPCG(seed, 3))
		s := newSite(t)
		h := newHandset(s)
		h.connects(false)
		h.subscribes("a")
		payload := func() string { return strconv.Itoa(r.IntN(1 << 30)) }
		for id := range uint16(20) {
			switch r.IntN(5) {
			case 0:
				h.send(&mqttsn.Publish{QoS: mqttsn.QoS(1 + r.IntN(2)), TopicID: 1, MsgID: 100 + id, Data: []byte(payload())})
			case 1:
				h.send(&mqttsn.Register{MsgID: id, TopicName: []byte(payload())})
			case 2:
				s.tellUncommitted("a", payload(), byte(1+r.IntN(2)))
			case 3:
				h.acknowledge()
			default:
				if r.IntN(4) == 0 {
					s.stall()
				}
			}
		}
		s.commit()
		s.event(shard.Event{Kind: shard.Stored, Store: store.Event{Kind: store.Committed, Ticket: s.tickets}})
		s.tellUncommitted("a", "last", 1)
		s.commit()
		heard := false
		for range 100 {
			for _, p := range h.acknowledge() {
				p, ok := p.(*mqttsn.Publish)
				heard = heard || ok && string(p.Data) == "last"
			}
			s.run(time.Second)
		}
		require.True(t, heard, "seed %d", seed)
	}
}

// acknowledge answers what the node has heard.
func (h *handset) acknowledge() (heard []mqttsn.Packet) {
	heard, h.heard = h.heard, nil
	for _, p := range heard {
		var answer mqttsn.Packet
		switch p := p.(type) {
		case *mqttsn.Publish:
			answer = &mqttsn.Puback{TopicID: p.TopicID, MsgID: p.MsgID}
			if p.QoS == 2 {
				answer = &mqttsn.Pubrec{MsgID: p.MsgID}
			}
		case *mqttsn.Pubrel:
			answer = &mqttsn.Pubcomp{MsgID: p.MsgID}
		case *mqttsn.Register:
			answer = &mqttsn.Regack{TopicID: p.TopicID, MsgID: p.MsgID}
		case *mqttsn.Pingreq:
			answer = &mqttsn.Pingreq{}
		default:
			continue
		}
		h.s.datagram(h.addr, answer.AppendTo(nil))
	}
	return heard
}
