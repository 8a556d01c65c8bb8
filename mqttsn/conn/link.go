package conn

import (
	"net"

	"github.com/dormouse-mqtt/dormouse/radio"
)

// A carrier brings datagrams to the gateway and back. One that cannot be sent is
// lost like any other on the way.
type carrier interface {
	// read waits for a datagram; n may be 0. After Close it returns net.ErrClosed.
	read(b []byte) (n int, err error)
	write(b []byte)
	Close() error
}

// A socket is connected: the kernel takes nothing from anybody else.
type socket struct{ net.Conn }

func (s socket) read(b []byte) (int, error) { return s.Read(b) }
func (s socket) write(b []byte)             { s.Write(b) }

// A link is shared with whoever else is on the air.
type link struct {
	radio.Link
	gateway radio.Addr
}

func (l link) read(b []byte) (int, error) {
	d := [1]radio.Datagram{{Data: b}}
	n, err := l.ReadBatch(d[:])
	if err != nil || n == 0 || d[0].Addr != l.gateway {
		return 0, err
	}
	return copy(b, d[0].Data), nil
}

func (l link) write(b []byte) { l.WriteBatch([]radio.Datagram{{Addr: l.gateway, Data: b}}) }
