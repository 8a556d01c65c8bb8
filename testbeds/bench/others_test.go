package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestShareOfOthers(t *testing.T) {
	before := parseStat("cpu  100 0 100 700 100 0 0 0 0 0\ncpu0 1 2 3\n")
	require.Equal(t, share{busy: 2, total: 10}, before)
	after := parseStat("cpu  300 0 200 1000 200 50 50 200 9 9\n")
	after.own = 2 * time.Second
	percent, ok := before.percent(after)
	require.True(t, ok)
	require.InDelta(t, 40, percent, 1e-9) // 6 of 10 seconds were busy, 2 of them by us

	_, ok = share{}.percent(after)
	require.False(t, ok, "what is not known")
}
