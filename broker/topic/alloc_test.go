//go:build !race

package topic

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMatchAllocatesNothing(t *testing.T) {
	var x Index[int, int]
	for i := range 1000 {
		x.Insert(mixed(i), i, i)
	}
	n := 0
	visit := func(int, int) { n++ }
	require.Zero(t, testing.AllocsPerRun(100, func() { x.Match("sensors/7/temperature", visit) }))
	require.NotZero(t, n)
}
