package loop

import (
	"errors"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/radio"
)

// A fakeLink reads what the test puts in and hands out what is written.
type fakeLink struct {
	in, out chan string
	errs    chan error
	closed  chan struct{}
	once    sync.Once
}

func newFakeLink() *fakeLink {
	return &fakeLink{in: make(chan string), out: make(chan string), errs: make(chan error), closed: make(chan struct{})}
}

func (f *fakeLink) ReadBatch(d []radio.Datagram) (int, error) {
	select {
	case s := <-f.in:
		d[0].Addr, d[0].Data = radio.Memory(9), d[0].Data[:copy(d[0].Data, s)]
		return 1, nil
	case err := <-f.errs:
		return 0, err
	case <-f.closed:
		return 0, net.ErrClosed
	}
}

func (f *fakeLink) WriteBatch(d []radio.Datagram) (int, error) {
	select {
	case f.out <- d[0].Addr.String() + " " + string(d[0].Data):
		return 1, nil
	case <-f.closed:
		return 0, net.ErrClosed
	}
}

func (f *fakeLink) MTU() int { return 100 }

func (f *fakeLink) Close() error {
	f.once.Do(func() { close(f.closed) })
	return nil
}

// A directLink never waits, so the shard writes it itself.
type directLink struct{ *fakeLink }

func (directLink) FD() int                            { return -1 }
func (directLink) Poll([]radio.Datagram) (int, error) { return 0, nil }
func (d directLink) WriteBatch(b []radio.Datagram) (int, error) {
	select {
	case d.out <- b[0].Addr.String() + " " + string(b[0].Data):
		return 1, nil
	default:
		return 0, nil
	}
}

func answer(ev shard.Event, out *shard.Out) {
	for _, d := range ev.Batch {
		out.Datagram(ev.Link, d.Addr, d.Local, append([]byte("re: "), d.Data...))
	}
}

func TestLinkInAndOut(t *testing.T) {
	for _, direct := range []bool{false, true} {
		f := start(t, answer)
		fake := newFakeLink()
		var r radio.Link = fake
		if direct {
			fake.out = make(chan string, 8)
			r = directLink{fake}
		}
		info := &shard.LinkInfo{MTU: 100}
		require.True(t, f.AddLink(r, info))
		up := f.m.next(shard.LinkUp)
		require.Same(t, info, up.LinkInfo)
		for _, s := range []string{"a", "longer", "b"} {
			fake.in <- s
			ev := f.m.next(shard.Datagrams)
			require.Equal(t, up.Link, ev.Link)
			require.Equal(t, []radio.Datagram{{Addr: radio.Memory(9), Data: []byte(s)}}, ev.Batch)
			require.Equal(t, "mem:9 re: "+s, <-fake.out)
		}
		f.end()
		<-fake.closed
	}
}

// TestSlowLinkDrops: what waits for the medium is bounded, and the shard goes on.
func TestSlowLinkDrops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := start(t, nil)
		r := newFakeLink()
		require.True(t, f.AddLink(r, nil))
		id := f.m.next(shard.LinkUp).Link
		// The writer takes the first; the queue takes its bound; two are too many.
		for range 1 + queuedBatches + 2 {
			f.call(t, func(out *shard.Out) { out.Datagram(id, radio.Memory(1), radio.Addr{}, []byte("x")) })
			synctest.Wait()
		}
		f.call(t, func(*shard.Out) { require.Equal(t, uint64(2), f.links[id].dropped.Load()) })
		for range 1 + queuedBatches {
			require.Equal(t, "mem:1 x", <-r.out)
		}
		f.end()
	})
}

// TestStuckLinkIsLeft: the last datagrams do not hold the end up.
func TestStuckLinkIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := start(t, nil)
		r := newFakeLink()
		require.True(t, f.AddLink(r, nil))
		id := f.m.next(shard.LinkUp).Link
		f.call(t, func(out *shard.Out) { out.Datagram(id, radio.Memory(1), radio.Addr{}, []byte("x")) })
		synctest.Wait()
		begin := time.Now()
		f.end()
		require.Equal(t, goodbye, time.Since(begin))
	})
}

func TestFullDirectLinkDrops(t *testing.T) {
	f := start(t, nil)
	r := directLink{newFakeLink()}
	require.True(t, f.AddLink(r, nil))
	id := f.m.next(shard.LinkUp).Link
	f.call(t, func(out *shard.Out) { out.Datagram(id, radio.Memory(1), radio.Addr{}, []byte("x")) })
	f.call(t, func(*shard.Out) { require.Equal(t, uint64(1), f.links[id].dropped.Load()) })
}

func TestLinkReadsOnAfterAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := start(t, nil)
		r := newFakeLink()
		require.True(t, f.AddLink(r, nil))
		r.errs <- errors.New("noise")
		r.in <- "a"
		require.Equal(t, "a", string(f.m.next(shard.Datagrams).Batch[0].Data))
		f.end()
	})
}

// TestSlowMediumAndSlowPeer are waited for at the same time when the loop ends.
func TestSlowMediumAndSlowPeer(t *testing.T) {
	both(t, func(t *testing.T, start starter) {
		f := start(t, answer)
		link := newFakeLink()
		require.True(t, f.AddLink(link, nil))
		link.in <- "a" // and nobody takes the answer
		c, id, _ := f.dial(t)
		defer c.Close()
		f.call(t, func(out *shard.Out) { write(out, id, string(make([]byte, 16<<20))) })
		begin := time.Now()
		f.end()
		require.Less(t, time.Since(begin), goodbye+linger)
		<-link.closed
	})
}
