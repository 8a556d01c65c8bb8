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

// Noise is what UDP carries, but nobody meant.
func (f far) Noise(t *testing.T) {
	f.Send(t, nil)
	f.Send(t, make([]byte, mtu))
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

func TestWhatIsNotOfThisMediumIsRefused(t *testing.T) {
	l, err := Listen("127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	f := far{dial(t, l.LocalAddr())}
	good := radio.UDP(f.conn.LocalAddr().(*net.UDPAddr).AddrPort(), 0)
	n, err := l.WriteBatch([]radio.Datagram{
		{Addr: radio.Serial(1), Data: []byte("no")},
		{Addr: good, Data: []byte("one")},
		{Addr: radio.UDP(netip.MustParseAddrPort("[2001:db8::1]:1"), 0), Data: []byte("no")},
		{Addr: good, Data: make([]byte, mtu+1)},
		{Addr: good, Data: []byte("two")},
		{Data: []byte("no")},
	})
	require.NoError(t, err)
	require.Equal(t, 6, n)
	require.Equal(t, "one", string(f.Receive(t)))
	require.Equal(t, "two", string(f.Receive(t)))
	require.Equal(t, Stats{Sent: 2, Refused: 4}, l.Stats())
}

func TestMoreThanOneSystemCallTakes(t *testing.T) {
	l, err := Listen(":0")
	require.NoError(t, err)
	defer l.Close()
	f := far{dial(t, netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), l.LocalAddr().Port()))}
	d := make([]radio.Datagram, 100)
	for i := range d {
		d[i].Addr = radio.UDP(f.conn.LocalAddr().(*net.UDPAddr).AddrPort(), 0)
		d[i].Data = []byte{byte(i)}
	}
	n, err := l.WriteBatch(d)
	require.NoError(t, err)
	require.Equal(t, 100, n)
	for i := range d {
		require.Equal(t, []byte{byte(i)}, f.Receive(t))
	}
}

func TestAddressThatIsNone(t *testing.T) {
	for _, address := range []string{"127.0.0.1", "127.0.0.1:port", "192.0.2.254:0"} {
		_, err := Listen(address)
		require.Error(t, err, address)
	}
}
