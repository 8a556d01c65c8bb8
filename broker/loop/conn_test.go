package loop

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/broker/store"
	"github.com/dormouse-mqtt/dormouse/broker/store/memory"
	"github.com/dormouse-mqtt/dormouse/radio"
)

// A scripted machine tells what it is told, and does what the test says.
type scripted struct {
	events  chan shard.Event
	evicted chan shard.ConnID
	handle  func(ev shard.Event, out *shard.Out) // may be nil
	advance func(now shard.Time, out *shard.Out)
	at      shard.Time // of the next Advance, if not zero
}

func (m *scripted) Handle(_ shard.Time, ev shard.Event, out *shard.Out) {
	ev.Data = bytes.Clone(ev.Data)
	if ev.Kind == shard.Datagrams {
		batch := make([]radio.Datagram, len(ev.Batch))
		for i, d := range ev.Batch {
			batch[i] = d
			batch[i].Data = bytes.Clone(d.Data)
		}
		ev.Batch = batch
	}
	m.events <- ev
	if ev.Kind == shard.Closed {
		write(out, ev.Conn, "").Close = true
	}
	if m.handle != nil {
		m.handle(ev, out)
	}
}

func (m *scripted) Advance(now shard.Time, out *shard.Out) {
	m.at = 0
	m.advance(now, out)
}

func (m *scripted) Deadline() (shard.Time, bool) { return m.at, m.at != 0 }

func (m *scripted) Evict(_ shard.Time, ev shard.Event, out *shard.Out) {
	write(out, ev.Conn, "").Close = true
	m.evicted <- ev.Conn
}

func write(out *shard.Out, conn shard.ConnID, data string) *shard.Output {
	o := out.To(&shard.Dest{ID: conn})
	o.Data = append(o.Data, data...)
	return o
}

// next is the next event of a kind.
func (m *scripted) next(kind shard.Kind) shard.Event {
	for {
		if ev := <-m.events; ev.Kind == kind {
			return ev
		}
	}
}

type fixture struct {
	*Loop
	m     *scripted
	fatal chan string
	end   func() // ends the loop and waits for Run
}

// A starter runs a loop for a machine that handles events as told.
type starter func(t *testing.T, handle func(ev shard.Event, out *shard.Out)) *fixture

// start runs the goroutine twin.
func start(t *testing.T, handle func(ev shard.Event, out *shard.Out)) *fixture {
	f := newFixture(true, handle)
	f.run(t)
	return f
}

// startPolled runs the loop that waits for sockets itself, where there is one.
func startPolled(t *testing.T, handle func(ev shard.Event, out *shard.Out)) *fixture {
	f := newFixture(false, handle)
	f.run(t)
	return f
}

// both runs a test on both loops: they have one contract.
func both(t *testing.T, test func(t *testing.T, start starter)) {
	t.Run("twin", func(t *testing.T) { test(t, start) })
	t.Run("polled", func(t *testing.T) { test(t, startPolled) })
}

func newFixture(twin bool, handle func(ev shard.Event, out *shard.Out)) *fixture {
	m := &scripted{
		events:  make(chan shard.Event, 1<<12),
		evicted: make(chan shard.ConnID, 16),
		handle:  handle,
	}
	f := &fixture{m: m, fatal: make(chan string, 16)}
	f.Loop = New(m, Options{
		Logger: slog.New(slog.DiscardHandler),
		Fatal:  func(reason string) { f.fatal <- reason },
		Twin:   twin,
	})
	f.SetStore(memory.New(f.Stored, memory.Options{}))
	return f
}

func (f *fixture) run(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { f.Run(ctx); close(done) }()
	f.end = func() { cancel(); <-done }
	t.Cleanup(func() { f.end() })
}

