package topic

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func BenchmarkMatch(b *testing.B) {
	for _, kind := range []struct {
		name   string
		filter func(i int) string
	}{
		{"exact", func(i int) string { return fmt.Sprintf("sensors/%d/temperature", i) }},
		{"plus", func(i int) string { return fmt.Sprintf("sensors/+/kind%d/+", i) }},
		{"hash", func(i int) string { return fmt.Sprintf("sensors/%d/#", i) }},
		{"mixed", mixed},
	} {
		for _, n := range []int{10, 10_000, 1_000_000} {
			b.Run(fmt.Sprintf("%s/%d", kind.name, n), func(b *testing.B) {
				var x Index[int, int]
				for i := range n {
					x.Insert(kind.filter(i), i, i)
				}
				b.ReportAllocs()
				for b.Loop() {
					x.Match("sensors/7/temperature", func(int, int) {})
				}
			})
		}
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
		before := heap()
		var x Index[int, int]
		for i, f := range filters {
			x.Insert(f, i, i)
		}
		b.ReportMetric(float64(heap()-before)/n, "octets/subscription")
		runtime.KeepAlive(&x)
	}
}

// BenchmarkRetained reports what one retained value costs beyond its name and
// the value itself: here a pointer.
func BenchmarkRetained(b *testing.B) {
	const n = 100_000
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("sensors/%d/temperature", i*7919%n) // in no order
	}
	for b.Loop() {
		before := heap()
		var r Retained[*int]
		for _, name := range names {
			r.Set(name, nil)
		}
		b.ReportMetric(float64(heap()-before)/n, "octets/retained")
		runtime.KeepAlive(&r)
	}
}

// FuzzMatch compares an index of the filters, one a line, with Match. A match
// takes no more steps than the filters have levels, and next to no memory.
func FuzzMatch(f *testing.F) {
	for _, m := range load(f).Matching {
		f.Add(m.Filter, m.Topic)
		f.Add(m.Filter+"\n#\n+/b/#\na/+\n"+m.Topic, m.Topic)
	}
	f.Fuzz(func(t *testing.T, filters, name string) {
		if CheckName(name, Limits{}) != nil {
			return
		}
		var x Index[string, int]
		levels := 1
		want, got := map[string]bool{}, map[string]bool{}
		for filter := range strings.SplitSeq(filters, "\n") {
			if CheckFilter(filter, Limits{}) != nil {
				continue
			}
			levels += 1 + strings.Count(filter, "/")
			if x.Insert(filter, filter, 1); Match(filter, name) {
				want[filter] = true
			}
		}
		x.Match(name, func(filter string, _ int) { got[filter] = true })
		require.Equal(t, want, got)
		require.LessOrEqual(t, x.steps, levels)
	})
}
