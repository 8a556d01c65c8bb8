// Package radiotest is the contract that every radio link must pass, and
// pseudo-terminals for those on a serial line.
package radiotest

import (
	"bytes"
	"net"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/dormouse-mqtt/dormouse/radio"
)

// A Far is the other end of a link under test: Send brings a datagram to the
// link, Receive takes one that the link wrote.
type Far interface {
	Send(t *testing.T, data []byte)
	Receive(t *testing.T) []byte
}

// A Noisy is a Far that can also bring what is no datagram to the link.
type Noisy interface {
	Far
	Noise(t *testing.T)
}

// Run runs the contract on links that open makes. sizes are lengths of datagrams
// to try.
func Run(t *testing.T, sizes []int, open func(t *testing.T) (radio.Link, Far)) {
	t.Run("whole datagrams both ways", func(t *testing.T) {
		link, far := open(t)
		defer link.Close()
		for _, size := range sizes {
			sent := pattern(size)
			far.Send(t, sent)
			got := read(t, link)
			require.True(t, bytes.Equal(sent, got.Data), "%d octets to the link", size)
			n, err := link.WriteBatch([]radio.Datagram{{Addr: got.Addr, Local: got.Local, Data: sent}})
			require.NoError(t, err)
			require.Equal(t, 1, n)
			require.True(t, bytes.Equal(sent, far.Receive(t)), "%d octets from the link", size)
		}
	})
	t.Run("datagrams that wait come once, in batches", func(t *testing.T) {
		link, far := open(t)
		defer link.Close()
		const count = 10
		for i := range count {
			far.Send(t, []byte{byte(i + 1)})
		}
		d := buffers(4, link.MTU())
		got := map[byte]int{}
		for total := 0; total < count; {
			n, err := link.ReadBatch(d)
			require.NoError(t, err)
			require.NotZero(t, n)
			for _, d := range d[:n] {
				require.Len(t, d.Data, 1)
				got[d.Data[0]]++
			}
			total += n
		}
		require.Len(t, got, count)
	})
	t.Run("one longer than its buffer is dropped", func(t *testing.T) {
		link, far := open(t)
		defer link.Close()
		far.Send(t, pattern(11))
		far.Send(t, []byte("short"))
		d := buffers(3, 10)
		n, err := link.ReadBatch(d)
		require.NoError(t, err)
		require.Equal(t, 1, n)
		require.Equal(t, "short", string(d[0].Data))
	})
	link, far := open(t)
	if noisy, ok := far.(Noisy); ok { // a medium of whole datagrams has no noise between them
		t.Run("garbage", func(t *testing.T) {
			noisy.Noise(t)
			far.Send(t, []byte("good"))
			for string(read(t, link).Data) != "good" {
			}
		})
	}
	require.NoError(t, link.Close())
	t.Run("what can never be sent does not stop the rest", func(t *testing.T) {
		link, far := open(t)
		defer link.Close()
		far.Send(t, []byte("hello"))
		from := read(t, link)
		n, err := link.WriteBatch([]radio.Datagram{
			{Addr: from.Addr, Local: from.Local, Data: make([]byte, link.MTU()+1)},
			{Addr: from.Addr, Local: from.Local, Data: []byte("fits")},
		})
		require.NoError(t, err)
		require.Equal(t, 2, n)
		require.Equal(t, "fits", string(far.Receive(t)))
	})
	t.Run("Close releases a reader, twice", func(t *testing.T) {
		defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
		link, far := open(t)
		far.Send(t, []byte("hello"))
		from := read(t, link).Addr
		done := make(chan error)
		go func() {
			_, err := link.ReadBatch(buffers(1, 100))
			done <- err
		}()
		require.NoError(t, link.Close())
		require.ErrorIs(t, <-done, net.ErrClosed)
		require.NoError(t, link.Close())
		_, err := link.ReadBatch(buffers(1, 100))
		require.ErrorIs(t, err, net.ErrClosed)
		n, err := link.WriteBatch([]radio.Datagram{{Addr: from, Data: []byte("late")}})
		require.ErrorIs(t, err, net.ErrClosed)
		require.Zero(t, n)
	})
}

func buffers(n, size int) []radio.Datagram {
	d := make([]radio.Datagram, n)
	for i := range d {
		d[i].Data = make([]byte, size)
	}
	return d
}

// pattern has every octet value in it, framing octets included.
func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*7 + 0xC0)
	}
	return b
}

func read(t *testing.T, link radio.Link) radio.Datagram {
	d := buffers(1, link.MTU())
	n, err := link.ReadBatch(d)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	return d[0]
}
