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
