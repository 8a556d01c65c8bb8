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
			head, also := AppendPublishHead(nil, v, &p)
			require.Equal(t, at, also)
			require.Equal(t, shared, append(head, p.Payload...))
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
