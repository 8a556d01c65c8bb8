package mqttsn

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMessage(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		n        int
		class    DropClass
	}{
		{"short form", "\x02\x17", 2, NoDrop},
		{"long form", "\x01\x00\x04\x17", 4, NoDrop},
		{"two messages", "\x02\x17\x02\x16", 2, NoDrop},
		{"body unseen", "\x03\x17\x00", 3, NoDrop},
		{"paho", "\x01\x00\xff\x0c" + strings.Repeat("a", 253), 257, NoDrop},
		{"encapsulation", "\x04\xfe\x00\x07\x02\x17\x00", 6, NoDrop},
		{"paho inside an encapsulation", "\x04\xfe\x00\x07\x01\x00\xff\x0c" + strings.Repeat("a", 253), 261, NoDrop},
		{"encapsulation of 255 octets", "\x01\x00\xff\xfe" + strings.Repeat("a", 251) + "\x02\x17", 257, NoDrop},
		{"nothing", "", 0, TruncatedHeader},
		{"half a header", "\x02", 0, TruncatedHeader},
		{"half a long header", "\x01\x00\x04", 0, TruncatedHeader},
		{"length 0", "\x00\x17", 0, LengthTooSmall},
		{"long length below its header", "\x01\x00\x03\x17", 0, LengthTooSmall},
		{"reserved type before wrong length", "\x09\x03", 0, ReservedType},
		{"length beyond the end", "\x03\x05", 0, LengthMismatch},
		{"encapsulation of nothing", "\x04\xfe\x00\x07", 0, MissingInner},
		{"encapsulation of half a message", "\x04\xfe\x00\x07\x03\x05", 0, LengthMismatch},
		{"nested encapsulation", "\x04\xfe\x00\x07\x04\xfe\x00\x07\x02\x17", 0, NestedForward},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n, err := Message([]byte(tt.in))
			require.Equal(t, tt.class, ClassOf(err))
			require.Equal(t, tt.n, n)
		})
	}
}

// The short form up to 255 octets, then two octets more (5.2.1).
func TestAppendHeader(t *testing.T) {
	for _, tt := range []struct {
		body int
		want string
	}{
		{0, "\x02\x17"},
		{252, "\xfe\x17"},
		{253, "\xff\x17"},
		{254, "\x01\x01\x02\x17"},
		{MaxLength - 4, "\x01\xff\xff\x17"},
	} {
		require.Equal(t, tt.want, string(appendHeader(nil, TypePingresp, tt.body)))
	}
	require.Equal(t, "ab\x02\x17", string(appendHeader([]byte("ab"), TypePingresp, 0)))
}
