//go:build !race

package mqttsn

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDecodeAllocatesNothing(t *testing.T) {
	for _, p := range packets {
		t.Run(p.Type().String(), func(t *testing.T) {
			var d Decoder
			in := p.AppendTo(nil)
			require.Zero(t, testing.AllocsPerRun(100, func() {
				if q, _, err := d.Decode(in); err != nil || Check(q) != nil {
					t.Fatal(err)
				}
			}))
		})
	}
}

func TestEncodeAllocatesNothing(t *testing.T) {
	for _, p := range packets {
		t.Run(p.Type().String(), func(t *testing.T) {
			b := make([]byte, 0, 256)
			require.Zero(t, testing.AllocsPerRun(100, func() { b = p.AppendTo(b[:0]) }))
		})
	}
}

// A flood of garbage costs no memory.
func TestRefusalAllocatesNothing(t *testing.T) {
	for _, v := range loadVectors(t) {
		if v.Verdict != "reject" {
			continue
		}
		t.Run(v.ID, func(t *testing.T) {
			var d Decoder
			in := v.octets(t)
			require.Zero(t, testing.AllocsPerRun(100, func() {
				p, _, err := d.Decode(in)
				if err == nil {
					err = Check(p)
				}
				if ClassOf(err) == NoDrop {
					t.Fatal("accepted")
				}
			}))
		})
	}
}
