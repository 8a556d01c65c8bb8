package mqttsn

import (
	"bytes"
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

var benchPublish = &Publish{QoS: QoS1, TopicID: 5, MsgID: 7, Data: bytes.Repeat([]byte("x"), 57)}

func BenchmarkDecodePublish64(b *testing.B) {
	in := benchPublish.AppendTo(nil)
	require.Len(b, in, 64)
	b.SetBytes(64)
	b.ReportAllocs()
	var d Decoder
	for b.Loop() {
		if _, _, err := d.Decode(in); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCheckPublish64(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if err := Check(benchPublish); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncodePublish64(b *testing.B) {
	b.SetBytes(64)
	b.ReportAllocs()
	out := make([]byte, 0, 64)
	for b.Loop() {
		out = benchPublish.AppendTo(out[:0])
	}
}
