package mqttsn

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTypeString(t *testing.T) {
	require.Equal(t, "ADVERTISE", TypeAdvertise.String())
	require.Equal(t, "ENCAPSULATED", TypeForward.String())
	require.Equal(t, "reserved type 0x03", Type(3).String())
	require.True(t, TypeNone.reserved())
}

func TestReturnCodeString(t *testing.T) {
	for c, want := range map[ReturnCode]string{
		Accepted:       "accepted",
		Congestion:     "rejected: congestion",
		InvalidTopicID: "rejected: invalid topic id",
		NotSupported:   "rejected: not supported",
		0x84:           "rejected: reserved code 0x84",
	} {
		require.Equal(t, want, c.String())
	}
}
