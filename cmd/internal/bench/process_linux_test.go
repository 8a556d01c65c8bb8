package bench

import (
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestOwnSocketsAreFound(t *testing.T) {
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer tcp.Close()
	all, err := net.Listen("tcp", ":0") // of both families
	require.NoError(t, err)
	defer all.Close()
	udp, err := net.ListenPacket("udp", "[::1]:0")
	require.NoError(t, err)
	defer udp.Close()
	require.Equal(t, own, listening(tcp.Addr().(*net.TCPAddr).AddrPort(), false))
	anywhere := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), all.Addr().(*net.TCPAddr).AddrPort().Port())
	require.Equal(t, own, listening(anywhere, false))
	require.Equal(t, own, listening(udp.LocalAddr().(*net.UDPAddr).AddrPort(), true))
	tcp.Close()
	require.Empty(t, listening(tcp.Addr().(*net.TCPAddr).AddrPort(), false))
}

func TestStatTime(t *testing.T) {
	const fields = " S 1 2 3 4 5 6 7 8 9 10 150 50 0 0 20 0"
	require.Equal(t, 2*time.Second, statTime("7 (name)"+fields))
	require.Equal(t, 2*time.Second, statTime("7 (a) b 1 2)"+fields), "any name")
	require.Zero(t, statTime(""))
	require.Zero(t, statTime("7 (name) S 1"))
}

func TestUsageOfThisProcess(t *testing.T) {
	p := processes{[]int{os.Getpid()}}
	before := p.usage()
	require.True(t, before.ok)
	for start := time.Now(); time.Since(start) < 20*time.Millisecond; {
	}
	used := p.usage().since(before)
	require.Positive(t, used.cpu)
	require.NotNil(t, used.per(10))
	memory, ok := p.resident()
	require.True(t, ok)
	require.Greater(t, memory, int64(1<<20))

	nobody := processes{}
	require.False(t, nobody.usage().ok)
	require.Nil(t, nobody.usage().per(10))
	_, ok = nobody.resident()
	require.False(t, ok)
}
