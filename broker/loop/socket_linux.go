package loop

import (
	"io"

	"golang.org/x/sys/unix"

	"github.com/dormouse-mqtt/dormouse/broker/shard"
)

// openSocket begins to read a connection, and tells the machine of it. data is what
// another shard has read of it already (L11).
func (p *epoll) openSocket(now shard.Time, fd int32, from *Listener, info *shard.ConnInfo, data []byte) {
	s := p.take()
	if s == nil {
		unix.Close(int(fd))
		from.left()
		return
	}
	s.fd, s.from, s.state = fd, from, socketOpen
	id := s.id()
	p.watch(s)
	p.loop.handle(now, &shard.Event{Kind: shard.Opened, Conn: id, Info: info})
	if len(data) > 0 && p.find(id) != nil {
		p.loop.handle(now, &shard.Event{Kind: shard.Received, Conn: id, Data: data})
	}
}

// wants is what epoll is to tell of the socket.
func (s *socket) wants() (events uint32) {
	switch s.state {
	case socketOpen:
		if !s.paused && !s.held && !s.blocked && !s.ended {
			events = unix.EPOLLIN
		}
	default:
		if !s.ended {
			events = unix.EPOLLIN
		}
	}
	if s.rest != nil && s.rest.octets > 0 && !s.cut {
		events |= unix.EPOLLOUT
	}
	return events
}

// watch has epoll tell what the socket wants, if that has changed.
func (p *epoll) watch(s *socket) {
	wants := s.wants()
	if wants == 0 && !s.ended && !s.cut {
		wants = unix.EPOLLERR // which it tells in any case
	}
	if wants == s.watched {
		return
	}
	op := unix.EPOLL_CTL_MOD
	switch {
	case s.watched == 0:
		op = unix.EPOLL_CTL_ADD
	case wants == 0:
		op = unix.EPOLL_CTL_DEL
	}
	s.watched = wants
	if err := p.control(op, int(s.fd), wants, s.slot, int32(s.number)); err != nil {
		p.loop.logger.Error("cannot watch a connection; closing it", "err", err)
		s.watched, s.ended, s.cut = 0, true, true
		p.loop.post(letter{event: shard.Event{Kind: shard.Closed, Conn: s.id(), Err: err}})
	}
}

// socketEvent handles what epoll says of a socket.
func (p *epoll) socketEvent(now shard.Time, e *unix.EpollEvent) (octets int) {
	s := p.sockets.At(int(e.Fd))
	if s.state == socketFree || int32(s.number) != e.Pad {
		return 0 // it was closed in this very round
	}
	switch {
	case e.Events&(unix.EPOLLERR|unix.EPOLLHUP) != 0:
		p.cutOff(s)
	case e.Events&unix.EPOLLOUT != 0:
		p.writable(s)
	}
	switch {
	case s.state == socketFree || e.Events&(unix.EPOLLIN|unix.EPOLLERR|unix.EPOLLHUP) == 0:
		return 0
	case s.state != socketOpen:
		p.discard(s)
		return 0
	case s.wants()&unix.EPOLLIN == 0: // what it sent is read when it is wanted
		p.watch(s)
		return 0
	case p.loop.congested() && !p.loop.ending:
		p.hold(heldSocket{s, s.number})
		return 0
	}
	return p.readSocket(now, s)
}

// readSocket reads once: what is still there is told again.
func (p *epoll) readSocket(now shard.Time, s *socket) int {
	n, errno := readNow(s.fd, p.buffer)
	id := s.id()
	switch {
	case errno == unix.EAGAIN:
		return 0
	case errno != 0:
		p.lost(now, s, errno)
		return 0
	case n == 0:
		p.lost(now, s, io.EOF)
		return 0
	}
	p.loop.handle(now, &shard.Event{Kind: shard.Received, Conn: id, Data: p.buffer[:n:n]})
	return n
}

// lost tells the machine that the peer has ended the connection. It closes it in
// this round, as a rule.
func (p *epoll) lost(now shard.Time, s *socket, err error) {
	s.ended = true
	p.ended = append(p.ended, s.slot)
	p.loop.handle(now, &shard.Event{Kind: shard.Closed, Conn: s.id(), Err: err})
}

// settle takes those off epoll that have ended and were not closed.
func (p *epoll) settle() {
	for _, slot := range p.ended {
		if s := p.sockets.At(int(slot)); s.state != socketFree && s.ended {
			p.watch(s)
		}
	}
	p.ended = p.ended[:0]
}

// move hands a socket to another shard (L11): nothing was written, and what is
// still to be read comes there.
func (p *epoll) move(m *shard.Move, to *Loop) bool {
	s := p.find(m.Conn)
	if s == nil {
		return false
	}
	p.control(unix.EPOLL_CTL_DEL, int(s.fd), 0, 0, 0)
	fd, from := s.fd, s.from
	p.give(s)
	a := &arrival{fd: fd, from: from, info: m.Info, data: m.Data}
	if !to.post(letter{arrival: a}) {
		p.refuse(a)
	}
	return true
}

func (p *epoll) arrive(a *arrival) { p.openSocket(p.loop.now(), a.fd, a.from, a.info, a.data) }

func (p *epoll) refuse(a *arrival) {
	unix.Close(int(a.fd))
	a.from.left()
}

// A heldSocket is a socket that is not read.
type heldSocket struct {
	*socket
	number uint64
}

func (h heldSocket) watch(p *epoll, on bool) {
	if h.state == socketOpen && h.socket.number == h.number {
		h.held = !on
		p.watch(h.socket)
	}
}

func (heldSocket) readable(*epoll, shard.Time) int { return 0 }
func (heldSocket) end(*epoll)                      {}
