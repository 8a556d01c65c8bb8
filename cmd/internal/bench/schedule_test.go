package bench

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestScheduleDoesNotMoveForWhatIsLate(t *testing.T) {
	s := every(time.Second, 1000)
	_, due, ok := s.next(time.Second - 1)
	require.False(t, ok)
	require.Equal(t, time.Second, due)
	require.Equal(t, time.Nanosecond, s.wait(time.Second-1, time.Hour))

	// Nobody asked for 10 ms: 11 are due, each at its own time.
	now := time.Second + 10*time.Millisecond
	for want := range 11 {
		i, due, ok := s.next(now)
		require.True(t, ok)
		require.Equal(t, want, i)
		require.Equal(t, time.Second+time.Duration(want)*time.Millisecond, due)
	}
	_, _, ok = s.next(now)
	require.False(t, ok)
	require.Equal(t, time.Millisecond, s.wait(now, time.Hour))
	require.Equal(t, time.Microsecond, s.wait(now, time.Microsecond))
	require.Zero(t, s.wait(time.Hour, time.Hour))
}

func TestScheduleDoesNotDrift(t *testing.T) {
	s := every(0, 3)
	require.Equal(t, 1000*time.Second, s.due(3000).Round(time.Microsecond))
}
