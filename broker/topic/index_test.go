package topic

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestIndexAgainstModel inserts, removes and matches at random and compares with
// a list that is searched by Match.
func TestIndexAgainstModel(t *testing.T) {
	type entry struct {
		filter string
		key    int
	}
	rapid.Check(t, func(t *rapid.T) {
		var x Index[int, int]
		model := map[entry]int{}
		for step := range rapid.IntRange(1, 100).Draw(t, "steps") {
			e := entry{someFilter.Draw(t, "filter"), rapid.IntRange(0, 30).Draw(t, "key")}
			_, have := model[e]
			epoch := x.Epoch()
			switch rapid.IntRange(0, 2).Draw(t, "op") {
			case 0:
				require.Equal(t, !have, x.Insert(e.filter, e.key, step))
				require.Greater(t, x.Epoch(), epoch)
				model[e] = step
			case 1:
				require.Equal(t, have, x.Remove(e.filter, e.key))
				require.Equal(t, have, x.Epoch() > epoch)
				delete(model, e)
			case 2:
				name := someName.Draw(t, "name")
				var want, got []int
				for e, v := range model {
					if Match(e.filter, name) {
						want = append(want, v)
					}
				}
				x.Match(name, func(_, v int) { got = append(got, v) })
				slices.Sort(want)
				slices.Sort(got)
				require.Equal(t, want, got, name)
			}
			require.Equal(t, len(model), x.Len())
		}
		for e := range model {
			require.True(t, x.Remove(e.filter, e.key))
		}
		require.Equal(t, node[int, int]{}, x.root, "no node is left")
	})
}

func TestTopicOfSlashesIsHarmless(t *testing.T) {
	slashes := strings.Repeat("/", 65_535)
	require.ErrorIs(t, CheckName(slashes, Limits{}), ErrLevels)
	var x Index[int, int]
	x.Insert(slashes, 1, 1)
	x.Insert(strings.Repeat("+/", 10_000)+"#", 2, 2)
	n := 0
	x.Match(slashes, func(int, int) { n++ })
	require.Equal(t, 2, n)
}

// TestNoNodeIsMetTwice takes all filters of + and a: as many as a name of so
// many levels can match.
func TestNoNodeIsMetTwice(t *testing.T) {
	const levels = 12
	var x Index[int, int]
	for i := range 1 << levels {
		f := make([]string, levels)
		for l := range f {
			f[l] = string("+a"[i>>l&1])
		}
		x.Insert(strings.Join(f, "/"), 1, i)
	}
	met := make([]int, 1<<levels)
	x.Match(strings.Repeat("a/", levels-1)+"a", func(_, i int) { met[i]++ })
	for _, n := range met {
		require.Equal(t, 1, n)
	}
}

func TestMatchWithinMatch(t *testing.T) {
	var x Index[int, int]
	for i, f := range []string{"#", "a/+", "+/b", "a/b"} {
		x.Insert(f, i, i)
	}
	n := 0
	x.Match("a/b", func(int, int) { x.Match("a/b", func(int, int) { n++ }) })
	require.Equal(t, 16, n)
}

// heap is the heap in use.
func heap() int {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// TestMemoryIsReturned fills an index, leaves one in a thousand, and so meets
// maps and slices that would not shrink by themselves.
func TestMemoryIsReturned(t *testing.T) {
	const n = 100_000
	for _, tt := range []struct {
		name   string
		filter func(i int) string
	}{
		{"children of a level", func(i int) string { return fmt.Sprintf("a/%d", i) }},
		{"subscribers of a filter", func(int) string { return "a/#" }},
		{"a mix", mixed},
		{"long filters that share a short level", func(i int) string {
			if i%1000 == 0 {
				return fmt.Sprintf("%d/short", i/1000)
			}
			return fmt.Sprintf("%d/%s%d", i/1000, strings.Repeat("long", 1000), i%10)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := heap()
			var x Index[int, int]
			for i := n - 1; i >= 0; i-- {
				x.Insert(tt.filter(i), i, i)
			}
			full := heap() - before
			for i := range n {
				if i%1000 != 0 {
					require.True(t, x.Remove(tt.filter(i), i))
				}
			}
			require.Equal(t, n/1000, x.Len())
			require.Less(t, heap()-before, full/20)
			runtime.KeepAlive(&x)
		})
	}
}
