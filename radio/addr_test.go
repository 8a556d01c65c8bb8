package radio

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAddr(t *testing.T) {
	for _, tt := range []struct {
		addr     Addr
		kind     Kind
		text     string
		loopback bool
	}{
		{Addr{}, KindNone, "none", true},
		{UDP(netip.MustParseAddrPort("192.0.2.1:1884"), 0), KindUDP, "192.0.2.1:1884", false},
		{UDP(netip.MustParseAddrPort("127.0.0.9:1"), 0), KindUDP, "127.0.0.9:1", true},
		{UDP(netip.MustParseAddrPort("[2001:db8::1]:1884"), 0), KindUDP, "[2001:db8::1]:1884", false},
		{UDP(netip.MustParseAddrPort("[::1]:1884"), 0), KindUDP, "[::1]:1884", true},
		{UDP(netip.MustParseAddrPort("[fe80::1]:1884"), 3), KindUDP, "[fe80::1%3]:1884", false},
		{Serial(0), KindSerial, "serial:0", true},
		{Serial(7), KindSerial, "serial:7", true},
		{Memory(1 << 40), KindMemory, "mem:1099511627776", true},
	} {
		t.Run(tt.text, func(t *testing.T) {
			require.Equal(t, tt.kind, tt.addr.Kind())
			require.Equal(t, tt.text, tt.addr.String())
			require.Equal(t, tt.loopback, tt.addr.IsLoopback())
		})
	}
}

// One peer has one Addr, whichever socket it was heard on.
func TestMappedAddressIsUnmapped(t *testing.T) {
	mapped := UDP(netip.MustParseAddrPort("[::ffff:192.0.2.1]:1884"), 0)
	require.Equal(t, UDP(netip.MustParseAddrPort("192.0.2.1:1884"), 0), mapped)
	require.Equal(t, "192.0.2.1:1884", mapped.AddrPort().String())
}

func TestAddrsOfDifferentPeersDiffer(t *testing.T) {
	local := netip.MustParseAddrPort("[fe80::1]:1884")
	all := map[Addr]bool{
		{}: true, Serial(0): true, Serial(1): true, Memory(0): true, Memory(1): true,
		UDP(local, 1): true, UDP(local, 2): true,
		UDP(netip.MustParseAddrPort("192.0.2.1:1"), 0): true,
		UDP(netip.MustParseAddrPort("192.0.2.1:2"), 0): true,
	}
	require.Len(t, all, 9)
	require.EqualValues(t, 2, UDP(local, 2).Scope())
	require.EqualValues(t, 1, Serial(1).Scope())
}

func TestAddrAllocatesNothing(t *testing.T) {
	ap := netip.MustParseAddrPort("[::ffff:192.0.2.1]:1884")
	seen := map[Addr]int{UDP(ap, 0): 0}
	require.Zero(t, testing.AllocsPerRun(100, func() { seen[UDP(ap, 0)]++ }))
}
