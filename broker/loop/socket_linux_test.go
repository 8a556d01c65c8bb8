package loop

import (
	"context"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/radio"
	"github.com/dormouse-mqtt/dormouse/radio/udp"
)

// pair runs two polled loops as shards of one process.
func pair(t *testing.T, handleA, handleB func(ev shard.Event, out *shard.Out)) (a, b *fixture) {
	a, b = newFixture(false, handleA), newFixture(false, handleB)
	Join(a.Loop, b.Loop)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	for _, f := range []*fixture{a, b} {
		go func() { f.Run(ctx); done <- struct{}{} }()
	}
	t.Cleanup(func() { cancel(); <-done; <-done })
	return a, b
}

// TestL11SocketMoves, with what was read of it, and what comes later goes there.
func TestL11SocketMoves(t *testing.T) {
	a, b := pair(t, func(ev shard.Event, out *shard.Out) {
		if ev.Kind == shard.Received {
			out.Moves = append(out.Moves, shard.Move{Conn: ev.Conn, Info: &shard.ConnInfo{}, To: 1, Data: ev.Data})
		}
	}, func(ev shard.Event, out *shard.Out) {
		if ev.Kind == shard.Received {
			write(out, ev.Conn, "to "+string(ev.Data))
		}
	})
	c, id, gone := a.dial(t)
	send(t, c, "connect")
	require.NotNil(t, b.m.next(shard.Opened).Info)
	expect(t, c, "to connect")
	send(t, c, "publish")
	expect(t, c, "to publish")
	a.call(t, func(out *shard.Out) { write(out, id, "hits nothing").Close = true })
	send(t, c, "again")
	expect(t, c, "to again")
	c.Close()
	b.m.next(shard.Closed)
	gone()
}

// TestL10SocketIsHeldBack while another shard has too much to do, and a link too.
func TestL10SocketIsHeldBack(t *testing.T) {
	a, b := pair(t, nil, nil)
	c, _, _ := a.dial(t)
	link, err := udp.Listen("127.0.0.1:0")
	require.NoError(t, err)
	require.True(t, a.AddLink(link, &shard.LinkInfo{}))
	a.m.next(shard.LinkUp)
	node := dialUDP(t, link)
	b.backlog.add(maxBacklog + 1)
	send(t, c, "later")
	send(t, node, "later")
	require.Eventually(t, func() (held bool) {
		a.call(t, func(*shard.Out) { held = len(a.poll.(*epoll).held) == 2 })
		return held
	}, 10*time.Second, time.Millisecond)
	for len(a.m.events) > 0 {
		kind := (<-a.m.events).Kind
		require.NotContains(t, []shard.Kind{shard.Received, shard.Datagrams}, kind)
	}
	b.call(t, func(*shard.Out) { b.received(&letter{size: maxBacklog + 1}) })
	require.Equal(t, "later", string(a.m.next(shard.Received).Data))
	require.Equal(t, "later", string(a.m.next(shard.Datagrams).Batch[0].Data))
}

func dialUDP(t *testing.T, l *udp.Link) net.Conn {
	c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(l.LocalAddr()))
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	return c
}

// TestPolledLinkInAndOut: datagrams of one read are events of their own, and what
// they leave goes out.
func TestPolledLinkInAndOut(t *testing.T) {
	f := startPolled(t, answer)
	link, err := udp.Listen("127.0.0.1:0")
	require.NoError(t, err)
	info := &shard.LinkInfo{}
	require.True(t, f.AddLink(link, info))
	require.Same(t, info, f.m.next(shard.LinkUp).LinkInfo)
	node := dialUDP(t, link)
	for range 3 {
		for _, s := range []string{"a", "b", "c"} {
			send(t, node, s)
		}
		for _, s := range []string{"a", "b", "c"} {
			ev := f.m.next(shard.Datagrams)
			require.Len(t, ev.Batch, 1)
			require.Equal(t, s, string(ev.Batch[0].Data))
			require.Equal(t, radio.UDP(node.LocalAddr().(*net.UDPAddr).AddrPort(), 0), ev.Batch[0].Addr)
			expect(t, node, "re: "+s)
		}
	}
	f.end()
	_, err = link.ReadBatch([]radio.Datagram{{Data: make([]byte, 1)}})
	require.ErrorIs(t, err, net.ErrClosed)
}

