package shard

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestMessageIDsOrder: ids of a shard increase, whatever the clock does, those
// of shards differ, those of a later restart are later, and octets sort alike.
func TestMessageIDsOrder(t *testing.T) {
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
