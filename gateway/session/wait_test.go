package session

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/mqttsn"
)

// TestSlowStore: what is about to be answered is not asked for again, and only so
// many answers wait.
func TestSlowStore(t *testing.T) {
	for name, p := range map[string]mqttsn.Packet{
		"PUBLISH":     message(2, 5, "x"),
		"REGISTER":    &mqttsn.Register{MsgID: 1, TopicName: []byte("b")},
		"SUBSCRIBE":   &mqttsn.Subscribe{MsgID: 1, TopicName: []byte("b")},
		"UNSUBSCRIBE": &mqttsn.Unsubscribe{MsgID: 1, TopicName: []byte("b")},
		"DISCONNECT":  &mqttsn.Disconnect{HasDuration: true, Duration: 60},
	} {
		t.Run(name, func(t *testing.T) {
			r := connect(t, false)
			r.subscribed("a")
			for range 1000 {
				r.step(p)
			}
			require.Len(t, r.gated, 1)
			require.Equal(t, 999, r.counts[Unheard])
			r.commit()
			require.Len(t, r.said, 1)
		})
	}
	r := connect(t, false)
	for i := range 1000 {
		r.step(
			&mqttsn.Register{MsgID: uint16(i), TopicName: fmt.Appendf(nil, "t/%d", i)},
			pubrel(uint16(i)), message(2, uint16(i), "x"), message(0, 0, "x"),
		)
	}
	require.LessOrEqual(t, len(r.gated), maxWaiting)
}

// TestL8ConnackFirst: nothing overtakes it.
func TestL8ConnackFirst(t *testing.T) {
	r := connect(t, false)
	s := New(r.now, 1, &mqttsn.Connect{Duration: 600}, "n", r.limits(), &Predefined{})
	r.s = &s
	r.s.Accepted(r.now, &shard.Wake{Mark: r.round}, r, r, &r.out)
	r.step(&mqttsn.Pingreq{}, message(1, 5, "x"), &mqttsn.Willtopicupd{}, &mqttsn.Register{MsgID: 1, TopicName: []byte("+")})
	r.hears()
	r.commit()
	require.Len(t, r.said, 5)
	require.Equal(t, "CONNACK", r.said[0])
}

// TestIdleSessionIsNotKept: nothing has followed CONNECT, so nothing is lost.
func TestIdleSessionIsNotKept(t *testing.T) {
	for _, spoke := range []bool{false, true} {
		r := &rig{t: t, stored: true, fresh: true, round: 1}
		r.reconnect(false)
		if spoke {
			r.step(&mqttsn.Pingreq{})
		}
		r.s.End(r.now, true, r, r, &r.out)
		require.Equal(t, map[bool]string{true: "lost", false: "discarded"}[spoke], r.closed)
	}
}

// TestL9WhatIsBehindGoesOn: what waits behind an acknowledgement that was taken
// back is repeated in its time once it has left.
func TestL9WhatIsBehindGoesOn(t *testing.T) {
	r := connect(t, false)
	r.subscribed("a")
	r.queued(2, "a", "x")
	r.commit()
	r.said = nil
	r.step(message(1, 5, "y"), &mqttsn.Pubrec{MsgID: r.lastID}, message(1, 6, "z"))
	require.Len(t, r.gated, 3)
	r.gated = r.gated[1:2] // PUBREL
	r.s.Withdraw(r.now, 5, 1, 0, r, r, &r.out)
	r.s.Withdraw(r.now, 6, 1, 1, r, r, &r.out)
	r.hears("PUBACK 5 1", "PUBACK 6 1")
	require.Equal(t, 2, r.counts[Withdrawn])
	r.commit()
	r.hears("PUBREL 1")
	r.run(10 * time.Second)
	r.hears("PUBREL 1")
	r.step(message(1, 5, "y"))
	require.Len(t, r.published, 3, "it is not known any more")
}