// TestAcceptingRestsWithoutDescriptors, and goes on.
func TestAcceptingRestsWithoutDescriptors(t *testing.T) {
	f := startPolled(t, nil)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	_, err = Serve([]*Loop{f.Loop}, ln.(*net.TCPListener), &shard.ListenerInfo{}, 1, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	f.call(t, func(*shard.Out) {}) // it listens

	free, err := os.Open(os.DevNull)
	require.NoError(t, err)
	lowest := free.Fd()
	free.Close()
	var limit syscall.Rlimit
	require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit))
	tight := limit
	tight.Cur = uint64(lowest) + 1 // for our end only
	require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &tight))
	defer syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit)
	c, err := net.Dial("tcp", ln.Addr().String())
	require.NoError(t, err)
	defer c.Close()
	require.Eventually(t, func() (rests bool) {
		f.call(t, func(*shard.Out) { rests = len(f.poll.(*epoll).resting) == 1 })
		return rests
	}, 10*time.Second, time.Millisecond)
	require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit))
	f.m.next(shard.Opened)
}

// TestFullListener refuses those above its bound, and has room again.
func TestFullListener(t *testing.T) {
	both(t, func(t *testing.T, start starter) {
		f := start(t, nil)
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		l, err := Serve([]*Loop{f.Loop}, ln.(*net.TCPListener), &shard.ListenerInfo{}, 1, slog.New(slog.DiscardHandler))
		require.NoError(t, err)
		defer l.Close()
		first, err := net.Dial("tcp", ln.Addr().String())
		require.NoError(t, err)
		f.m.next(shard.Opened)
		second, err := net.Dial("tcp", ln.Addr().String())
		require.NoError(t, err)
		_, err = second.Read(make([]byte, 1))
		require.Error(t, err)
		second.Close()
		first.Close()
		require.Eventually(t, func() bool { return l.clients.Load() == 0 }, 10*time.Second, time.Millisecond)
		third, err := net.Dial("tcp", ln.Addr().String())
		require.NoError(t, err)
		defer third.Close()
		f.m.next(shard.Opened)
	})
}

// TestBusyShardYields, also while it has not handled what it was told last.
func TestBusyShardYields(t *testing.T) {
	f := newFixture(false, nil)
	p := f.poll.(*epoll)
	defer p.close()
	p.next, p.ready = 0, 1
	f.epoch = f.epoch.Add(-yieldEvery) // so long ago
	p.wait(0, false)
	require.GreaterOrEqual(t, p.yielded, yieldEvery)
}

// TestLoopsAreOfOneKind: where one has no epoll, none has.
func TestLoopsAreOfOneKind(t *testing.T) {
	a, b := newFixture(false, nil), newFixture(true, nil)
	fd := a.poll.(*epoll).fd
	Join(a.Loop, b.Loop)
	require.Nil(t, a.poll)
	require.Nil(t, b.poll)
	var stat unix.Stat_t
	require.ErrorIs(t, unix.Fstat(fd, &stat), unix.EBADF)
}

// TestLateBellHitsNothing: whoever is about to ring when the loop ends does not
// write to what has its descriptor by then.
func TestLateBellHitsNothing(t *testing.T) {
	f := startPolled(t, nil)
	p := f.poll.(*epoll)
	bell := p.bell
	f.end()
	var fds [2]int
	require.NoError(t, unix.Pipe2(fds[:], unix.O_CLOEXEC|unix.O_NONBLOCK))
	defer unix.Close(fds[0])
	defer unix.Close(fds[1])
	if bell != fds[0] && bell != fds[1] {
		require.NoError(t, unix.Dup3(fds[1], bell, unix.O_CLOEXEC))
		defer unix.Close(bell)
	}
	p.parked.Store(true) // as the ringer saw it
	p.ring()
	n, errno := readNow(int32(fds[0]), make([]byte, 8))
	require.Equal(t, unix.EAGAIN, errno, "%d octets came", n)
}

// TestSocketThatCannotBeWatchedIsClosed, and the machine told.
func TestSocketThatCannotBeWatchedIsClosed(t *testing.T) {
	f := startPolled(t, nil)
	file, err := unix.Open(t.TempDir(), unix.O_RDONLY|unix.O_CLOEXEC, 0) // epoll takes none of those
	require.NoError(t, err)
	l := &Listener{}
	l.clients.Add(1)
	f.call(t, func(*shard.Out) { f.poll.(*epoll).openSocket(0, int32(file), l, nil, nil) })
	id := f.m.next(shard.Opened).Conn
	closed := f.m.next(shard.Closed)
	require.Equal(t, id, closed.Conn)
	require.ErrorIs(t, closed.Err, unix.EPERM)
	require.Eventually(t, func() bool { return l.clients.Load() == 0 }, 10*time.Second, time.Millisecond)
	var stat unix.Stat_t
	require.ErrorIs(t, unix.Fstat(file, &stat), unix.EBADF)
}

