//go:build linux

package main

import (
	"fmt"
	"math/bits"
	"net/netip"
	"os"
	"runtime"
	"runtime/debug"

	"golang.org/x/sys/unix"
)

// A server is the one thread and all that it knows.
type server struct {
	epoll    int
	tcp, udp int32
	conns    []conn  // by descriptor
	dirty    []int32 // descriptors with output of this round
	pool     pool
	topics   topics
	buffer   []byte // takes one read
	in, out  *datagrams
}

// serve binds both addresses, says so, and serves until the process is ended.
func serve(mqtt, mqttsn string) error {
	debug.SetGCPercent(-1) // what is allocated stays in use, and see calls.go
	runtime.LockOSThread()
	var preempt unix.Sigset_t // by which the scheduler would interrupt epoll 100 times a second
	preempt.Val[(unix.SIGURG-1)/bits.UintSize] |= 1 << ((unix.SIGURG - 1) % bits.UintSize)
	if err := unix.PthreadSigmask(unix.SIG_BLOCK, &preempt, nil); err != nil {
		return err
	}
	s, err := newServer()
	if err != nil {
		return err
	}
	t, err := s.listen(&s.tcp, mqtt, unix.SOCK_STREAM)
	if err != nil {
		return fmt.Errorf("%s: %w", mqtt, err)
	}
	u, err := s.listen(&s.udp, mqttsn, unix.SOCK_DGRAM)
	if err != nil {
		return fmt.Errorf("%s: %w", mqttsn, err)
	}
	fmt.Fprintf(os.Stdout, "ready mqtt://%v mqttsn://%v\n", t, u)
	return s.run()
}

func newServer() (*server, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	var files unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &files); err != nil {
		return nil, err
	}
	files.Cur = files.Max
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &files); err != nil {
		return nil, err
	}
	return &server{
		epoll: epoll,
		conns: make([]conn, min(files.Cur, 1<<20)), // what is not used costs no memory
		dirty: make([]int32, 0, 1024), topics: newTopics(),
		buffer: make([]byte, 256<<10), in: newDatagrams(), out: newDatagrams(),
	}, nil
}

// listen opens a socket and has epoll watch it.
func (s *server) listen(to *int32, address string, kind int) (netip.AddrPort, error) {
	a, err := netip.ParseAddrPort(address)
	if err != nil {
		return a, err
	}
	fd, err := unix.Socket(unix.AF_INET, kind|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return a, err
	}
	*to = int32(fd)
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
		return a, err
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: a.Addr().As4(), Port: int(a.Port())}); err != nil {
		return a, err
	}
	if kind == unix.SOCK_STREAM {
		if err := unix.Listen(fd, 4096); err != nil {
			return a, err
		}
	}
	bound, err := unix.Getsockname(fd)
	if err != nil {
		return a, err
	}
	if b, ok := bound.(*unix.SockaddrInet4); ok {
		a = netip.AddrPortFrom(netip.AddrFrom4(b.Addr), uint16(b.Port))
	}
	return a, s.watch(int32(fd), unix.EPOLL_CTL_ADD, unix.EPOLLIN)
}

func (s *server) watch(fd int32, op int, events uint32) error {
	return unix.EpollCtl(s.epoll, op, int(fd), &unix.EpollEvent{Events: events, Fd: fd})
}

// run is round after round.
func (s *server) run() error {
	events := make([]unix.EpollEvent, 1024)
	for {
		n, err := wait(s.epoll, events)
		if err == errInterrupted {
			continue
		}
		if err != nil {
			return fmt.Errorf("epoll_wait: %w", err)
		}
		for i := range events[:n] {
			s.event(&events[i])
		}
		s.finish()
	}
}

func (s *server) event(e *unix.EpollEvent) {
	switch e.Fd {
	case s.tcp:
		s.accept()
	case s.udp:
		s.receive()
	default:
		if e.Events&unix.EPOLLOUT != 0 {
			s.flush(e.Fd)
		}
		if e.Events&^unix.EPOLLOUT != 0 {
			s.read(e.Fd)
		}
	}
}

// finish ends a round: what it made is sent.
func (s *server) finish() {
	for _, fd := range s.dirty {
		s.conns[fd].dirty = false
		s.flush(fd)
	}
	s.dirty = s.dirty[:0]
	s.send()
}
