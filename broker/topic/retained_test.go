package topic

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestRetainedAgainstModel sets, deletes and scans in small steps.
func TestRetainedAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var r Retained[int]
		model := map[string]int{}
		for i := range rapid.IntRange(0, 600).Draw(t, "names") {
			name := fmt.Sprintf("%s/%d", someName.Draw(t, "name"), i%97)
			_, had := r.Set(name, i)
			_, want := model[name]
			require.Equal(t, want, had)
			if model[name] = i; i%5 == 0 {
				v, had := r.Delete(name)
				require.True(t, had)
				require.Equal(t, i, v)
				delete(model, name)
			}
		}
		require.Equal(t, len(model), r.Len())
		filter := someFilter.Draw(t, "filter")
		var got, want []string
		for c, done := (Cursor{}), false; !done; {
			visited := 0
			c, _, done = r.Scan(filter, c, 3, func(name string, v int) bool {
				require.Equal(t, model[name], v)
				got = append(got, name)
				visited++
				return visited < 2
			})
			require.LessOrEqual(t, visited, 2)
		}
		for name := range model {
			if Match(filter, name) {
				want = append(want, name)
			}
		}
		slices.Sort(want)
		require.Equal(t, want, got)
	})
}

// TestScanSurvivesChanges changes names between the steps of a read: those that
// stay are seen once, in order.
func TestScanSurvivesChanges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var r Retained[int]
		stay := rapid.SliceOfDistinct(rapid.IntRange(0, 999), rapid.ID).Draw(t, "stay")
		for i := range 1000 {
			r.Set(fmt.Sprintf("a/%03d", i), i)
		}
		seen := map[int]int{}
		last := -1
		for c, done := (Cursor{}), false; !done; {
			c, _, done = r.Scan("a/+", c, 20, func(_ string, v int) bool {
				require.Greater(t, v, last)
				last = v
				seen[v]++
				return true
			})
			for range 20 {
				i := rapid.IntRange(0, 999).Draw(t, "changed")
				if name := fmt.Sprintf("a/%03d", i); slices.Contains(stay, i) {
					continue
				} else if _, had := r.Delete(name); !had {
					r.Set(name, i)
				}
			}
		}
		for _, i := range stay {
			require.Equal(t, 1, seen[i])
		}
	})
}

// TestScanStepsAreBounded reads names that hardly match: no step may look at
// many, however the few are placed.
func TestScanStepsAreBounded(t *testing.T) {
	var r Retained[int]
	const n = 10_000
	for i := range n {
		r.Set(fmt.Sprintf("a/%05d/%d", i, i%30), i)
	}
	for _, limit := range []int{-1, 0, 1, 3, 10} {
		at, found := 0, 0
		for c, done := (Cursor{}), false; !done; {
			from, looked := at, 0
			if c, looked, done = r.Scan("a/+/7", c, limit, func(string, int) bool { found++; return true }); done {
				at = n
			} else {
				_, err := fmt.Sscanf(c.next, "a/%05d/", &at)
				require.NoError(t, err)
			}
			require.Equal(t, at-from, looked)
			require.LessOrEqual(t, looked, max(limit, 1)*examine)
		}
		require.Equal(t, 334, found)
	}
}

func TestNamesOfTheServerAreNotMatchedByWildcards(t *testing.T) { // [MQTT-4.7.2-1]
	var r Retained[int]
	for i, name := range []string{"$SYS/a", "a", "/b"} {
		r.Set(name, i)
	}
	for filter, want := range map[string][]string{
		"#": {"/b", "a"}, "+/#": {"/b", "a"}, "$SYS/#": {"$SYS/a"}, "+/a": nil, "a/#": {"a"}, "": nil,
	} {
		var got []string
		_, _, done := r.Scan(filter, Cursor{}, 10, func(name string, _ int) bool { got = append(got, name); return true })
		require.True(t, done)
		require.Equal(t, want, got, filter)
	}
}

func TestPagesStayFilled(t *testing.T) {
	var r Retained[int]
	const n = 100_000
	for i := range n {
		r.Set(fmt.Sprint(i), i)
	}
	for i := range n {
		if i%1000 != 0 {
			_, had := r.Delete(fmt.Sprint(i))
			require.True(t, had)
		}
	}
	require.Equal(t, n/1000, r.Len())
	require.LessOrEqual(t, len(r.pages), 1+2*r.Len()/(pageSize/2))
	v, ok := r.Get("1000")
	require.True(t, ok)
	require.Equal(t, 1000, v)
	_, ok = r.Get("1001")
	require.False(t, ok)
}
