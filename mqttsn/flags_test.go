package mqttsn

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestQoSFlags(t *testing.T) {
	for _, tt := range []struct {
		qos   QoS
		flags byte
	}{
		{QoS0, 0x00},
		{QoS1, 0x20},
		{QoS2, 0x40},
		{QoSMinus1, 0x60},
	} {
		require.Equal(t, tt.flags, tt.qos.flags())
		require.Equal(t, tt.qos, qosOf(tt.flags))
		require.Equal(t, tt.qos, qosOf(tt.flags|^byte(flagQoS)), "other bits")
	}
}

func TestTopicIDTypeFlags(t *testing.T) {
	for _, tt := range []struct {
		typ  TopicIDType
		name string
	}{
		{TopicNormal, "normal"},
		{TopicPredefined, "predefined"},
		{TopicShort, "short"},
		{TopicReserved, "reserved"},
	} {
		require.Equal(t, tt.name, tt.typ.String())
		require.Equal(t, tt.typ, topicIDTypeOf(tt.typ.flags()|^byte(flagTopicIDType)))
	}
	require.Equal(t, "topic id type 4", TopicIDType(4).String())
}

func TestShortName(t *testing.T) {
	require.Equal(t, uint16(0x7431), ShortID([]byte("t1")))
	require.Equal(t, [2]byte{'t', '1'}, ShortName(0x7431))
}
