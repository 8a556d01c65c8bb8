package bench

import (
	"net/netip"
	"time"
)

// An engine opens sockets and carries octets. One goroutine uses it, and
// handlers are called by that goroutine, within poll.
type engine interface {
	// dial starts to connect; the handler hears when that is done. from is the
	// own address, if it is valid. datagrams: UDP, else TCP.
	dial(to netip.AddrPort, from netip.Addr, datagrams bool, h handler) (*socket, error)
	// write sends what is in s.out: of a stream as much as fits now, the rest
	// later; of datagrams one, which is lost if there is no room for it.
	write(s *socket)
	// poll writes to all sockets touched, waits until something has come, but
	// no longer than wait, and hands it to the handlers. Then it writes again.
	poll(wait time.Duration) error
	// close closes all sockets.
	close()
}

// A handler is told what happens to a socket.
type handler interface {
	// writable: the connection is there, or what waited has been written.
	writable(now Time)
	// received takes octets: of a stream what has come and was not used yet,
	// of datagrams one. used is how many octets of a stream are done with.
	received(now Time, b []byte) (used int)
	// lost: the connection has ended, or never was. Nothing follows.
	lost(now Time, err error)
}

// A socket is one connection. Append to out and touch or write it.
type socket struct {
	handler   handler
	datagrams bool
	out       []byte
	state     socketState

	list    *[]*socket // those touched, of the engine
	touched bool

	in   []byte // octets that were not used
	sent int    // how much of out is written
	fd   int    // of the epoll engine
	peer *peer  // of the goroutine engine
}

type socketState uint8

const (
	connecting socketState = iota
	open
	full // out did not fit; writable comes
	closed
)

// touch has the socket written at the end of the round.
func (s *socket) touch() {
	if !s.touched {
		s.touched = true
		*s.list = append(*s.list, s)
	}
}

// ready tells whether what is written would leave at once.
func (s *socket) ready() bool { return s.state == open }

// keep takes what the handler left of b.
func (s *socket) keep(b []byte) { s.in = append(s.in[:0], b...) }
