package bench

import (
	"math/bits"
	"time"
)

// Each power of two has as many buckets of equal width: a value is off by less
// than 1 part in subBuckets. What is longer than 2^maxBits ns, 78 hours, counts
// as that.
const (
	subBits    = 7
	subBuckets = 1 << subBits
	maxBits    = 48
)

// A Histogram counts durations in fixed memory, log-linear as HdrHistogram does.
// The zero Histogram is empty and ready to use.
type Histogram struct {
	counts [(maxBits - subBits + 1) * subBuckets]uint64
	n      uint64
	sum    float64
	max    time.Duration
}

// bucket is where d is counted. Values below subBuckets have one each; above,
// the position of the highest bit tells the group, the bits after it the place.
func bucket(d time.Duration) int {
	v := uint64(max(d, 0))
	v = min(v, 1<<maxBits-1)
	if v < subBuckets {
		return int(v)
	}
	shift := bits.Len64(v) - subBits - 1
	return shift*subBuckets + int(v>>shift)
}

// highest is the longest duration of a bucket.
func highest(i int) time.Duration {
	if i < subBuckets {
		return time.Duration(i)
	}
	shift := i/subBuckets - 1
	return time.Duration(uint64(i-shift*subBuckets+1)<<shift - 1)
}

// Record counts d; what is negative, by a clock's grain, is nothing.
func (h *Histogram) Record(d time.Duration) {
	d = max(d, 0)
	h.counts[bucket(d)]++
	h.n++
	h.sum += float64(d)
	h.max = max(h.max, d)
}

// Count is how many durations were recorded.
func (h *Histogram) Count() uint64 { return h.n }

// Max is the longest.
func (h *Histogram) Max() time.Duration { return h.max }

// Mean is the mean; zero of none.
func (h *Histogram) Mean() time.Duration {
	if h.n == 0 {
		return 0
	}
	return time.Duration(h.sum / float64(h.n))
}

// Quantile is the duration that the part q of all does not exceed.
func (h *Histogram) Quantile(q float64) time.Duration {
	want := uint64(q*float64(h.n) + 0.5)
	want = min(max(want, 1), h.n)
	var seen uint64
	for i, c := range h.counts {
		if seen += c; c > 0 && seen >= want {
			return min(highest(i), h.max)
		}
	}
	return 0
}

// Reset forgets everything.
func (h *Histogram) Reset() { *h = Histogram{} }
