package core

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dormouse-mqtt/dormouse/radio"
)

func TestScoldedOnceASecond(t *testing.T) {
	a, b := Address{peer: radio.Memory(1)}, Address{peer: radio.Memory(2)}
	var s scolded
	for _, tt := range []struct {
		at   time.Duration
		peer Address
		want bool
	}{
		{0, a, true},
		{900 * time.Millisecond, b, true},
		{999 * time.Millisecond, a, false},
		{1000 * time.Millisecond, a, true},
		{1100 * time.Millisecond, b, false}, // b's second is not over
		{1900 * time.Millisecond, b, true},
		{time.Minute, b, true},
	} {
		require.Equal(t, tt.want, s.may(tt.at, tt.peer), "%v at %v", tt.peer.peer, tt.at)
	}
}

func TestScoldedIsBounded(t *testing.T) {
	var s scolded
	for n := range uint64(maxScolded) {
		require.True(t, s.may(0, Address{peer: radio.Memory(n)}))
	}
	stranger := Address{peer: radio.Memory(maxScolded)}
	require.False(t, s.may(0, stranger))
	require.True(t, s.may(scoldEvery, stranger))
}
