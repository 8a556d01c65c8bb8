package topic

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestGroupAgainstModel keeps a queue of members: the first that is ready gets
// the message and goes to the end.
func TestGroupAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var g Group[int]
		var queue []int
		for range rapid.IntRange(1, 100).Draw(t, "steps") {
			m := rapid.IntRange(0, 5).Draw(t, "member")
			switch rapid.IntRange(0, 3).Draw(t, "op") {
			case 0:
				is := slices.Contains(queue, m)
				require.Equal(t, !is, g.Join(m))
				if !is {
					queue = append(queue, m)
				}
			case 1:
				require.Equal(t, slices.Contains(queue, m), g.Leave(m))
				queue = slices.DeleteFunc(queue, func(q int) bool { return q == m })
			default: // as often ready as not
				ready := rapid.SliceOfN(rapid.Bool(), 6, 6).Draw(t, "ready")
				got, ok := g.Pick(func(m int) bool { return ready[m] })
				at := slices.IndexFunc(queue, func(m int) bool { return ready[m] })
				require.Equal(t, at >= 0, ok)
				if ok {
					require.Equal(t, queue[at], got)
					// Those that were not ready come again when the round is over.
					queue = slices.Concat(queue[at+1:], queue[:at+1])
				}
			}
			require.Equal(t, len(queue), g.Len())
		}
	})
}

func TestGroupIsFair(t *testing.T) {
	var g Group[string]
	for _, m := range []string{"a", "b", "c"} {
		g.Join(m)
	}
	got := map[string]int{}
	for i := range 999 {
		m, ok := g.Pick(func(m string) bool { return m != "b" || i >= 300 })
		require.True(t, ok)
		got[m]++
	}
	require.Equal(t, map[string]int{"a": 383, "b": 233, "c": 383}, got)
}

// TestGroupInIndex: a group is one subscriber of its filter, beside those that
// subscribed alone, each with its options.
func TestGroupInIndex(t *testing.T) {
	type options struct {
		qos        byte
		noLocal    bool
		identifier uint32
	}
	var x Index[any, options]
	var workers Group[string]
	workers.Join("w1")
	workers.Join("w2")
	group, filter, shared, err := ParseShared("$share/workers/jobs/+")
	require.NoError(t, err)
	require.True(t, shared)
	require.Equal(t, "workers", group)
	require.True(t, x.Insert(filter, &workers, options{qos: 1}))
	require.True(t, x.Insert("jobs/#", "alone", options{qos: 2, identifier: 7}))
	require.True(t, x.Insert("jobs/+", "alone", options{noLocal: true, identifier: 8}))
	require.False(t, x.Insert("jobs/+", "alone", options{noLocal: true, identifier: 9}), "replaced")

	for _, want := range []string{"w1", "w2", "w1"} {
		got := map[any][]options{}
		x.Match("jobs/1", func(who any, o options) {
			if g, ok := who.(*Group[string]); ok {
				who, _ = g.Pick(func(string) bool { return true })
			}
			got[who] = append(got[who], o)
		})
		require.Equal(t, []options{{qos: 1}}, got[want])
		require.ElementsMatch(t, []options{{qos: 2, identifier: 7}, {noLocal: true, identifier: 9}}, got["alone"])
		require.Len(t, got, 2)
	}
}
