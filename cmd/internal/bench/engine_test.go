package bench

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A collector uses whole lines only.
type collector struct {
	writables int
	got       []byte
	err       error
}

func (c *collector) writable(Time) { c.writables++ }
func (c *collector) received(_ Time, b []byte) int {
	used := bytes.LastIndexByte(b, '\n') + 1
	c.got = append(c.got, b[:used]...)
	return used
}
func (c *collector) lost(_ Time, err error) { c.err = err }

// engines runs a test with each engine of this system.
func engines(t *testing.T, test func(t *testing.T, e engine)) {
	start := time.Now()
	now := func() Time { return time.Since(start) }
	for name, e := range map[string]func() (engine, error){
		"default":    func() (engine, error) { return newEngine(now) },
		"goroutines": func() (engine, error) { return newGoEngine(now), nil },
	} {
		t.Run(name, func(t *testing.T) {
			e, err := e()
			require.NoError(t, err)
			defer e.close()
			test(t, e)
		})
	}
}

// until polls until it is so.
func until(t *testing.T, e engine, so func() bool) {
	for end := time.Now().Add(10 * time.Second); !so(); {
		require.True(t, time.Now().Before(end), "in vain")
		require.NoError(t, e.poll(100*time.Millisecond))
	}
}

func TestStream(t *testing.T) {
	engines(t, func(t *testing.T, e engine) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer l.Close()
		var c collector
		s, err := e.dial(l.Addr().(*net.TCPAddr).AddrPort(), netip.Addr{}, false, &c)
		require.NoError(t, err)
		until(t, e, s.ready)
		require.Equal(t, 1, c.writables)
		peer, err := l.Accept()
		require.NoError(t, err)
		defer peer.Close()

		// More than the kernel takes at once leaves, and is said to have left.
		large := append(bytes.Repeat([]byte("x"), 1<<20), '\n')
		echoed := make(chan error, 1)
		go func() {
			b := make([]byte, len(large))
			if _, err := io.ReadFull(peer, b); err != nil {
				echoed <- err
				return
			}
			_, err := peer.Write(append(b, "left over"...))
			echoed <- err
		}()
		s.out = append(s.out, large...)
		s.touch()
		until(t, e, func() bool { return s.ready() && len(s.out) == 0 })
		// What comes is larger than the engine's buffer.
		until(t, e, func() bool { return len(c.got) == len(large) })
		require.NoError(t, <-echoed)
		require.True(t, bytes.Equal(large, c.got))

		_, err = peer.Write([]byte("\n"))
		require.NoError(t, err)
		until(t, e, func() bool { return len(c.got) == len(large)+10 })
		require.Equal(t, "left over\n", string(c.got[len(large):]))
		peer.Close()
		until(t, e, func() bool { return c.err != nil })
		require.ErrorIs(t, c.err, io.EOF)
		require.False(t, s.ready())
	})
}

func TestDatagrams(t *testing.T) {
	engines(t, func(t *testing.T, e engine) {
		peer, err := net.ListenPacket("udp", "127.0.0.1:0")
		require.NoError(t, err)
		defer peer.Close()
		var c collector
		s, err := e.dial(peer.LocalAddr().(*net.UDPAddr).AddrPort(), netip.MustParseAddr("127.0.0.7"), true, &c)
		require.NoError(t, err)
		until(t, e, s.ready)
		s.out = append(s.out, "ping\n"...)
		e.write(s)
		b := make([]byte, 100)
		n, from, err := peer.ReadFrom(b)
		require.NoError(t, err)
		require.Equal(t, "ping\n", string(b[:n]))
		require.Contains(t, from.String(), "127.0.0.7:")
		for _, d := range []string{"a\n", "b\n"} {
			_, err = peer.WriteTo([]byte(d), from)
			require.NoError(t, err)
		}
		until(t, e, func() bool { return len(c.got) == 4 })
		require.Equal(t, "a\nb\n", string(c.got))
	})
}

func TestNobodyListens(t *testing.T) {
	engines(t, func(t *testing.T, e engine) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		l.Close()
		var c collector
		if _, err = e.dial(l.Addr().(*net.TCPAddr).AddrPort(), netip.Addr{}, false, &c); err != nil {
			return
		}
		until(t, e, func() bool { return c.err != nil })
		var errno interface{ Timeout() bool }
		require.True(t, errors.As(c.err, &errno), c.err)
		require.Contains(t, c.err.Error(), "refused")
	})
}
