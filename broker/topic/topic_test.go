package topic

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

type vectors struct {
	Matching []struct {
		Filter, Topic string
		Matches       bool
	} `json:"topic_matching"`
	Filters []validity `json:"filter_validity"`
	Shared  []validity `json:"shared_filter_validity"`
	Names   []validity `json:"topic_name_validity"`
}

type validity struct {
	Filter, Topic string
	Valid         bool
}

func load(t testing.TB) (v vectors) {
	b, err := os.ReadFile("testdata/topics.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(b, &v))
	return v
}

func TestVectors(t *testing.T) {
	v := load(t)
	for _, m := range v.Matching {
		t.Run(fmt.Sprintf("match/%q/%q", m.Filter, m.Topic), func(t *testing.T) {
			require.Equal(t, m.Matches, Match(m.Filter, m.Topic))
			var x Index[int, int]
			x.Insert(m.Filter, 1, 1)
			hit := false
			x.Match(m.Topic, func(int, int) { hit = true })
			require.Equal(t, m.Matches, hit)
		})
	}
	for _, f := range append(v.Filters, v.Shared...) {
		t.Run(fmt.Sprintf("filter/%q", f.Filter), func(t *testing.T) {
			require.Equal(t, f.Valid, CheckFilter(f.Filter, Limits{}) == nil)
		})
	}
	for _, n := range v.Names {
		t.Run(fmt.Sprintf("name/%q", n.Topic), func(t *testing.T) {
			require.Equal(t, n.Valid, CheckName(n.Topic, Limits{}) == nil)
		})
	}
}

var (
	someName   = rapid.StringMatching(`(\$?[ab]?)(/[ab]?){0,3}`).Filter(func(s string) bool { return s != "" })
	someFilter = rapid.StringMatching(`(\$?[ab]|\+)?(/([ab]?|\+)){0,3}(/#)?|#`).Filter(func(s string) bool { return s != "" })
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
			switch rapid.IntRange(0, 2).Draw(t, "op") {
			case 0:
				require.Equal(t, !have, x.Insert(e.filter, e.key, step))
				model[e] = step
			case 1:
				require.Equal(t, have, x.Remove(e.filter, e.key))
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
		require.True(t, x.root.empty(), "memory is returned")
	})
}

func TestCoversMeansMatchesAll(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, name := someFilter.Draw(t, "a"), someFilter.Draw(t, "b"), someName.Draw(t, "name")
		if Covers(a, b) && Match(b, name) {
			require.True(t, Match(a, name), "%s covers %s", a, b)
		}
	})
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{"#", "a/b", true}, {"a/#", "a", true}, {"a/#", "a/+/c", true}, {"a/+", "a/b", true},
		{"a/b", "a/+", false}, {"a/+", "a/#", false}, {"+/#", "#", false}, {"#", "$SYS/#", false}, {"a/#", "a/#", true},
	} {
		require.Equal(t, tt.want, Covers(tt.a, tt.b), "%s %s", tt.a, tt.b)
	}
}

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
			c, done = r.Scan(filter, c, 3, func(name string, v int) {
				require.Equal(t, model[name], v)
				got = append(got, name)
			})
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

func BenchmarkMatch(b *testing.B) {
	for _, n := range []int{10, 10_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var x Index[int, int]
			for i := range n {
				x.Insert(mixed(i), i, i)
			}
			b.ReportAllocs()
			for b.Loop() {
				x.Match("sensors/7/temperature", func(int, int) {})
			}
		})
	}
}

// mixed is the i-th of a mix of exact filters and filters with wildcards.
func mixed(i int) string {
	switch i % 4 {
	case 0:
		return fmt.Sprintf("sensors/+/kind%d", i)
	case 1:
		return fmt.Sprintf("house%d/#", i)
	default:
		return fmt.Sprintf("sensors/%d/temperature", i)
	}
}

// BenchmarkSubscription reports what one subscription costs beyond its filter.
func BenchmarkSubscription(b *testing.B) {
	const n = 100_000
	filters := make([]string, n)
	for i := range filters {
		filters[i] = mixed(i)
	}
	for b.Loop() {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		var x Index[int, int]
		for i, f := range filters {
			x.Insert(f, i, i)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/n, "octets/subscription")
		runtime.KeepAlive(x)
	}
}

// FuzzMatch compares the index with Match.
func FuzzMatch(f *testing.F) {
	for _, m := range load(f).Matching {
		f.Add(m.Filter, m.Topic)
	}
	f.Fuzz(func(t *testing.T, filter, name string) {
		if CheckFilter(filter, Limits{}) != nil || CheckName(name, Limits{}) != nil {
			return
		}
		var x Index[int, int]
		x.Insert(filter, 1, 1)
		hit := false
		x.Match(name, func(int, int) { hit = true })
		require.Equal(t, Match(filter, name), hit)
	})
}
