package mqtt

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// publish64 is a PUBLISH of 64 octets.
func publish64(b *testing.B, v Version) *Publish {
	p := &Publish{QoS: AtLeastOnce, Topic: []byte("sensors/42/temperature"), PacketID: 7}
	p.Payload = bytes.Repeat([]byte("x"), 64-p.Size(v))
	require.Equal(b, 64, p.Size(v))
	return p
}

func eachVersion(b *testing.B, run func(b *testing.B, v Version)) {
	for _, v := range []Version{V311, V5} {
		b.Run(v.String(), func(b *testing.B) { run(b, v) })
	}
}

func BenchmarkPublishDecode64(b *testing.B) {
	eachVersion(b, func(b *testing.B, v Version) {
		in := publish64(b, v).AppendTo(nil, v)
		var d Decoder
		besideCopy(b, in, func() {
			if _, err := d.Decode(in, v); err != nil {
				b.Fatal(err)
			}
		})
	})
}

func BenchmarkPublishEncode64(b *testing.B) {
	eachVersion(b, func(b *testing.B, v Version) {
		p := publish64(b, v)
		out := p.AppendTo(nil, v)
		besideCopy(b, out, func() { out = p.AppendTo(out[:0], v) })
	})
}

func BenchmarkPublishPatch64(b *testing.B) {
	shared, at := AppendPublish(nil, V5, publish64(b, V5))
	out := make([]byte, 0, len(shared))
	besideCopy(b, shared, func() {
		out = append(out[:0], shared...)
		PatchPublish(out, at, 9, false)
	})
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
