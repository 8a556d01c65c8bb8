package loop

import (
	"net"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/radio"
)

// A batchLink has one batch to read, and takes all that is written.
type batchLink struct {
	batch  []string
	read   bool
	out    chan string
	closed chan struct{}
	once   sync.Once
}

func (b *batchLink) ReadBatch(d []radio.Datagram) (int, error) {
	if b.read {
		<-b.closed
		return 0, net.ErrClosed
	}
	b.read = true
	for i, s := range b.batch {
		d[i].Addr, d[i].Data = radio.Memory(uint64(i)), append(d[i].Data[:0], s...)
	}
	return len(b.batch), nil
}

func (b *batchLink) WriteBatch(d []radio.Datagram) (int, error) {
	for i := range d {
		b.out <- d[i].Addr.String() + " " + string(d[i].Data)
	}
	return len(d), nil
}

func (b *batchLink) MTU() int { return 100 }

func (b *batchLink) Close() error {
	b.once.Do(func() { close(b.closed) })
	return nil
}

// TestL15PanicUndoesOneDatagram, not the others of the same read.
func TestL15PanicUndoesOneDatagram(t *testing.T) {
	f := start(t, func(ev shard.Event, out *shard.Out) {
		answer(ev, out)
		for _, d := range ev.Batch {
			if string(d.Data) == "panic" {
				panic("on purpose")
			}
		}
	})
	r := &batchLink{batch: []string{"a", "panic", "b"}, out: make(chan string, 8), closed: make(chan struct{})}
	require.True(t, f.AddLink(r, nil))
	require.Equal(t, "mem:0 re: a", <-r.out)
	require.Equal(t, "mem:2 re: b", <-r.out)
	require.Len(t, f.m.evicted, 1)
	f.end()
	require.Empty(t, r.out)
}

// A mute machine does nothing.
type mute struct{ handled int }

func (m *mute) Handle(shard.Time, shard.Event, *shard.Out) { m.handled++ }
func (*mute) Advance(shard.Time, *shard.Out)               {}
func (*mute) Deadline() (shard.Time, bool)                 { return 0, false }
func (*mute) Evict(shard.Time, shard.Event, *shard.Out)    {}

// TestDatagramAllocations: none for each.
func TestDatagramAllocations(t *testing.T) {
	m := &mute{}
	l := New(m, Options{Twin: true})
	x := &letter{event: shard.Event{Kind: shard.Datagrams, Batch: make([]radio.Datagram, batchSize)}}
	l.out.BeginRound()
	few := testing.AllocsPerRun(100, func() { l.open(x) })
	require.LessOrEqual(t, few, 2.0, "a read")
	require.GreaterOrEqual(t, m.handled, 100*batchSize)
}

// BenchmarkDatagrams reports what the loop adds to a datagram.
func BenchmarkDatagrams(b *testing.B) {
	l := New(&mute{}, Options{Twin: true})
	x := &letter{event: shard.Event{Kind: shard.Datagrams, Batch: make([]radio.Datagram, batchSize)}}
	l.out.BeginRound()
	b.ReportAllocs()
	for n := 0; n < b.N; n += batchSize {
		l.open(x)
	}
}
