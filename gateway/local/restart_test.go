package local_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/mqttsn"
	"github.com/dormouse-mqtt/dormouse/radio"
)

func wake(id string) mqttsn.Packet { return &mqttsn.Pingreq{ClientID: []byte(id)} }

func publication(id, msgID uint16, payload string) *mqttsn.Publish {
	return &mqttsn.Publish{QoS: 2, TopicID: id, MsgID: msgID, Data: []byte(payload)}
}

// TestL14SleeperIsAsleepAgain, under the same topic ids, and wakes with its client
// id or without, whether its link comes up before or after its session.
func TestL14SleeperIsAsleepAgain(t *testing.T) {
	for _, named := range []string{"n", ""} {
		for _, late := range []bool{false, true} {
			s := newSite(t)
			h := newHandset(s)
			h.connects(false)
			h.subscribes("a")
			h.sleeps(100)
			s.publish("a", "x", 2)
			s.noLink = late
			s.crash(0, time.Hour)
			if late {
				s.run(time.Second)
				s.linkUp()
			}
			s.run(113 * time.Second)
			require.Equal(t, 1, s.machine.Gateway.Stats().Nodes)
			got := h.says(wake(named))
			require.Len(t, got, 1)
			p := got[0].(*mqttsn.Publish)
			require.Equal(t, "x", string(p.Data))
			require.Equal(t, uint16(1), p.TopicID)
			h.hears(&mqttsn.Pubrec{MsgID: p.MsgID}, &mqttsn.Pubrel{MsgID: p.MsgID})
			h.hears(&mqttsn.Pubcomp{MsgID: p.MsgID}, &mqttsn.Pingresp{})
			s.run(time.Hour)
			require.Zero(t, s.machine.Gateway.Stats().Nodes)
			h.hears(wake("n"), &mqttsn.Disconnect{}) // S18
		}
	}
}

// TestL14LinkUnderAnotherName: other options are the same listener. Of another
// listener only the address counts for a PINGREQ, and nothing for a CONNECT: the
// old address is out (S12). Whoever does not come is lost.
func TestL14LinkUnderAnotherName(t *testing.T) {
	for _, tt := range []struct {
		listener   string
		addr       uint64
		pingreq    mqttsn.Packet
		connectsTo mqttsn.Packet
	}{
		{listener + "?retry=5s", 1, &mqttsn.Pingresp{}, &mqttsn.Connack{}},
		{"mqttsn://another", 1, &mqttsn.Pingresp{}, &mqttsn.Connack{}},
		{listener + "?retry=5s", 2, &mqttsn.Disconnect{}, &mqttsn.Connack{Code: mqttsn.NotSupported}},
		{"mqttsn://another", 2, &mqttsn.Disconnect{}, &mqttsn.Connack{}},
	} {
		s := newSite(t)
		h := newHandset(s)
		h.connects(false)
		h.sleeps(100)
		s.link.Listener = tt.listener
		s.crash(0, 0)
		h.addr = radio.Memory(tt.addr)
		s.run(109 * time.Second)
		require.Equal(t, 1, s.machine.Gateway.Stats().Nodes)
		h.hears(wake("n"), tt.pingreq)
		h.hears(&mqttsn.Connect{ProtocolID: 1, Duration: 60, ClientID: []byte("n")}, tt.connectsTo)
		s.run(2 * time.Minute)
		require.Zero(t, s.machine.Gateway.Stats().Nodes)
	}
}

// TestL14BehindAForwarder: the wireless node id is part of the address.
func TestL14BehindAForwarder(t *testing.T) {
	s := newSite(t)
	h := newHandset(s)
	wrap := func(p mqttsn.Packet) *mqttsn.Forward {
		return &mqttsn.Forward{NodeID: []byte{7, 8}, Message: p.AppendTo(nil)}
	}
	h.hears(wrap(&mqttsn.Connect{ProtocolID: 1, Duration: 60}), wrap(&mqttsn.Connack{}))
	h.hears(wrap(&mqttsn.Disconnect{HasDuration: true, Duration: 60}), wrap(&mqttsn.Disconnect{}))
	s.crash(0, 0)
	s.run(time.Second)
	h.hears(wrap(&mqttsn.Pingreq{}), wrap(&mqttsn.Pingresp{}))
	h.hears(&mqttsn.Pingreq{}, &mqttsn.Disconnect{})
}

