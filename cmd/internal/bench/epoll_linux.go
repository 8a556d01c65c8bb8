package bench

import (
	"fmt"
	"io"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

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
