package mqttsn

import (
	"runtime/metrics"
	"testing"

	"github.com/stretchr/testify/require"
)

// slack is what the runtime may allocate meanwhile, for itself and for the
// goroutines of the test.
const slack = 256 << 10

// allocated is how many octets of heap f takes.
func allocated(f func()) uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	before := sample[0].Value.Uint64()
	f()
	metrics.Read(sample)
	return sample[0].Value.Uint64() - before
}

// FuzzDecode: what decodes, encodes and decodes to the same, in no more octets,
// and takes next to no memory. That its work is linear is for
// TestWorkIsLinear to show.
func FuzzDecode(f *testing.F) {
	for _, v := range loadVectors(f) {
		f.Add(v.octets(f))
	}
	for _, p := range packets {
		f.Add(p.AppendTo(nil))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		var d, e Decoder // each hands out pointers into itself
		var (
			p       Packet
			surplus int
			err     error
		)
		require.LessOrEqual(t, allocated(func() { p, surplus, err = d.Decode(in) }), uint64(8*len(in)+slack))
		if err != nil {
			require.NotEqual(t, NoDrop, ClassOf(err))
			require.LessOrEqual(t, Offset(in, err), len(in))
			return
		}
		if n, err := Message(in); err == nil && p.Type() != TypeForward {
			require.Equal(t, len(in), n+surplus)
		}
		checked := Check(p)

		out := p.AppendTo(nil)
		require.LessOrEqual(t, len(out), len(in))
		q, surplus, err := e.Decode(out)
		require.NoError(t, err)
		require.Zero(t, surplus)
		require.Equal(t, p, q)
		require.Equal(t, checked, Check(q))
	})
}