// TestL14ActiveNodeIsCutOff: it is told so, and connects again with its ids.
func TestL14ActiveNodeIsCutOff(t *testing.T) {
	s := newSite(t)
	h := newHandset(s)
	h.connects(false)
	h.subscribes("a")
	h.sleeps(100)
	h.connects(false)
	s.crash(0, 0)
	s.run(time.Second)
	require.Zero(t, s.machine.Gateway.Stats().Nodes)
	s.publish("a", "x", 1)
	h.hears(publication(1, 9, "y"), &mqttsn.Disconnect{}) // C14
	got := h.says(&mqttsn.Connect{ProtocolID: 1, Duration: 60, ClientID: []byte("n")})
	require.Equal(t, []mqttsn.Packet{&mqttsn.Connack{}, &mqttsn.Register{TopicID: 1, MsgID: 1, TopicName: []byte("a")}}, got)
	h.hears(publication(1, 9, "y"), &mqttsn.Pubrec{MsgID: 9})
}

// TestL14AwakeNodeIsAsleepAgain: what it has not acknowledged comes first, and
// after PUBREC only PUBREL (S19).
func TestL14AwakeNodeIsAsleepAgain(t *testing.T) {
	s := newSite(t)
	h := newHandset(s)
	h.connects(false)
	h.subscribes("a")
	h.sleeps(100)
	s.publish("a", "x", 2)
	p := h.says(wake("n"))[0].(*mqttsn.Publish)
	s.crash(0, 0)
	s.run(time.Second)
	again := h.says(wake("n"))[0].(*mqttsn.Publish)
	require.True(t, again.Dup)
	require.Equal(t, p.MsgID, again.MsgID)
	h.hears(&mqttsn.Pubrec{MsgID: p.MsgID}, &mqttsn.Pubrel{MsgID: p.MsgID})
	s.crash(0, 0)
	s.run(time.Second)
	h.hears(wake("n"), &mqttsn.Pubrel{MsgID: p.MsgID})
	h.hears(&mqttsn.Pubcomp{MsgID: p.MsgID}, &mqttsn.Pingresp{})
}

// TestL4CleanSleeperIsStored: a clean session is, from its first sleep on, until
// it ends.
func TestL4CleanSleeperIsStored(t *testing.T) {
	s := newSite(t)
	h := newHandset(s)
	h.connects(true)
	h.subscribes("a")
	require.Len(t, s.disk, 1, "the restart's number")
	h.sleeps(100)
	s.publish("a", "x", 1)
	require.Greater(t, len(s.disk), 3, "session, subscription, message")
	require.Len(t, h.says(wake("n")), 1)
	s.run(time.Hour) // lost (S17)
	require.Len(t, s.disk, 1, "and nothing else is left")
}

// TestL14CleanSleeperIsAsleepAgain, after a crash and after a stop.
func TestL14CleanSleeperIsAsleepAgain(t *testing.T) {
	for _, stop := range []bool{false, true} {
		s := newSite(t)
		h := newHandset(s)
		h.connects(true)
		h.subscribes("a")
		h.sleeps(100)
		s.publish("a", "x", 1)
		if stop {
			s.event(shard.Event{Kind: shard.Stopping})
		}
		s.crash(len(s.pending), 0)
		s.run(time.Second)
		require.Len(t, h.says(wake("n")), 1)
		require.IsType(t, &mqttsn.Publish{}, h.heard[0])
	}
}

// TestL14AfterAStop: sleepers hear nothing of it.
func TestL14AfterAStop(t *testing.T) {
	s := newSite(t)
	h := newHandset(s)
	h.connects(false)
	h.subscribes("a")
	h.sleeps(100)
	s.publish("a", "x", 1)
	h.heard = nil
	s.event(shard.Event{Kind: shard.Stopping})
	s.crash(len(s.pending), 0)
	s.run(time.Second)
	require.Empty(t, h.heard)
	require.Len(t, h.says(wake("n")), 1)
	require.IsType(t, &mqttsn.Publish{}, h.heard[0])
}

