package mqttsn

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestForwardDecode(t *testing.T) {
	ping, long := "\x02\x16", strings.Repeat("n", MaxNodeID)
	testDecode(t, []bodyTest{
		{
			"node id of one octet", "\x04\xfe\x00\x07" + ping,
			&Forward{NodeID: []byte{7}, Message: []byte(ping)}, NoDrop,
		},
		{
			"longest node id", "\xff\xfe\x00" + long + ping,
			&Forward{NodeID: []byte(long), Message: []byte(ping)}, NoDrop,
		},
		{
			"long form", "\x01\x00\x06\xfe\x00\x07" + ping,
			&Forward{NodeID: []byte{7}, Message: []byte(ping)}, NoDrop,
		},
		{
			"message of one octet is for its own Decode", "\x04\xfe\x00\x07\x02",
			&Forward{NodeID: []byte{7}, Message: []byte{2}}, NoDrop,
		},
		{"no ctrl", "\x02\xfe", nil, BodyTooShort},
		{"node id too long", "\x01\x01\x02\xfe\x00" + long + "n" + ping, nil, BodyTooLong},
		{"no node id", "\x03\xfe\x00" + ping, nil, EmptyNodeID},
		{"no message", "\x04\xfe\x00\x07", nil, MissingInner},
		{"nested", "\x04\xfe\x00\x07\x04\xfe\x00\x08" + ping, nil, NestedForward},
		{"nested, long form", "\x04\xfe\x00\x07\x01\x00\x06\xfe\x00\x08" + ping, nil, NestedForward},
		{"length to the end of the message", "\x06\xfe\x00\x07" + ping, nil, MissingInner},
		{"length beyond the end", "\x08\xfe\x00\x07" + ping, nil, LengthMismatch},
	})
}

func TestForwardAppendWrapper(t *testing.T) {
	f := &Forward{Ctrl: 0xFE, NodeID: []byte{7}}
	b := (&Pingresp{}).AppendTo(f.AppendWrapper(nil))
	require.Equal(t, []byte("\x04\xfe\xfe\x07\x02\x17"), b)
	require.Equal(t, byte(2), f.Radius())

	f.NodeID = bytes.Repeat([]byte("n"), MaxNodeID)
	require.Equal(t, byte(255), f.AppendWrapper(nil)[0])
}