// dial brings a connection over loopback to the loop; gone waits until the loop
// holds nothing of it.
func (f *fixture) dial(t *testing.T) (peer *net.TCPConn, id shard.ConnID, gone func()) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	info := &shard.ListenerInfo{Listener: "tcp://test"}
	l, err := Serve([]*Loop{f.Loop}, ln.(*net.TCPListener), info, 1, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	conn, err := net.Dial("tcp", ln.Addr().String())
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	ev := f.m.next(shard.Opened)
	l.Close()
	require.Same(t, info, ev.Info.ListenerInfo)
	require.Equal(t, conn.LocalAddr().String(), ev.Info.Remote.String())
	return conn.(*net.TCPConn), ev.Conn, func() {
		require.Eventually(t, func() bool { return l.clients.Load() == 0 }, 10*time.Second, time.Millisecond)
	}
}

func (f *fixture) call(t *testing.T, do func(out *shard.Out)) {
	require.True(t, f.Call(func() { do(&f.out) }))
}

func send(t *testing.T, c net.Conn, data string) {
	_, err := c.Write([]byte(data))
	require.NoError(t, err)
}

func expect(t *testing.T, c net.Conn, data string) {
	got := make([]byte, len(data))
	_, err := io.ReadFull(c, got)
	require.NoError(t, err)
	require.Equal(t, data, string(got))
}

func echo(ev shard.Event, out *shard.Out) {
	if ev.Kind == shard.Received {
		if string(ev.Data) == "panic" {
			write(out, ev.Conn, "half done")
			panic("on purpose")
		}
		write(out, ev.Conn, string(ev.Data))
	}
}

func TestOctetsInAndOut(t *testing.T) {
	both(t, func(t *testing.T, start starter) {
		f := start(t, echo)
		a, idA, goneA := f.dial(t)
		b, idB, _ := f.dial(t)
		require.NotEqual(t, idA, idB)
		for _, c := range []net.Conn{a, b, a} {
			send(t, c, "hello")
			expect(t, c, "hello")
		}
		a.Close()
		require.Equal(t, idA, f.m.next(shard.Closed).Conn)
		goneA()
		send(t, b, "still here")
		expect(t, b, "still here")
	})
}

// TestOneChunkOutstanding: a long stream comes in chunks, whole and in order.
func TestOneChunkOutstanding(t *testing.T) {
	f := newFixture(true, nil)
	most := 0
	f.m.handle = func(shard.Event, *shard.Out) {
		f.mu.Lock()
		n := 0
		for _, x := range f.inbox {
			if x.event.Kind == shard.Received {
				n++
			}
		}
		f.mu.Unlock()
		most = max(most, n)
	}
	f.run(t)
	c, _, _ := f.dial(t)
	want := bytes.Repeat([]byte("0123456789"), 100_000)
	go func() { c.Write(want); c.CloseWrite() }()
	var got []byte
	for len(got) < len(want) {
		ev := f.m.next(shard.Received)
		require.LessOrEqual(t, len(ev.Data), chunk)
		got = append(got, ev.Data...)
	}
	require.True(t, bytes.Equal(want, got))
	require.ErrorIs(t, f.m.next(shard.Closed).Err, io.EOF)
	f.call(t, func(*shard.Out) { require.Zero(t, most, "the chunk in hand is the only one") })
}

// TestCloseAfterTheLastOctet: also when the peer still sends, which would bring
// it a reset instead of our last octets.
func TestCloseAfterTheLastOctet(t *testing.T) {
	both(t, func(t *testing.T, start starter) {
		f := start(t, nil)
		c, id, gone := f.dial(t)
		last := string(bytes.Repeat([]byte("x"), 4<<20))
		send(t, c, "more")
		f.m.next(shard.Received)
		f.call(t, func(out *shard.Out) { write(out, id, last).Close = true })
		send(t, c, "thrown away")
		expect(t, c, last)
		_, err := c.Read(make([]byte, 1))
		require.ErrorIs(t, err, io.EOF)
		c.Close()
		gone()
		f.call(t, func(out *shard.Out) {
			require.Empty(t, f.streams)
			write(out, id, "hits nothing")
		})
	})
}

