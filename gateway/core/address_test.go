package core

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dormouse-mqtt/dormouse/radio"
)

func TestAddressComesBack(t *testing.T) {
	for _, peer := range []radio.Addr{
		radio.UDP(netip.MustParseAddrPort("192.0.2.1:1884"), 0),
		radio.UDP(netip.MustParseAddrPort("[2001:db8::1]:9"), 0),
		radio.UDP(netip.MustParseAddrPort("[fe80::1]:65535"), 3),
		radio.Serial(7),
		radio.Memory(1 << 40),
	} {
		for _, id := range [][]byte{nil, {1}, make([]byte, maxNodeID)} {
			a := Address{peer: peer}
			a.node.n = uint8(copy(a.node.octets[:], id))
			b := a.append(nil)
			got, ok := parseAddress(b)
			require.True(t, ok)
			require.Equal(t, a, got)
			_, ok = parseAddress(b[:addressSize-1])
			require.False(t, ok)
		}
	}
	_, ok := parseAddress(make([]byte, addressSize))
	require.False(t, ok, "no address")
	_, ok = parseAddress(append([]byte{1}, make([]byte, addressSize+maxNodeID)...))
	require.False(t, ok, "too long")
}
