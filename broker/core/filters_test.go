package core

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestFiltersAgainstMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var f filters
		model := map[string]Subscription{}
		for range rapid.IntRange(0, 60).Draw(t, "steps") {
			filter := fmt.Sprint(rapid.IntRange(0, 2*fewFilters).Draw(t, "filter"))
			if rapid.IntRange(0, 2).Draw(t, "op") == 0 {
				f.drop(filter)
				delete(model, filter)
			} else {
				s := Subscription{QoS: byte(rapid.IntRange(0, 2).Draw(t, "qos"))}
				f.set(filter, s)
				model[filter] = s
			}
			require.Equal(t, len(model), f.len())
			require.Equal(t, slices.Sorted(maps.Keys(model)), f.sorted())
			for i := range 2*fewFilters + 1 {
				want, have := model[fmt.Sprint(i)]
				got, ok := f.get(fmt.Sprint(i))
				require.Equal(t, have, ok)
				require.Equal(t, want, got)
			}
		}
	})
}

func TestNoFilters(t *testing.T) {
	var none *filters
	none.drop("a")
	_, have := none.get("a")
	require.False(t, have)
	require.Zero(t, none.len())
	require.Empty(t, none.sorted())
}