func TestBlockedAndDrained(t *testing.T) {
	both(t, func(t *testing.T, start starter) {
		f := start(t, nil)
		c, id, _ := f.dial(t)
		// More than what the sockets take by themselves.
		data := string(bytes.Repeat([]byte("x"), 16<<20))
		f.call(t, func(out *shard.Out) { write(out, id, data) })
		require.Equal(t, id, f.m.next(shard.Blocked).Conn)
		f.call(t, func(out *shard.Out) { write(out, id, "end") })
		send(t, c, "held back")
		expect(t, c, data)
		expect(t, c, "end")
		got, drained := "", false
		for got != "held back" || !drained {
			switch ev := <-f.m.events; ev.Kind {
			case shard.Received:
				got += string(ev.Data)
			case shard.Drained:
				drained = true
			}
		}
	})
}

// TestBlockedIsToldBeforeDrained, also when the inbox is long and the peer quick:
// a machine that is told the other way round waits for ever.
func TestBlockedIsToldBeforeDrained(t *testing.T) {
	both(t, func(t *testing.T, start starter) {
		f := start(t, nil)
		c, id, _ := f.dial(t)
		data := bytes.Repeat([]byte("x"), 16<<20)
		f.call(t, func(out *shard.Out) {
			write(out, id, string(data))
			for n := range 16 * maxRound {
				f.post(letter{call: func() {
					if n%maxRound == 0 {
						time.Sleep(5 * time.Millisecond)
					}
				}})
			}
		})
		_, err := io.ReadFull(c, make([]byte, len(data)))
		require.NoError(t, err)
		var told []shard.Kind
		for len(told) < 2 {
			switch ev := <-f.m.events; ev.Kind {
			case shard.Blocked, shard.Drained:
				told = append(told, ev.Kind)
			}
		}
		require.Equal(t, []shard.Kind{shard.Blocked, shard.Drained}, told)
	})
}

// TestToldWhenTaken: without a bound that was met, at once or later.
func TestToldWhenTaken(t *testing.T) {
	both(t, func(t *testing.T, start starter) {
		f := start(t, nil)
		c, id, _ := f.dial(t)
		for _, size := range []int{0, 1, 16 << 20} {
			data := string(bytes.Repeat([]byte("x"), size))
			f.call(t, func(out *shard.Out) { write(out, id, data).Tell = true })
			if size < 1<<20 {
				require.Equal(t, id, f.m.next(shard.Drained).Conn)
			}
			expect(t, c, data)
		}
		require.Equal(t, id, f.m.next(shard.Drained).Conn)
	})
}

// TestLargeOctetsComeInTheirPlace, whatever of them the peer takes at once.
func TestLargeOctetsComeInTheirPlace(t *testing.T) {
	both(t, func(t *testing.T, start starter) {
		f := start(t, nil)
		c, id, _ := f.dial(t)
		large := bytes.Repeat([]byte("0123456789"), 300_000)
		want := ""
		for round := range 3 {
			f.call(t, func(out *shard.Out) {
				o := write(out, id, "head")
				want += "head"
				for i := range 100 { // more than one system call takes
					o.Attach(large[:(i+1)*(round+1)*100])
					o.Data = append(o.Data, "tail"...)
					want += string(large[:(i+1)*(round+1)*100]) + "tail"
				}
				o.Attach(large)
				want += string(large)
			})
		}
		expect(t, c, want)
	})
}

// TestWhatCameBeforeAResetIsRead, also by a machine that reads later.
func TestWhatCameBeforeAResetIsRead(t *testing.T) {
	both(t, func(t *testing.T, start starter) {
		f := start(t, nil)
		c, id, gone := f.dial(t)
		f.call(t, func(out *shard.Out) { write(out, id, "").Read = shard.ReadPause })
		c.SetLinger(0)
		send(t, c, "last words")
		c.Close()
		f.call(t, func(out *shard.Out) { write(out, id, "").Read = shard.ReadResume })
		f.m.next(shard.Closed)
		gone()
	})
}

