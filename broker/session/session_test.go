package session

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dormouse-mqtt/dormouse/broker/shard"
)

func entry(topic string, qos byte, payload string) shard.Entry {
	return shard.Entry{Message: &shard.Message{Topic: topic, Payload: []byte(payload), QoS: qos}, QoS: qos}
}

// next is Next of a session of which nothing expires.
func next(s *Session) (Delivery, bool) {
	return s.Next(0, func(shard.Entry) { panic("expired") })
}

func TestInFlightIsSentAgainFirstAndInOrder(t *testing.T) {
	s := New("c", 1, &Pool{})
	s.Attach(2)
	for i := range 4 {
		require.Equal(t, PushQueued, s.Push(entry("t", 1, fmt.Sprint(i)), false))
	}
	a, _ := next(s)
	b, _ := next(s)
	require.False(t, a.Dup)
	_, more := next(s)
	require.False(t, more, "the window is full")

	s.Attach(2)
	a2, _ := next(s)
	b2, _ := next(s)
	require.True(t, a2.Dup)
	require.Equal(t, a.PacketID, a2.PacketID)
	require.Equal(t, b.PacketID, b2.PacketID)

	_, ok := s.Acked(a.PacketID)
	require.True(t, ok)
	c, more := next(s)
	require.True(t, more)
	require.False(t, c.Dup)
	require.Equal(t, "2", string(c.Payload))
	_, ok = s.Acked(a.PacketID)
	require.False(t, ok, "acknowledged twice")
}

// TestSmallerWindow: what was in flight is sent again within what the new
// connection takes.
func TestSmallerWindow(t *testing.T) {
	s := New("c", 1, &Pool{})
	s.Attach(3)
	for i := range 3 {
		s.Push(entry("t", 1, fmt.Sprint(i)), false)
		next(s)
	}
	s.Attach(1)
	for i := range 3 {
		d, ok := next(s)
		require.True(t, ok)
		require.Equal(t, fmt.Sprint(i), string(d.Payload))
		_, ok = next(s)
		require.False(t, ok)
		s.Acked(d.PacketID)
	}
	require.True(t, s.Idle())
}

// TestSmallerWindowLetsPubrelThrough: also in front of messages that were sent
// before it, and hold the window [MQTT-4.4.0-1].
func TestSmallerWindowLetsPubrelThrough(t *testing.T) {
	s := New("c", 1, &Pool{})
	s.Attach(4)
	var ids []uint16
	for i := range 4 {
		s.Push(entry("t", 2, fmt.Sprint(i)), false)
		d, _ := next(s)
		ids = append(ids, d.PacketID)
	}
	s.Received(ids[2])
	s.Received(ids[3])
	s.Attach(1)
	for _, id := range ids[2:] {
		d, ok := next(s)
		require.True(t, ok && d.Release)
		require.Equal(t, id, d.PacketID)
	}
	_, ok := next(s)
	require.False(t, ok)
	s.Completed(ids[2])
	s.Completed(ids[3])
	d, ok := next(s)
	require.True(t, ok)
	require.Equal(t, "0", string(d.Payload))
}

func TestExactlyOnceToTheClient(t *testing.T) {
	s := New("c", 1, &Pool{})
	s.Attach(5)
	for i := range 3 {
		s.Push(entry("t", 2, fmt.Sprint(i)), false)
	}
	a, _ := next(s)
	b, _ := next(s)
	require.True(t, a.First)
	_, ok := s.Acked(a.PacketID)
	require.False(t, ok, "PUBACK is for QoS 1")
	require.False(t, s.Completed(a.PacketID), "PUBCOMP before PUBREC")
	e, again, ok := s.Received(a.PacketID)
	require.True(t, ok)
	require.False(t, again)
	require.Equal(t, "0", string(e.Payload))
	_, again, ok = s.Received(a.PacketID)
	require.True(t, ok && again)

	s.Attach(5)
	d, _ := next(s)
	require.True(t, d.Release, "PUBREL, never the message again")
	require.Equal(t, a.PacketID, d.PacketID)
	require.Nil(t, d.Message)
	d, _ = next(s)
	require.False(t, d.Release)
	require.True(t, d.Dup)
	require.False(t, d.First)
	require.Equal(t, b.PacketID, d.PacketID)

	require.True(t, s.Completed(a.PacketID))
	require.False(t, s.Completed(a.PacketID))
	_, ok = s.Abandon(b.PacketID)
	require.True(t, ok)
	_, _, ok = s.Received(b.PacketID)
	require.False(t, ok)
}

