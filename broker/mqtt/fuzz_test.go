package mqtt

import (
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

// FuzzDecode: what decodes, encodes and decodes to the same, in no more octets.
func FuzzDecode(f *testing.F) {
	seeds(f, func(in []byte) { f.Add(in) })
	f.Fuzz(func(t *testing.T, in []byte) {
		for _, v := range []Version{0, V31, V311, V5} {
			for from := FromAnyone; from <= FromServer; from++ {
				d, e := Decoder{From: from}, Decoder{From: from} // each hands out pointers into itself
				p, err := decodeStream(&d, in, v)
				if err != nil {
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