func TestReadPauseAndResume(t *testing.T) {
	both(t, func(t *testing.T, start starter) {
		f := start(t, func(ev shard.Event, out *shard.Out) {
			if ev.Kind == shard.Received && string(ev.Data) == "pause" {
				write(out, ev.Conn, "paused").Read = shard.ReadPause
			}
		})
		c, id, _ := f.dial(t)
		send(t, c, "pause")
		expect(t, c, "paused")
		require.Equal(t, "pause", string(f.m.next(shard.Received).Data))
		send(t, c, "later")
		other, _, _ := f.dial(t)
		send(t, other, "other")
		require.Equal(t, "other", string(f.m.next(shard.Received).Data))
		f.call(t, func(out *shard.Out) { write(out, id, "").Read = shard.ReadResume })
		require.Equal(t, "later", string(f.m.next(shard.Received).Data))
		send(t, c, "pause")
		expect(t, c, "paused") // and Run ends nevertheless
	})
}

// TestPanicClosesOneConnection (L15).
func TestPanicClosesOneConnection(t *testing.T) {
	both(t, func(t *testing.T, start starter) {
		f := start(t, echo)
		bystander, _, _ := f.dial(t)
		for n := 1; n <= 3; n++ {
			c, id, gone := f.dial(t)
			send(t, c, "panic")
			require.Equal(t, id, <-f.m.evicted)
			got, err := io.ReadAll(c)
			require.NoError(t, err)
			require.Empty(t, got, "what the event left is undone")
			c.Close()
			gone()
			send(t, bystander, "fine")
			expect(t, bystander, "fine")
			require.Len(t, f.fatal, n/3, "three within a minute")
		}
	})
}

// TestPanicInEvictClosesToo: the connection is closed whatever the machine makes of
// it.
func TestPanicInEvictClosesToo(t *testing.T) {
	both(t, func(t *testing.T, start starter) {
		f := start(t, echo)
		f.call(t, func(*shard.Out) { f.machine = stubborn{f.m} })
		c, id, gone := f.dial(t)
		send(t, c, "panic")
		_, err := c.Read(make([]byte, 1))
		require.ErrorIs(t, err, io.EOF)
		require.Equal(t, id, f.m.next(shard.Closed).Conn)
		c.Close()
		gone()
	})
}

// A stubborn machine cannot evict.
type stubborn struct{ *scripted }

func (stubborn) Evict(shard.Time, shard.Event, *shard.Out) { panic("neither") }

func TestPanicsFarApartAreNotFatal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := start(t, nil)
		f.m.advance = func(shard.Time, *shard.Out) { panic("on purpose") }
		for range 5 {
			f.call(t, func(*shard.Out) { f.m.at = f.now() + 31*time.Second })
			<-f.m.evicted
		}
		synctest.Wait()
		require.Empty(t, f.fatal)
		f.end()
	})
}

func TestAdvanceIsCalledInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := start(t, nil)
		called := make(chan shard.Time, 1)
		f.m.advance = func(now shard.Time, _ *shard.Out) { called <- now }
		for _, wait := range []time.Duration{time.Second, time.Millisecond, 2 * time.Hour} {
			var at shard.Time
			f.call(t, func(*shard.Out) { at = f.now() + wait; f.m.at = at })
			require.Equal(t, at, <-called)
		}
		f.end()
	})
}

// TestSilentPeerIsLeft: whoever does not read our last octets, also when the
// writer waited for it already.
func TestSilentPeerIsLeft(t *testing.T) {
	for _, stop := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			f := start(t, nil)
			ours, peer := net.Pipe()
			defer peer.Close()
			closed := make(chan struct{})
			begin := time.Now()
			require.True(t, f.AddConn(ours, nil, func() { close(closed) }))
			id := f.m.next(shard.Opened).Conn
			f.call(t, func(out *shard.Out) { write(out, id, "stuck") })
			synctest.Wait()
			want := lastWords
			if stop {
				want = goodbye
				f.end()
			} else {
				f.call(t, func(out *shard.Out) { write(out, id, "last").Close = true })
			}
			<-closed
			require.Equal(t, want, time.Since(begin))
			f.end()
		})
	}
}

