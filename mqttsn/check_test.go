package mqttsn

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// A contentTest is a packet and the class under which Check refuses it.
type contentTest struct {
	name  string
	p     Packet
	class DropClass
}

func testCheck(t *testing.T, tests []contentTest) {
	t.Helper()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := Check(tt.p)
			require.Equal(t, tt.class, ClassOf(err))
			if err != nil {
				require.ErrorIs(t, err, ErrInvalid)
				require.Equal(t, tt.p.Type(), err.(*PacketError).Type)
			}
		})
	}
}

// A bodyTest is a message and the class under which Decode refuses it, or the
// packet that it is.
type bodyTest struct {
	name, in string
	want     Packet
	class    DropClass
}

func testDecode(t *testing.T, tests []bodyTest) {
	t.Helper()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var d Decoder
			p, _, err := d.Decode([]byte(tt.in))
			require.Equal(t, tt.class, ClassOf(err))
			require.Equal(t, tt.want, p)
		})
	}
}

func TestCheckPassesPacketsWithoutRules(t *testing.T) {
	require.NoError(t, Check(&Pingresp{}))
	require.NoError(t, Check(&Connack{Code: 0x84}))
	require.NoError(t, Check(&Regack{TopicID: 0, Code: Accepted}))
}
