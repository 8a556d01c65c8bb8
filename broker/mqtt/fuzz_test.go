package mqtt

import (
	"runtime/metrics"
	"testing"

	"github.com/stretchr/testify/require"
)

// seeds are the vectors but the large ones.
func seeds(f *testing.F, add func(in []byte)) {
	for _, v := range loadTables(f).Vectors {
		if v.Repeat == 0 {
			add(v.octets(f))
		}
	}
}

// FuzzDecode: what decodes, encodes and decodes to the same, in no more octets;
// decoding takes no more steps than there are octets, and next to no memory.
func FuzzDecode(f *testing.F) {
	seeds(f, func(in []byte) { f.Add(in) })
	f.Fuzz(func(t *testing.T, in []byte) {
		for _, v := range []Version{0, V31, V311, V5} {
			var probe Decoder
			require.LessOrEqual(t, allocated(len(in), func() { _, _ = decodeStream(&probe, in, v) }), limit(len(in)))
			for from := FromAnyone; from <= FromServer; from++ {
				d, e := Decoder{From: from}, Decoder{From: from} // each hands out pointers into itself
				p, err := decodeStream(&d, in, v)
				require.LessOrEqual(t, d.steps, len(in)+1)
				if err != nil {
					require.LessOrEqual(t, d.Offset(), len(in))
					var e *Error
					require.ErrorAs(t, err, &e)
					require.NotEmpty(t, e.Error())
					require.True(t, e.Code.Failed())
					require.Nil(t, p)
					continue
				}
				if p == nil {
					continue
				}
				read(p)
				out := p.AppendTo(nil, v)
				require.LessOrEqual(t, len(out), len(in))
				if pub, ok := p.(*Publish); ok {
					require.Equal(t, pub.Size(v), len(out))
				}
				q, err := e.Decode(out, v)
				require.NoError(t, err)
				require.Equal(t, p, q)
			}
		}
	})
}

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

// FuzzFrame: the measure does not depend on how many octets are there.
func FuzzFrame(f *testing.F) {
	seeds(f, func(in []byte) { f.Add(in, 0) })
	f.Add([]byte("\x30\xff\x01"), 128)
	f.Fuzz(func(t *testing.T, in []byte, max int) {
		total, err := Frame(in, max)
		for n := range len(in) {
			got, early := Frame(in[:n], max)
			switch {
			case early != nil:
				require.Equal(t, err, early)
			case got != 0:
				require.NoError(t, err)
				require.Equal(t, total, got)
			}
		}
		if err != nil {
			require.Zero(t, total)
			return
		}
		require.LessOrEqual(t, total, len(in))
		size, err := FrameSize(in, max)
		require.NoError(t, err)
		if max > 0 {
			require.LessOrEqual(t, size, max)
		}
		if total != 0 {
			require.Equal(t, total, size)
		}
	})
}

var sink int

// read looks at what iterates.
func read(p Packet) {
	switch p := p.(type) {
	case *Subscribe:
		for filter, o := range p.Filters.All() {
			sink += len(filter) + int(o.QoS)
		}
		for it := p.Filters; ; {
			filter, _, ok := it.Next()
			if !ok {
				break
			}
			sink += len(filter)
		}
	case *Unsubscribe:
		for filter := range p.Filters.All() {
			sink += len(filter)
		}
	case *Publish:
		for prop := range p.Properties.All() {
			sink += len(prop.Value)
		}
		expiry, _ := p.Properties.Uint32(MessageExpiryInterval)
		sink += int(expiry)
	case *Connect:
		method, _ := p.Properties.Bytes(AuthenticationMethod)
		sink += len(method)
	}
}