// TestWindowDoesNotHoldBackQoS0, neither what is queued nor, behind what is to be
// sent again, what comes later (8.9).
func TestWindowDoesNotHoldBackQoS0(t *testing.T) {
	s := New("c", 1, &Pool{})
	s.Attach(2)
	for i, qos := range []byte{1, 1, 1, 0, 1, 0} {
		s.Push(entry("t", qos, fmt.Sprint(i)), qos == 0)
	}
	var got string
	take := func() string {
		got = ""
		for d, ok := next(s); ok; d, ok = next(s) {
			got += string(d.Payload)
		}
		return got
	}
	require.False(t, s.AwaitsWindow())
	require.Equal(t, "015", take(), "of the QoS 0 messages of a topic the newest was kept")
	require.True(t, s.AwaitsWindow())
	s.Attach(1)
	s.Push(entry("t", 0, "6"), true)
	require.Equal(t, "06", take())
	s.Push(entry("t", 0, "7"), true)
	s.Push(entry("t", 0, "8"), true)
	require.Equal(t, "8", take())
}

func TestInboundIDs(t *testing.T) {
	s := New("c", 1, &Pool{})
	require.False(t, s.End(7))
	require.True(t, s.Begin(7))
	require.True(t, s.Begin(3))
	require.False(t, s.Begin(7), "a repetition")
	require.Equal(t, []uint16{3, 7}, s.Inbound())
	require.True(t, s.End(7))
	require.True(t, s.Begin(7), "a new message")
	require.True(t, s.End(7) && s.End(3))
	require.Nil(t, s.busy)
}

func TestPacketIDsGoRoundPastThoseInFlight(t *testing.T) {
	s := New("c", 1, &Pool{})
	s.StartIDs(65_000)
	s.Attach(2)
	s.Push(entry("t", 1, "first"), false)
	first, _ := next(s)
	require.EqualValues(t, 65_001, first.PacketID)
	for range 70_000 {
		s.Push(entry("t", 1, ""), false)
		d, ok := next(s)
		require.True(t, ok)
		require.NotZero(t, d.PacketID)
		require.NotEqual(t, first.PacketID, d.PacketID)
		s.Acked(d.PacketID)
	}
}

// TestAllPacketIDsInUse: the window keeps the ids from running out.
func TestAllPacketIDsInUse(t *testing.T) {
	s := New("c", 1, &Pool{})
	s.Attach(65_535)
	seen := map[uint16]bool{}
	for range 65_535 {
		s.Push(entry("t", 1, ""), false)
		d, ok := next(s)
		require.True(t, ok)
		seen[d.PacketID] = true
		if len(seen) > 300 && len(seen) < 65_000 { // the search is for the few that are in flight
			s.Acked(d.PacketID)
		}
	}
	require.Len(t, seen, 65_535)
}

func TestFullQueueOfQoS0(t *testing.T) {
	for _, tt := range []struct {
		name string
		have []byte // QoS of what is queued, from the front
		want PushResult
		left string
	}{
		{"replaces the oldest of QoS 0", []byte{0, 1}, PushQueued, "1n"},
		{"never replaces QoS 1", []byte{1, 0}, PushDropped, "01"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := New("c", 1, &Pool{Limits: Limits{MaxQueued: 2}})
			s.Attach(10)
			for i, qos := range tt.have {
				s.Push(entry("t", qos, fmt.Sprint(i)), false)
			}
			require.Equal(t, tt.want, s.Push(entry("t", 0, "n"), false))
			require.EqualValues(t, 1, s.Dropped)
			left := ""
			for d, ok := next(s); ok; d, ok = next(s) {
				left += string(d.Payload)
			}
			require.Equal(t, tt.left, left)
		})
	}
}