// TestSlotsServeAgainUnderNewNames: what is meant for an earlier connection hits
// nothing, nor does an event of epoll that is about it (L11).
func TestSlotsServeAgainUnderNewNames(t *testing.T) {
	var b slab
	seen := map[shard.ConnID]bool{}
	var before *socket
	for range 1000 {
		s := b.take()
		s.state = socketOpen
		require.True(t, before == nil || s == before, "the slot serves again")
		require.False(t, seen[s.id()])
		seen[s.id()] = true
		require.Same(t, s, b.find(s.id()))
		for id := range seen {
			require.Equal(t, id == s.id(), b.find(id) != nil)
		}
		require.False(t, s.id().IsInProcess())
		b.give(s)
		before = s
	}
	require.Nil(t, b.find(polledConn|5), "never given out")
	require.Nil(t, b.find(5), "a stream's")
}

func TestAddressesOfPeers(t *testing.T) {
	for _, address := range []string{"127.0.0.1:0", "[::1]:0"} {
		f := startPolled(t, nil)
		ln, err := net.Listen("tcp", address)
		require.NoError(t, err)
		_, err = Serve([]*Loop{f.Loop}, ln.(*net.TCPListener), &shard.ListenerInfo{}, 1, slog.New(slog.DiscardHandler))
		require.NoError(t, err)
		c, err := net.Dial("tcp", ln.Addr().String())
		require.NoError(t, err)
		defer c.Close()
		require.Equal(t, netip.MustParseAddrPort(c.LocalAddr().String()), f.m.next(shard.Opened).Info.Remote)
	}
}

// TestSocketAllocations: nothing for each packet that comes and each that leaves.
func TestSocketAllocations(t *testing.T) {
	f := newFixture(false, nil)
	f.machine = &echoing{}
	p := f.poll.(*epoll)
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	f.out.BeginRound()
	p.openSocket(0, int32(fds[0]), &Listener{}, nil, nil)
	in, out := []byte("hello"), make([]byte, 16)
	allocated := testing.AllocsPerRun(1000, func() {
		writeNow(int32(fds[1]), in)
		p.wait(0, false)
		f.round(nil)
		n, _ := readNow(int32(fds[1]), out)
		require.Equal(t, len(in), n)
	})
	require.Zero(t, allocated)
	unix.Close(fds[1])
	p.end(time.Second)
}

// An echoing machine answers with what it gets.
type echoing struct {
	mute
	dest shard.Dest
}

func (m *echoing) Handle(_ shard.Time, ev shard.Event, out *shard.Out) {
	if ev.Kind == shard.Received {
		m.dest.ID = ev.Conn
		o := out.To(&m.dest)
		o.Data = append(o.Data, ev.Data...)
	}
	if ev.Kind == shard.Closed {
		write(out, ev.Conn, "").Close = true
	}
}

// TestNoEventIsMissed, whatever a shard is just about to do.
func TestNoEventIsMissed(t *testing.T) {
	f := startPolled(t, nil)
	f.call(t, func(*shard.Out) { f.machine = &echoing{} })
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	l, err := Serve([]*Loop{f.Loop}, ln.(*net.TCPListener), &shard.ListenerInfo{}, 100, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	var all sync.WaitGroup
	for n := range 4 {
		all.Go(func() {
			random := rand.New(rand.NewPCG(uint64(n), 0))
			for range 50 {
				c, err := net.Dial("tcp", ln.Addr().String())
				if !assert.NoError(t, err) {
					return
				}
				c.SetDeadline(time.Now().Add(10 * time.Second))
				for range random.IntN(20) {
					data := make([]byte, 1+random.IntN(100))
					c.Write(data)
					_, err := io.ReadFull(c, data)
					assert.NoError(t, err)
				}
				c.Write([]byte("and the end at once"))
				if random.IntN(2) == 0 {
					c.(*net.TCPConn).CloseWrite()
					io.ReadAll(c)
				}
				c.Close()
			}
		})
	}
	all.Wait()
	require.Eventually(t, func() bool { return l.clients.Load() == 0 }, 10*time.Second, time.Millisecond)
}
