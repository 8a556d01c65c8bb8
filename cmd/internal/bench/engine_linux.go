package bench

import (
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// An epollEngine waits by epoll, for all sockets on one locked thread: a read for
// each readable socket and round, a write for each socket touched, and nothing
// is allocated for a message. Reads and writes never block, so that the Go
// scheduler need not be told of them.
type epollEngine struct {
	now     func() Time
	fd      int
	sockets []*socket // by descriptor
	touched []*socket
	events  []unix.EpollEvent
	buffer  []byte
	coarse  bool // the kernel has no epoll_pwait2: milliseconds
}

const engineName = "epoll"

func newEngine(now func() Time) (engine, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll: %w", err)
	}
	runtime.LockOSThread()
	unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0) // else each wait is 50 us longer
	return &epollEngine{now: now, fd: fd, events: make([]unix.EpollEvent, 1024), buffer: make([]byte, 256<<10)}, nil
}

func (e *epollEngine) close() {
	for _, s := range e.sockets {
		if s != nil {
			e.end(s)
		}
	}
	unix.Close(e.fd)
	unix.Prctl(unix.PR_SET_TIMERSLACK, 0, 0, 0, 0)
	runtime.UnlockOSThread()
}

func (e *epollEngine) end(s *socket) {
	e.sockets[s.fd] = nil
	unix.Close(s.fd)
	s.state, s.in, s.out = closed, nil, nil
}

func sockaddr(a netip.AddrPort) (unix.Sockaddr, int) {
	if ip := a.Addr().Unmap(); ip.Is4() {
		return &unix.SockaddrInet4{Port: int(a.Port()), Addr: ip.As4()}, unix.AF_INET
	}
	return &unix.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16()}, unix.AF_INET6
}

func (e *epollEngine) dial(to netip.AddrPort, from netip.Addr, datagrams bool, h handler) (*socket, error) {
	address, family := sockaddr(to)
	kind := unix.SOCK_STREAM
	if datagrams {
		kind = unix.SOCK_DGRAM
	}
	fd, err := unix.Socket(family, kind|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("socket: %w", err)
	}
	s := &socket{handler: h, datagrams: datagrams, list: &e.touched, fd: fd}
	if err := e.connect(s, address, from); err != nil {
		unix.Close(fd)
		return nil, err
	}
	for len(e.sockets) <= fd {
		e.sockets = append(e.sockets, nil)
	}
	e.sockets[fd] = s
	return s, nil
}

func (e *epollEngine) connect(s *socket, to unix.Sockaddr, from netip.Addr) error {
	if !s.datagrams {
		unix.SetsockoptInt(s.fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	}
	if from.IsValid() {
		// The port is chosen by connect, which knows the other end too.
		unix.SetsockoptInt(s.fd, unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1)
		own, _ := sockaddr(netip.AddrPortFrom(from, 0))
		if err := unix.Bind(s.fd, own); err != nil {
			return fmt.Errorf("bind to %v: %w", from, err)
		}
	}
	if err := unix.Connect(s.fd, to); err != nil && !errors.Is(err, unix.EINPROGRESS) {
		return fmt.Errorf("connect: %w", err)
	}
	// The first event says that the connection is there.
	return e.control(unix.EPOLL_CTL_ADD, s, unix.EPOLLIN|unix.EPOLLOUT)
}

func (e *epollEngine) control(op int, s *socket, events uint32) error {
	if err := unix.EpollCtl(e.fd, op, s.fd, &unix.EpollEvent{Events: events, Fd: int32(s.fd)}); err != nil {
		return fmt.Errorf("epoll_ctl: %w", err)
	}
	return nil
}

func (e *epollEngine) poll(wait time.Duration) error {
	e.flush()
	n, err := e.wait(wait)
	if err != nil {
		return err
	}
	now := e.now()
	for i := range n {
		if s := e.sockets[e.events[i].Fd]; s != nil {
			e.serve(now, s, e.events[i].Events)
		}
	}
	e.flush()
	return nil
}

// serve handles what epoll says of a socket.
func (e *epollEngine) serve(now Time, s *socket, events uint32) {
	if events&(unix.EPOLLOUT|unix.EPOLLERR) != 0 && s.state == connecting {
		if code, err := unix.GetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_ERROR); err != nil || code != 0 {
			e.lose(now, s, fmt.Errorf("connect: %w", unix.Errno(code)))
			return
		}
	}
	if events&unix.EPOLLOUT != 0 && (s.state == connecting || s.state == full) {
		e.drain(now, s)
	}
	if events&^unix.EPOLLOUT != 0 && s.state != closed {
		e.read(now, s)
	}
}

// drain writes what waited; once there is nothing left, EPOLLOUT is of no interest.
func (e *epollEngine) drain(now Time, s *socket) {
	if !s.datagrams {
		s.state = open
		if e.write(s); s.state != open {
			return
		}
	}
	s.state = open
	if err := e.control(unix.EPOLL_CTL_MOD, s, unix.EPOLLIN); err != nil {
		e.lose(now, s, err)
		return
	}
	s.handler.writable(now)
}

func (e *epollEngine) lose(now Time, s *socket, err error) {
	e.end(s)
	s.handler.lost(now, err)
}
