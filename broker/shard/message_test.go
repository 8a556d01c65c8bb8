package shard

import (
	"bytes"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestL2MessageIDsOrder: ids of a shard increase, whatever the clock does, those
// of shards differ, those of a later restart are later, and octets sort alike.
func TestL2MessageIDsOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var last [3]MessageID
		var all []MessageID
		epoch := uint32(1)
		for range rapid.IntRange(1, 50).Draw(t, "messages") {
			if rapid.IntRange(0, 9).Draw(t, "restart") == 0 {
				epoch++
			}
			s := rapid.IntRange(0, 2).Draw(t, "shard")
			now := Time(rapid.IntRange(0, 20).Draw(t, "us")) * time.Microsecond
			id := NextMessageID(last[s], epoch, s, now)
			require.Positive(t, id.Compare(last[s]))
			require.NotContains(t, all, id)
			for _, other := range all {
				require.Equal(t, id.Compare(other), bytes.Compare(id.AppendTo(nil), other.AppendTo(nil)))
			}
			got, ok := ParseMessageID(id.AppendTo(nil))
			require.True(t, ok)
			require.Equal(t, id, got)
			last[s], all = id, append(all, id)
		}
	})
	_, ok := ParseMessageID(nil)
	require.False(t, ok)
}

// TestKeep: what is kept is the same, and nobody else's.
func TestKeep(t *testing.T) {
	for _, size := range []int{0, 1, 60, 64, 65, 200, 1000, 5000} {
		topic, payload := []byte("a/b"), bytes.Repeat([]byte("x"), size)
		m := &Message{
			Topic: unsafe.String(&topic[0], len(topic)), Payload: payload, Properties: []byte("p"),
			QoS: 1, Retain: true, Expires: 5, ID: MessageID{1, 2},
		}
		kept := m.Keep()
		require.Equal(t, m, kept)
		copy(topic, "zzz")
		clear(payload)
		require.Equal(t, "a/b", kept.Topic)
		require.Equal(t, size, bytes.Count(kept.Payload, []byte("x")))
		_ = append(kept.Properties, 'y') // hits no neighbour
		require.Equal(t, size, bytes.Count(kept.Payload, []byte("x")))
		if size <= 1000 {
			require.LessOrEqual(t, testing.AllocsPerRun(100, func() { m.Keep() }), 1.0)
		}
	}
}
