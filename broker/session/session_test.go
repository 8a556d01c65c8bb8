package session

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func entry(topic string, qos byte, payload string) Entry {
	return Entry{Message: &Message{Topic: topic, Payload: []byte(payload), QoS: qos}, QoS: qos}
}

func TestInFlightIsSentAgainFirstAndInOrder(t *testing.T) {
	s := New("c", 1, &Limits{})
	s.Attach(2)
	for i := range 4 {
		require.Equal(t, PushQueued, s.Push(entry("t", 1, fmt.Sprint(i)), false))
	}
	a, _ := s.Next(0)
	b, _ := s.Next(0)
	require.False(t, a.Dup)
	_, more := s.Next(0)
	require.False(t, more, "the window is full")

	s.Attach(2)
	a2, _ := s.Next(0)
	b2, _ := s.Next(0)
	require.True(t, a2.Dup)
	require.Equal(t, a.PacketID, a2.PacketID)
	require.Equal(t, b.PacketID, b2.PacketID)

	_, ok := s.Ack(a.PacketID)
	require.True(t, ok)
	c, more := s.Next(0)
	require.True(t, more)
	require.False(t, c.Dup)
	require.Equal(t, "2", string(c.Payload))
	_, ok = s.Ack(a.PacketID)
	require.False(t, ok, "acknowledged twice")
}

func TestPacketIDsGoRoundPastThoseInFlight(t *testing.T) {
	s := New("c", 1, &Limits{})
	s.Attach(2)
	s.Push(entry("t", 1, "first"), false)
	first, _ := s.Next(0)
	for range 70_000 {
		s.Push(entry("t", 1, ""), false)
		d, ok := s.Next(0)
		require.True(t, ok)
		require.NotZero(t, d.PacketID)
		require.NotEqual(t, first.PacketID, d.PacketID)
		s.Ack(d.PacketID)
	}
}

func TestFullQueue(t *testing.T) {
	for _, tt := range []struct {
		name string
		have []byte // QoS of what is queued, from the front
		qos  byte
		want PushResult
		left string
	}{
		{"QoS 1 is refused", []byte{1, 1}, 1, PushDropped, "01"},
		{"QoS 0 replaces the oldest of QoS 0", []byte{0, 1}, 0, PushQueued, "1n"},
		{"QoS 0 never replaces QoS 1", []byte{1, 0}, 0, PushDropped, "01"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := New("c", 1, &Limits{MaxQueued: 2})
			s.Attach(10)
			for i, qos := range tt.have {
				s.Push(entry("t", qos, fmt.Sprint(i)), false)
			}
			require.Equal(t, tt.want, s.Push(entry("t", tt.qos, "n"), false))
			require.EqualValues(t, 1, s.Dropped)
			left := ""
			for d, ok := s.Next(0); ok; d, ok = s.Next(0) {
				left += string(d.Payload)
			}
			require.Equal(t, tt.left, left)
		})
	}
}

func TestQueueIsBoundedInOctets(t *testing.T) {
	s := New("c", 1, &Limits{MaxQueuedBytes: 10})
	require.Equal(t, PushQueued, s.Push(entry("t", 1, "123456789"), false))
	require.Equal(t, PushDropped, s.Push(entry("t", 1, "1"), false))
}

func TestLatestPerTopic(t *testing.T) {
	s := New("c", 1, &Limits{})
	s.Attach(1)
	s.Push(entry("a", 0, "1"), true)
	s.Push(entry("b", 0, "2"), true)
	require.Equal(t, PushReplaced, s.Push(entry("a", 0, "3"), true))
	d, _ := s.Next(0)
	require.Equal(t, "3", string(d.Payload))
	require.Equal(t, PushQueued, s.Push(entry("a", 0, "4"), true))
	d, _ = s.Next(0)
	require.Equal(t, "2", string(d.Payload))
	d, _ = s.Next(0)
	require.Equal(t, "4", string(d.Payload))
	require.True(t, s.Idle())
}

func TestExpiredIsPassedOver(t *testing.T) {
	s := New("c", 1, &Limits{})
	s.Attach(1)
	e := entry("t", 1, "old")
	e.Expires = 10
	s.Push(e, false)
	s.Push(entry("t", 1, "new"), false)
	d, ok := s.Next(10)
	require.True(t, ok)
	require.Equal(t, "new", string(d.Payload))
}
