package mqttsn

import (
	"runtime/metrics"
	"testing"

	"github.com/stretchr/testify/require"
)

// limit is how many octets of heap n octets of input may cost: a small multiple,
// and what the runtime takes meanwhile.
func limit(n int) uint64 { return uint64(8*n + 256<<10) }

// allocated is how many octets of heap f takes for n octets of input. The counter
// is the whole process's, and others allocate too: what exceeds the limit is
// measured again, for f takes the same each time and they do not.
func allocated(n int, f func()) (octets uint64) {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	for range 5 {
		metrics.Read(sample)
		before := sample[0].Value.Uint64()
		f()
		metrics.Read(sample)
		if octets = sample[0].Value.Uint64() - before; octets <= limit(n) {
			break
		}
	}
	return octets
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
		require.LessOrEqual(t, allocated(len(in), func() { p, surplus, err = d.Decode(in) }), limit(len(in)))
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
