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
	t.Run("Close releases a reader, twice", func(t *testing.T) {
		defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
		link, _ := open(t)
		done := make(chan error)
		go func() {
			_, err := link.ReadBatch([]radio.Datagram{{Data: make([]byte, 100)}})
			done <- err
		}()
		require.NoError(t, link.Close())
		require.ErrorIs(t, <-done, net.ErrClosed)
		require.NoError(t, link.Close())
		_, err := link.ReadBatch([]radio.Datagram{{Data: make([]byte, 100)}})
		require.ErrorIs(t, err, net.ErrClosed)
	})
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
	d := []radio.Datagram{{Data: make([]byte, link.MTU())}}
	n, err := link.ReadBatch(d)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	return d[0]
}
