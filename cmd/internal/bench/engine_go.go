package bench

import (
	"net"
	"net/netip"
	"sync"
	"time"
)

// A goEngine has two goroutines for each socket. It is for systems without
// epoll, and what the epoll engine is compared with in tests.
type goEngine struct {
	now     func() Time
	came    chan event
	over    chan struct{} // closed by close
	running sync.WaitGroup
	peers   []*peer
	touched []*socket
	timer   *time.Timer
}

// An event is what a socket's goroutine tells the loop.
type event struct {
	s    *socket
	what eventKind
	b    []byte
	err  error
}

type eventKind uint8

const (
	connected eventKind = iota
	readable
	drained
	ended
)

// A peer is the goroutines' side of a socket. The reader waits for more before
// it uses its buffer again; the writer takes what is handed over, whole.
type peer struct {
	conn   net.Conn
	more   chan struct{}
	output chan []byte
	spare  []byte
}

func newGoEngine(now func() Time) engine {
	e := &goEngine{now: now, came: make(chan event, 1024), over: make(chan struct{}), timer: time.NewTimer(time.Hour)}
	e.timer.Stop()
	return e
}

func (e *goEngine) close() {
	close(e.over)
	for _, p := range e.peers {
		if p.conn != nil {
			p.conn.Close()
		}
	}
	e.running.Wait()
}

func (e *goEngine) dial(to netip.AddrPort, from netip.Addr, datagrams bool, h handler) (*socket, error) {
	p := &peer{more: make(chan struct{}, 1), output: make(chan []byte, 1)}
	s := &socket{handler: h, datagrams: datagrams, list: &e.touched, peer: p}
	dialer := net.Dialer{Timeout: dialTimeout}
	network := "tcp"
	if datagrams {
		network = "udp"
	}
	if from.IsValid() {
		own := net.TCPAddrFromAddrPort(netip.AddrPortFrom(from, 0))
		dialer.LocalAddr = own
		if datagrams {
			dialer.LocalAddr = (*net.UDPAddr)(own)
		}
	}
	e.running.Go(func() {
		conn, err := dialer.Dial(network, to.String())
		if err != nil {
			e.tell(event{s: s, what: ended, err: err})
			return
		}
		p.conn = conn
		if !e.tell(event{s: s, what: connected}) {
			conn.Close()
			return
		}
		e.running.Go(func() { e.writer(s) })
		e.reader(s)
	})
	return s, nil
}

// dialTimeout is how long the network may take to say that nobody is there.
const dialTimeout = 10 * time.Second

// tell hands ev to the loop; false: there is none any more.
func (e *goEngine) tell(ev event) bool {
	select {
	case e.came <- ev:
		return true
	case <-e.over:
		return false
	}
}

func (e *goEngine) reader(s *socket) {
	b := make([]byte, 64<<10)
	for {
		n, err := s.peer.conn.Read(b)
		if err != nil {
			e.tell(event{s: s, what: ended, err: err})
			return
		}
		if !e.tell(event{s: s, what: readable, b: b[:n]}) {
			return
		}
		select {
		case <-s.peer.more:
		case <-e.over:
			return
		}
	}
}

func (e *goEngine) writer(s *socket) {
	for {
		select {
		case b := <-s.peer.output:
			if _, err := s.peer.conn.Write(b); err != nil && !s.datagrams {
				return // the reader says why
			}
			if !s.datagrams && !e.tell(event{s: s, what: drained}) {
				return
			}
		case <-e.over:
			return
		}
	}
}

func (e *goEngine) poll(wait time.Duration) error {
	e.flush()
	defer e.flush()
	if wait > 0 {
		e.timer.Reset(wait)
		select {
		case ev := <-e.came:
			e.timer.Stop()
			e.handle(ev)
		case <-e.timer.C:
			return nil
		}
	}
	for range cap(e.came) {
		select {
		case ev := <-e.came:
			e.handle(ev)
		default:
			return nil
		}
	}
	return nil
}

func (e *goEngine) handle(ev event) {
	s, now := ev.s, e.now()
	if s.state == closed {
		return
	}
	switch ev.what {
	case connected:
		e.peers = append(e.peers, s.peer)
		s.state = open
		s.handler.writable(now)
	case readable:
		e.receive(now, s, ev.b)
		s.peer.more <- struct{}{}
	case drained:
		s.state = open
		if len(s.out) > 0 {
			e.write(s)
		} else {
			s.handler.writable(now)
		}
	case ended:
		s.state = closed
		s.handler.lost(now, ev.err)
	}
}

func (e *goEngine) receive(now Time, s *socket, b []byte) {
	if s.datagrams {
		s.handler.received(now, b)
		return
	}
	if len(s.in) > 0 {
		s.in = append(s.in, b...)
		b = s.in
	}
	if used := s.handler.received(now, b); used > 0 || len(s.in) == 0 {
		s.keep(b[used:])
	}
}

// write hands out over to the writer. A stream's writer has one buffer at a
// time, and what is appended meanwhile goes with the next.
func (e *goEngine) write(s *socket) {
	if s.state != open || len(s.out) == 0 {
		return
	}
	if s.datagrams {
		select {
		case s.peer.output <- append([]byte(nil), s.out...):
		default: // lost
		}
		s.out = s.out[:0]
		return
	}
	s.state = full
	s.peer.output <- s.out
	s.out, s.peer.spare = s.peer.spare[:0], s.out
}

func (e *goEngine) flush() {
	for _, s := range e.touched {
		s.touched = false
		e.write(s)
	}
	e.touched = e.touched[:0]
}
