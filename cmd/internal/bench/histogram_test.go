package bench

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestBucketsCoverEverythingOnce(t *testing.T) {
	next := time.Duration(0)
	for i := range len(Histogram{}.counts) {
		require.Equal(t, i, bucket(next), "the shortest of bucket %d", i)
		require.Equal(t, i, bucket(highest(i)), "the longest of bucket %d", i)
		next = highest(i) + 1
	}
	require.Equal(t, time.Duration(1<<maxBits), next)
	require.Equal(t, len(Histogram{}.counts)-1, bucket(math.MaxInt64))
}

func TestQuantilesAreWithinABucketOfTheSortedOnes(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var h Histogram
	var all []time.Duration
	for range 100_000 {
		d := time.Duration(math.Exp(r.Float64() * 25)) // 1 ns to 72 s
		h.Record(d)
		all = append(all, d)
	}
	slices.Sort(all)
	for _, q := range []float64{0.001, 0.5, 0.9, 0.99, 0.999, 1} {
		want := all[int(math.Ceil(q*float64(len(all))))-1]
		require.InEpsilon(t, want, h.Quantile(q), 1.0/subBuckets, "q %v", q)
	}
	require.Equal(t, all[len(all)-1], h.Max())
	require.Equal(t, uint64(len(all)), h.Count())
}

func TestHistogramOfLittle(t *testing.T) {
	var h Histogram
	require.Zero(t, h.Quantile(0.99))
	require.Zero(t, h.Mean())
	h.Record(-time.Second)
	require.Zero(t, h.Quantile(1))
	h.Record(10 * time.Millisecond)
	require.Equal(t, 10*time.Millisecond, h.Quantile(0.99), "not the end of its bucket")
	require.Equal(t, 5*time.Millisecond, h.Mean())
	h.Reset()
	require.Zero(t, h.Count())
}

func TestRecordAllocatesNothing(t *testing.T) {
	var h Histogram
	require.Zero(t, testing.AllocsPerRun(100, func() { h.Record(time.Millisecond) }))
}
