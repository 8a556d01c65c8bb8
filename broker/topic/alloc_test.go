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

func TestCheckAllocatesNothing(t *testing.T) {
	name := []byte("sensors/in the house at the end of the road/7/temperature")
	bad := "sensors/+/#/temperature"
	require.Zero(t, testing.AllocsPerRun(100, func() {
		if CheckName(name, Limits{}) != nil || CheckName(bad, Limits{}) == nil || CheckFilter(bad, Limits{}) == nil {
			t.Error("wrong")
		}
	}))
}
