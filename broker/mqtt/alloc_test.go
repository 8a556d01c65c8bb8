//go:build !race

package mqtt

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestNoAllocation decodes, reads and encodes every vector, valid or not,
// without allocating.
func TestNoAllocation(t *testing.T) {
	out := make([]byte, 0, 1<<16)
	for _, v := range loadTables(t).Vectors {
		in := v.octets(t)
		if in == nil || len(in) > cap(out) {
			continue
		}
		d := Decoder{From: v.from()}
		n := testing.AllocsPerRun(10, func() {
			p, err := decodeStream(&d, in, v.version())
			if p == nil || err != nil {
				return
			}
			out = p.AppendTo(out[:0], v.version())
			read(p)
		})
		require.Zero(t, n, v.ID)
	}
}
