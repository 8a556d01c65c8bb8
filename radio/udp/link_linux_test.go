package udp

import (
	"net"
	"net/netip"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dormouse-mqtt/dormouse/radio"
)

func buffers(n, size int) []radio.Datagram {
	d := make([]radio.Datagram, n)
	for i := range d {
		d[i].Data = make([]byte, size)
	}
	return d
}

// Loopback delivers before the sender's call returns, so that Poll finds all.
func TestPollTakesWhatIsThere(t *testing.T) {
	l, err := Listen("127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	require.Positive(t, l.FD())
	d := buffers(4, 10)
	n, err := l.Poll(d)
	require.NoError(t, err)
	require.Zero(t, n, "nothing is there")

	f := far{dial(t, l.LocalAddr())}
	for _, m := range []string{"one", "longer than 10", "two", "longer than 10 again", "three"} {
		f.Send(t, []byte(m))
	}
	n, err = l.Poll(d)
	require.NoError(t, err)
	require.Equal(t, 2, n, "of a batch of four two are too long")
	require.Equal(t, "one two", string(d[0].Data)+" "+string(d[1].Data))
	n, err = l.Poll(d)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.Equal(t, "three", string(d[0].Data))
	require.Equal(t, Stats{Received: 3, Truncated: 2}, l.Stats())
	for i := range d {
		require.Equal(t, 10, cap(d[i].Data))
	}

	require.NoError(t, l.Close())
	_, err = l.Poll(d)
	require.ErrorIs(t, err, net.ErrClosed)
}

// A directed broadcast looks like a host; the kernel knows better, and which of
// our addresses to answer from.
func TestBroadcastIsOfAGroup(t *testing.T) {
	for _, listen := range []string{":0", "0.0.0.0:0"} {
		l, err := Listen(listen)
		require.NoError(t, err)
		defer l.Close()
		conn, err := net.ListenPacket("udp4", "127.0.0.1:0")
		require.NoError(t, err)
		defer conn.Close()
		for _, tt := range []struct {
			to, local string
			group     bool
		}{
			{"127.255.255.255", "127.0.0.1", true}, {"127.0.0.1", "127.0.0.1", false}, {"127.0.0.9", "127.0.0.9", false},
		} {
			to := netip.AddrPortFrom(netip.MustParseAddr(tt.to), l.LocalAddr().Port())
			_, err = conn.WriteTo([]byte("who is there?"), net.UDPAddrFromAddrPort(to))
			require.NoError(t, err)
			d := buffers(1, 100)
			_, err = l.ReadBatch(d)
			require.NoError(t, err)
			require.Equal(t, tt.group, d[0].Group, tt.to)
			require.Equal(t, tt.local, d[0].Local.AddrPort().Addr().String(), tt.to)
		}
	}
}

func TestIPv6Only(t *testing.T) {
	l, err := Listen("[::1]:0")
	require.NoError(t, err, "the tests need IPv6 on loopback: sysctl net.ipv6.conf.lo.disable_ipv6=0")
	defer l.Close()
	f := far{dial(t, l.LocalAddr())}
	f.Send(t, []byte("hello"))
	d := buffers(1, 100)
	_, err = l.ReadBatch(d)
	require.NoError(t, err)
	require.Equal(t, f.conn.LocalAddr().(*net.UDPAddr).AddrPort(), d[0].Addr.AddrPort())
	_, err = l.WriteBatch(d)
	require.NoError(t, err)
	require.Equal(t, "hello", string(f.Receive(t)))
}

func TestNothingIsAllocated(t *testing.T) {
	for _, tt := range []struct{ listen, dial string }{
		{"127.0.0.1:0", "127.0.0.1"}, {":0", "127.0.0.1"}, {":0", "::1"},
	} {
		l, err := Listen(tt.listen)
		require.NoError(t, err)
		defer l.Close()
		f := far{dial(t, netip.AddrPortFrom(netip.MustParseAddr(tt.dial), l.LocalAddr().Port()))}
		d, answer, hello := buffers(32, 100), make([]byte, 100), []byte("hello")
		require.Zero(t, testing.AllocsPerRun(100, func() {
			f.conn.Write(hello)
			n, err := l.ReadBatch(d)
			m, failed := l.WriteBatch(d[:n])
			f.conn.Read(answer)
			if err != nil || failed != nil || n != 1 || m != 1 {
				t.Error(n, err, m, failed)
			}
		}), "%s by %s", tt.listen, tt.dial)
	}
}

func BenchmarkBatch(b *testing.B) {
	l, err := Listen("127.0.0.1:0")
	require.NoError(b, err)
	defer l.Close()
	to := radio.UDP(l.LocalAddr(), 0) // to itself
	d := buffers(32, 100)
	b.ReportAllocs()
	for done := 0; done < b.N; {
		for i := range d {
			d[i].Addr, d[i].Data = to, d[i].Data[:40]
		}
		if _, err := l.WriteBatch(d); err != nil {
			b.Fatal(err)
		}
		n, err := l.ReadBatch(d)
		if err != nil {
			b.Fatal(err)
		}
		done += n
	}
}

// TestGroupSharesAPort: each peer has one of the sockets, and none is had by
// another process (L12).
func TestGroupSharesAPort(t *testing.T) {
	for _, address := range []string{"127.0.0.1:0", ":0"} {
		links, err := ListenGroup(address, 3)
		require.NoError(t, err)
		require.Len(t, links, 3)
		for _, l := range links {
			require.Equal(t, links[0].LocalAddr(), l.LocalAddr())
			defer l.Close()
		}
		_, err = ListenGroup(links[0].LocalAddr().String(), 2)
		require.ErrorIs(t, err, syscall.EADDRINUSE)

		to := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), links[0].LocalAddr().Port())
		readers := map[int]bool{}
		for range 64 {
			f := far{dial(t, to)}
			f.Send(t, []byte("one"))
			f.Send(t, []byte("two"))
			d, read := buffers(4, 10), 0
			for i, l := range links {
				n, err := l.Poll(d)
				require.NoError(t, err)
				if n > 0 {
					require.Equal(t, 2, n, "both to the same")
					readers[i], read = true, read+1
				}
			}
			require.Equal(t, 1, read)
		}
		require.Len(t, readers, 3, "64 peers and none for one of three: once in 10^11 runs")
	}
}

// TestClosedLinkHasNoDescriptor: zero is one.
func TestClosedLinkHasNoDescriptor(t *testing.T) {
	l, err := Listen("127.0.0.1:0")
	require.NoError(t, err)
	require.Positive(t, l.FD())
	require.NoError(t, l.Close())
	require.Equal(t, -1, l.FD())
}
