package mqttsn

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var benchPublish = &Publish{QoS: QoS1, TopicID: 5, MsgID: 7, Data: bytes.Repeat([]byte("x"), 57)}

func BenchmarkDecodePublish64(b *testing.B) {
	in := benchPublish.AppendTo(nil)
	require.Len(b, in, 64)
	var d Decoder
	besideCopy(b, in, func() {
		if _, _, err := d.Decode(in); err != nil {
			b.Fatal(err)
		}
	})
}

func BenchmarkEncodePublish64(b *testing.B) {
	out := benchPublish.AppendTo(nil)
	besideCopy(b, out, func() { out = benchPublish.AppendTo(out[:0]) })
}

func BenchmarkCheckPublish64(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if err := Check(benchPublish); err != nil {
			b.Fatal(err)
		}
	}
}

// besideCopy measures f, and how many times as long it takes as copying packet.
func besideCopy(b *testing.B, packet []byte, f func()) {
	b.SetBytes(int64(len(packet)))
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		f()
		n++
	}
	took := b.Elapsed()
	to := make([]byte, len(packet))
	start := time.Now()
	for range n {
		copy(to, packet)
	}
	b.ReportMetric(float64(took)/float64(time.Since(start)), "x-memcpy")
}
