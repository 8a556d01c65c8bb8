package bench

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"runtime"
	"time"
	"unsafe"

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

// read reads once: behind what was left over, and into more room if a packet is
// larger than all of it.
func (e *epollEngine) read(now Time, s *socket) {
	left := copy(e.buffer, s.in)
	n, errno := call(unix.SYS_READ, s.fd, e.buffer[left:])
	switch {
	case errno == unix.EAGAIN || errno == unix.EINTR:
		return
	case errno != 0:
		e.lose(now, s, errno)
		return
	case n == 0 && !s.datagrams:
		e.lose(now, s, io.EOF)
		return
	}
	b := e.buffer[:left+n]
	used := s.handler.received(now, b)
	if s.state == closed || s.datagrams {
		return
	}
	if used == 0 && len(b) == len(e.buffer) {
		s.keep(b)
		e.buffer = make([]byte, 2*len(e.buffer))
		return
	}
	s.keep(b[used:])
}

func (e *epollEngine) write(s *socket) {
	if s.state != open {
		return
	}
	n, errno := call(unix.SYS_WRITE, s.fd, s.out[s.sent:])
	if s.datagrams {
		s.out = s.out[:0]
		return
	}
	if errno != 0 && errno != unix.EAGAIN && errno != unix.EINTR {
		return // the read that follows says why
	}
	if s.sent += n; s.sent == len(s.out) {
		s.out, s.sent = s.out[:0], 0
		return
	}
	s.state = full
	e.control(unix.EPOLL_CTL_MOD, s, unix.EPOLLIN|unix.EPOLLOUT)
}

func (e *epollEngine) flush() {
	for _, s := range e.touched {
		s.touched = false
		if len(s.out) > 0 {
			e.write(s)
		}
	}
	e.touched = e.touched[:0]
}

// wait is epoll_wait with a resolution of nanoseconds.
func (e *epollEngine) wait(wait time.Duration) (int, error) {
	var n uintptr
	var errno unix.Errno
	room := uintptr(len(e.events))
	switch {
	case wait <= 0:
		n, _, errno = unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(e.fd), uintptr(unsafe.Pointer(&e.events[0])), room, 0, 0, 0)
	case e.coarse:
		n, _, errno = unix.Syscall6(unix.SYS_EPOLL_PWAIT, uintptr(e.fd), uintptr(unsafe.Pointer(&e.events[0])), room, uintptr(wait.Milliseconds()), 0, 0)
	default:
		limit := unix.NsecToTimespec(wait.Nanoseconds())
		n, _, errno = unix.Syscall6(unix.SYS_EPOLL_PWAIT2, uintptr(e.fd), uintptr(unsafe.Pointer(&e.events[0])), room, uintptr(unsafe.Pointer(&limit)), 0, 0)
		e.coarse = errno == unix.ENOSYS
	}
	switch errno {
	case 0:
		return int(n), nil
	case unix.EINTR, unix.ENOSYS:
		return 0, nil
	}
	return 0, fmt.Errorf("epoll_wait: %w", errno)
}

// call is read or write.
func call(number uintptr, fd int, b []byte) (int, unix.Errno) {
	n, _, errno := unix.RawSyscall(number, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
	if errno != 0 {
		return 0, errno
	}
	return int(n), 0
}