func TestQueueIsBoundedInOctets(t *testing.T) {
	s := New("c", 1, &Pool{Limits: Limits{MaxQueuedBytes: 10}})
	require.Equal(t, PushQueued, s.Push(entry("t", 0, "123456789"), false))
	require.Equal(t, PushQueued, s.Push(entry("t", 0, "1"), false), "in the place of the older")
	require.Equal(t, PushDropped, s.Push(entry("t", 0, "1234567890"), false))
}

func TestOldestMakesRoom(t *testing.T) {
	s := New("c", 1, &Pool{})
	s.Attach(10)
	for i, qos := range []byte{0, 0, 1, 0, 2} {
		s.Push(entry(fmt.Sprint(i), qos, fmt.Sprint(i)), qos == 0)
	}
	e, ok := s.Oldest()
	require.True(t, ok)
	require.Equal(t, "2", e.Topic)
	require.Equal(t, PushReplaced, s.Push(entry("0", 0, "new"), true), "it is still known where each topic stands")
	left := ""
	for d, ok := next(s); ok; d, ok = next(s) {
		left += string(d.Payload)
	}
	require.Equal(t, "new134", left)
	_, ok = s.Oldest()
	require.False(t, ok)
}

func TestLatestPerTopic(t *testing.T) {
	s := New("c", 1, &Pool{})
	s.Attach(1)
	s.Push(entry("a", 0, "1"), true)
	s.Push(entry("b", 0, "2"), true)
	require.Equal(t, PushReplaced, s.Push(entry("a", 0, "3"), true))
	d, _ := next(s)
	require.Equal(t, "3", string(d.Payload))
	require.Equal(t, PushQueued, s.Push(entry("a", 0, "4"), true))
	d, _ = next(s)
	require.Equal(t, "2", string(d.Payload))
	d, _ = next(s)
	require.Equal(t, "4", string(d.Payload))
	require.True(t, s.Idle())
}

func TestExpiredIsPassedOver(t *testing.T) {
	s := New("c", 1, &Pool{})
	s.Attach(1)
	e := entry("t", 1, "old")
	e.Expires = 10
	s.Push(e, false)
	s.Push(entry("t", 1, "new"), false)
	var expired []string
	d, ok := s.Next(10, func(e shard.Entry) { expired = append(expired, string(e.Payload)) })
	require.True(t, ok)
	require.Equal(t, "new", string(d.Payload))
	require.Equal(t, []string{"old"}, expired)
}

func TestAccount(t *testing.T) {
	var a Account
	l := &Limits{MaxQueued: 2, MaxQueuedBytes: 100}
	require.True(t, a.Reserve(60, l))
	require.False(t, a.Reserve(50, l), "octets")
	require.True(t, a.Reserve(40, l))
	require.False(t, a.Reserve(0, l), "messages")
	messages, octets := a.Kept()
	require.Equal(t, []int{2, 100}, []int{messages, octets})
	a.Force(10)
	require.True(t, a.Over(l))
	a.Release(10)
	require.False(t, a.Over(l))
}

// TestL7Disown: what came by shared subscriptions is given back but for QoS 2 in
// flight, and the rest stays in its order.
func TestL7Disown(t *testing.T) {
	s := New("c", 1, &Pool{})
	s.Attach(3)
	group := &shard.Extra{Group: addressee{}}
	for i, qos := range []byte{1, 2, 1, 1, 2, 1, 0} {
		e := entry("t", qos, fmt.Sprint(i))
		if i%2 == 0 {
			e.Extra = group
		}
		s.Push(e, false)
	}
	for range 3 {
		_, ok := next(s)
		require.True(t, ok)
	}
	given := ""
	s.Disown(func(e shard.Entry) { given += string(e.Payload) })
	require.Equal(t, "0246", given)
	left := ""
	s.Attach(9)
	for d, ok := next(s); ok; d, ok = next(s) {
		left += string(d.Payload)
	}
	require.Equal(t, "135", left)

	only := New("c", 1, &Pool{})
	only.Attach(1)
	e := entry("t", 1, "x")
	e.Extra = group
	only.Push(e, false)
	next(only)
	only.Disown(func(shard.Entry) {})
	require.True(t, only.Idle())
}

type addressee struct{}

func (addressee) Shard() int { return 0 }
