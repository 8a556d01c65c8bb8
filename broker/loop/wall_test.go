package loop

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dormouse-mqtt/dormouse/broker/shard"
)

// TestL14WallClockIsSet: a shard hears of the wall clock once, and again when it
// was set, not while it drifts.
func TestL14WallClockIsSet(t *testing.T) {
	const began = int64(1_000_000 * time.Hour)
	var w wall
	for _, tt := range []struct {
		now   shard.Time
		set   time.Duration // by how much the clock is off from what it began as
		moved bool
	}{
		{0, 0, true},
		{time.Second, 0, false},
		{time.Hour, time.Second, false},
		{2 * time.Hour, -time.Second, false},
		{3 * time.Hour, 2 * time.Second, true},
		{4 * time.Hour, time.Second, false},
		{5 * time.Hour, -24 * time.Hour, true},
		{6 * time.Hour, -24 * time.Hour, false},
	} {
		offset, moved := w.moved(began+int64(tt.now+tt.set), tt.now)
		require.Equal(t, tt.moved, moved, tt.now)
		if moved {
			require.Equal(t, time.Duration(began)+tt.set, offset)
		}
	}
}
