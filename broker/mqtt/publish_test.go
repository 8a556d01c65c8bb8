package mqtt

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestSharedPublish: one encoding, patched, equals each subscriber's own.
func TestSharedPublish(t *testing.T) {
	for _, v := range []Version{V31, V311, V5} {
		for qos := AtMostOnce; qos <= ExactlyOnce; qos++ {
			p := Publish{
				QoS: qos, Retain: true, Topic: []byte("a/b"), Payload: bytes.Repeat([]byte("x"), 200),
				Properties: NewProperties(AppendString(nil, ContentType, "text")),
			}
			shared, at := AppendPublish(nil, v, &p)
			require.Equal(t, p.Size(v), len(shared))
			if qos == AtMostOnce {
				require.Negative(t, at)
				continue
			}
			for _, id := range []uint16{1, 256, 65535} {
				for _, dup := range []bool{true, false} {
					p.PacketID, p.Dup = id, dup
					mine := append([]byte(nil), shared...)
					PatchPublish(mine, at, id, dup)
					require.Equal(t, p.AppendTo(nil, v), mine)
				}
			}
			behind, later := AppendPublish([]byte("before"), v, &p)
			require.Equal(t, at+6, later)
			require.Equal(t, p.AppendTo(nil, v), behind[6:])
		}
	}
}

func publish64() *Publish {
	return &Publish{QoS: AtLeastOnce, Topic: []byte("sensors/42/temperature"), PacketID: 7, Payload: bytes.Repeat([]byte("x"), 64)}
}

func BenchmarkPublishDecode(b *testing.B) {
	for _, v := range []Version{V311, V5} {
		b.Run(v.String(), func(b *testing.B) {
			in := publish64().AppendTo(nil, v)
			var d Decoder
			b.SetBytes(int64(len(in)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := d.Decode(in, v); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkPublishEncode(b *testing.B) {
	for _, v := range []Version{V311, V5} {
		b.Run(v.String(), func(b *testing.B) {
			p := publish64()
			out := p.AppendTo(nil, v)
			b.SetBytes(int64(len(out)))
			b.ReportAllocs()
			for b.Loop() {
				out = p.AppendTo(out[:0], v)
			}
		})
	}
}

func BenchmarkPublishPatch(b *testing.B) {
	shared, at := AppendPublish(nil, V5, publish64())
	out := make([]byte, 0, len(shared))
	b.ReportAllocs()
	for b.Loop() {
		out = append(out[:0], shared...)
		PatchPublish(out, at, 9, false)
	}
}