func TestStoreAndWall(t *testing.T) {
	both(t, func(t *testing.T, start starter) {
		f := start(t, nil)
		require.InDelta(t, f.epoch.UnixNano(), f.m.next(shard.Wall).Offset, float64(wallStep))
		var mark shard.Mark
		f.call(t, func(out *shard.Out) {
			out.Batch.Put([]byte("k"), nil)
			mark = out.Mark()
		})
		ev := f.m.next(shard.Stored)
		require.Equal(t, store.Committed, ev.Store.Kind)
		f.call(t, func(out *shard.Out) { require.Equal(t, mark, out.Durable()) })
	})
}

func TestNothingAfterTheEnd(t *testing.T) {
	both(t, func(t *testing.T, start starter) {
		var first shard.ConnID
		f := start(t, func(ev shard.Event, out *shard.Out) {
			if ev.Kind == shard.Stopping {
				write(out, first, "bye").Close = true
			}
		})
		told, id, _ := f.dial(t)
		untold, _, _ := f.dial(t)
		f.call(t, func(*shard.Out) { first = id })
		ended := make(chan struct{})
		go func() { f.end(); close(ended) }()
		expect(t, told, "bye")
		for _, c := range []net.Conn{told, untold} {
			_, err := c.Read(make([]byte, 1))
			require.ErrorIs(t, err, io.EOF)
			c.Close()
		}
		<-ended
		require.False(t, f.Call(func() { t.Error("called") }))
		ours, peer := net.Pipe()
		closed := false
		require.False(t, f.AddConn(ours, nil, func() { closed = true }))
		require.True(t, closed)
		_, err := peer.Read(make([]byte, 1))
		require.ErrorIs(t, err, io.EOF)
		r := newFakeLink()
		require.False(t, f.AddLink(r, nil))
		<-r.closed
	})
}

// TestComersAtTheEnd may come while the loop ends.
func TestComersAtTheEnd(t *testing.T) {
	for range 100 {
		f := newFixture(true, nil)
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() { f.Run(ctx) })
		for range 2 {
			all.Go(func() {
				for fine := true; fine; {
					ours, peer := net.Pipe()
					fine = f.AddConn(ours, nil, func() {})
					peer.Close()
				}
			})
		}
		all.Go(func() { time.Sleep(time.Millisecond); cancel() })
		all.Wait()
	}
}

// TestEndsBeforeItBegan: what was in the inbox still is closed.
func TestEndsBeforeItBegan(t *testing.T) {
	f := newFixture(true, nil)
	r := newFakeLink()
	require.True(t, f.AddLink(r, nil))
	ours, peer := net.Pipe()
	defer peer.Close()
	require.True(t, f.AddConn(ours, nil, func() {}))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	f.Run(ctx)
	<-r.closed
}

// TestEndLingersNoLonger than a close for a peer that has our last octets and
// stays.
func TestEndLingersNoLonger(t *testing.T) {
	both(t, func(t *testing.T, start starter) {
		f := start(t, nil)
		c, _, _ := f.dial(t)
		defer c.Close()
		begin := time.Now()
		f.end()
		require.Less(t, time.Since(begin), goodbye)
	})
}

// TestEndIsNotMissed when it comes while the shard is about to wait.
func TestEndIsNotMissed(t *testing.T) {
	for _, twin := range []bool{true, false} {
		ctx, cancel := context.WithCancel(t.Context())
		l := New(&lastMoment{cancel: cancel}, Options{Twin: twin, Logger: quiet})
		done := make(chan struct{})
		go func() { l.Run(ctx); close(done) }()
		select {
		case <-done:
		case <-time.After(5 * time.Second):
			t.Errorf("twin %v: it waits", twin)
			l.Call(func() {})
			<-done
		}
	}
}

// A lastMoment has its loop end when that asks how long it may wait.
type lastMoment struct {
	mute
	asked  int
	cancel func()
}

func (m *lastMoment) Deadline() (shard.Time, bool) {
	if m.asked++; m.asked == 2 {
		m.cancel()
		time.Sleep(50 * time.Millisecond) // until everybody has heard of it
	}
	return 0, false
}
