package udp

import (
	"net"
	"net/netip"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dormouse-mqtt/dormouse/radio"
	"github.com/dormouse-mqtt/dormouse/radio/radiotest"
)

type far struct{ conn *net.UDPConn }

func (f far) Send(t *testing.T, data []byte) {
	_, err := f.conn.Write(data)
	require.NoError(t, err)
}

func (f far) Receive(t *testing.T) []byte {
	b := make([]byte, mtu)
	n, err := f.conn.Read(b)
	require.NoError(t, err)
	return b[:n]
}

func dial(t *testing.T, to netip.AddrPort) *net.UDPConn {
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(to))
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	return conn
}

func TestContract(t *testing.T) {
	for _, tt := range []struct{ listen, dial string }{
		{"127.0.0.1:0", "127.0.0.1"}, {":0", "127.0.0.1"}, {":0", "127.0.0.9"}, {":0", "::1"},
	} {
		t.Run(tt.listen+" by "+tt.dial, func(t *testing.T) {
			radiotest.Run(t, []int{1, 2, 100, 1500, mtu}, func(t *testing.T) (radio.Link, radiotest.Far) {
				l, err := Listen(tt.listen)
				require.NoError(t, err)
				return l, far{dial(t, netip.AddrPortFrom(netip.MustParseAddr(tt.dial), l.LocalAddr().Port()))}
			})
		})
	}
}

func TestTooLongIsDroppedAndCounted(t *testing.T) {
	l, err := Listen("127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	f := far{dial(t, l.LocalAddr())}
	f.Send(t, make([]byte, 11))
	f.Send(t, []byte("short"))
	d := []radio.Datagram{{Data: make([]byte, 10)}}
	n, err := l.ReadBatch(d)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.Equal(t, "short", string(d[0].Data))
	require.EqualValues(t, 1, l.Stats().Truncated)
}

func TestPortInUse(t *testing.T) {
	l, err := Listen("127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	_, err = Listen(l.LocalAddr().String())
	require.ErrorIs(t, err, syscall.EADDRINUSE)
}

func TestRefusedPeerDoesNotEndReading(t *testing.T) {
	l, err := Listen("127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	gone := dial(t, l.LocalAddr())
	address := radio.UDP(gone.LocalAddr().(*net.UDPAddr).AddrPort(), 0)
	gone.Close()
	for range 3 {
		_, err := l.WriteBatch([]radio.Datagram{{Addr: address, Data: []byte("anybody?")}})
		require.NoError(t, err)
	}
	far{dial(t, l.LocalAddr())}.Send(t, []byte("here"))
	d := []radio.Datagram{{Data: make([]byte, 10)}}
	_, err = l.ReadBatch(d)
	require.NoError(t, err)
	require.Equal(t, "here", string(d[0].Data))
}