// TestS17LostSleeper: a restart does not find it asleep, whatever ended it.
func TestS17LostSleeper(t *testing.T) {
	for name, end := range map[string]func(s *site, h *handset){
		"silence":           func(s *site, h *handset) { s.run(time.Hour) },
		"goodbye":           func(s *site, h *handset) { h.says(&mqttsn.Disconnect{}) },
		"another client id": func(s *site, h *handset) { h.says(&mqttsn.Connect{ProtocolID: 1, ClientID: []byte("m")}) }, // C4
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			h := newHandset(s)
			h.connects(false)
			h.subscribes("a")
			h.sleeps(100)
			end(s, h)
			s.publish("a", "x", 1)
			s.crash(len(s.pending), 0)
			s.run(time.Second)
			require.Zero(t, s.machine.Gateway.Stats().Nodes)
			got := h.says(&mqttsn.Connect{ProtocolID: 1, Duration: 60, ClientID: []byte("n")})
			require.Len(t, got, 2, "clean=0 keeps subscriptions, ids and buffer")
		})
	}
}

// TestC2ConnectOfASleeper: clean=0 keeps everything, and CONNACK is first; clean=1
// drops everything, in a wake, too.
func TestC2ConnectOfASleeper(t *testing.T) {
	for _, awake := range []bool{false, true} {
		asleep := func() (*site, *handset) {
			s := newSite(t)
			h := newHandset(s)
			h.connects(false)
			h.subscribes("a")
			h.sleeps(100)
			s.publish("a", "x", 2)
			if awake {
				h.says(wake("n"))
			}
			return s, h
		}
		s, h := asleep()
		got := h.says(&mqttsn.Connect{ProtocolID: 1, Duration: 60, ClientID: []byte("n")})
		require.Equal(t, []mqttsn.Packet{&mqttsn.Connack{}, &mqttsn.Register{TopicID: 1, MsgID: 1, TopicName: []byte("a")}}, got)
		got = h.says(&mqttsn.Regack{TopicID: 1, MsgID: 1})
		require.Len(t, got, 1)
		require.Equal(t, awake, got[0].(*mqttsn.Publish).Dup)
		require.Zero(t, s.machine.Gateway.Stats().SleptAway)

		s, h = asleep()
		h.connects(true)
		require.Equal(t, uint64(1), s.machine.Gateway.Stats().SleptAway)
		s.publish("a", "y", 1)
		h.hears(&mqttsn.Pingreq{}, &mqttsn.Pingresp{})
		h.hears(publication(1, 1, "x"), &mqttsn.Puback{TopicID: 1, MsgID: 1, Code: mqttsn.InvalidTopicID})
		require.Len(t, s.disk, 1, "all of it")
	}
}

// TestC1RepeatedConnect changes nothing, also of what is under way.
func TestC1RepeatedConnect(t *testing.T) {
	s := newSite(t)
	h := newHandset(s)
	h.connects(false)
	h.subscribes("a")
	h.sleeps(100)
	s.publish("a", "x", 2)
	h.says(&mqttsn.Connect{ProtocolID: 1, Duration: 60, ClientID: []byte("n")})
	h.connects(false)
	s.run(10 * time.Second)
	require.Len(t, h.heard, 2, "REGISTER is repeated in its time")
}

// TestS12RoamedSleeper: after a restart it is where it was last.
func TestS12RoamedSleeper(t *testing.T) {
	s := newSite(t)
	s.link.Roam = 1 // any
	h := newHandset(s)
	h.connects(false)
	h.sleeps(100)
	h.addr = radio.Memory(2)
	h.hears(wake("n"), &mqttsn.Pingresp{})
	s.crash(0, 0)
	s.run(time.Second)
	h.hears(wake(""), &mqttsn.Pingresp{})
}

// TestP6OverARestart: what was published before a crash is not published again.
func TestP6OverARestart(t *testing.T) {
	s := newSite(t)
	h := newHandset(s)
	h.connects(false)
	h.subscribes("a") // its own
	p := publication(1, 9, "x")
	h.sleeps(100)
	require.Contains(t, h.says(p), mqttsn.Packet(&mqttsn.Pubrec{MsgID: 9}))
	s.crash(0, time.Second)
	s.run(time.Second)
	h.hears(p, &mqttsn.Pubrec{MsgID: 9})
	h.hears(&mqttsn.Pubrel{MsgID: 9}, &mqttsn.Pubcomp{MsgID: 9})
	s.crash(0, time.Second)
	s.run(time.Second)
	h.hears(p, &mqttsn.Pubrec{MsgID: 9})
	require.Zero(t, s.machine.Broker.Stats().Published)
}
