//go:build linux

package main

import (
	"golang.org/x/sys/unix"
)

// maxBacklog is what may wait for a client that does not read: more means that
// the benchmark overruns the floor.
const maxBacklog = 64 << 20

// A conn is an MQTT connection. An idle one holds no buffer.
type conn struct {
	out   []byte // to be written; nil: nothing
	tail  []byte // of the last read: an incomplete packet; nil: none
	last  *topic // of the last PUBLISH
	use   uint32 // counts the connections that had this descriptor
	open  bool
	dirty bool // it is in server.dirty
	armed bool // epoll says when it is writable
}

// A pool keeps buffers that are not in use, the warmest on top.
type pool [][]byte

func (p *pool) get() []byte {
	if n := len(*p); n > 0 {
		b := (*p)[n-1]
		*p = (*p)[:n-1]
		return b
	}
	return make([]byte, 0, 512)
}

func (p *pool) put(b []byte) {
	if b != nil {
		*p = append(*p, b[:0])
	}
}

// accept takes every connection that waits.
func (s *server) accept() {
	for {
		nfd, _, err := unix.Accept4(int(s.tcp), unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		if err != nil {
			return
		}
		fd := int32(nfd)
		if nfd >= len(s.conns) || unix.SetsockoptInt(nfd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1) != nil ||
			s.watch(fd, unix.EPOLL_CTL_ADD, unix.EPOLLIN) != nil {
			unix.Close(nfd)
			continue
		}
		s.conns[fd].open = true
	}
}

// close forgets a connection; subscriptions that name its use are void.
func (s *server) close(fd int32) {
	c := &s.conns[fd]
	unix.Close(int(fd))
	s.pool.put(c.out)
	s.pool.put(c.tail)
	*c = conn{use: c.use + 1, dirty: c.dirty}
}

// read takes what one read brings.
func (s *server) read(fd int32) {
	c := &s.conns[fd]
	if !c.open {
		return
	}
	kept := copy(s.buffer, c.tail)
	n, err := read(fd, s.buffer[kept:])
	if err == errAgain || err == errInterrupted {
		return
	}
	if n <= 0 {
		s.close(fd)
		return
	}
	rest, ok := s.packets(fd, c, s.buffer[:kept+n])
	switch {
	case !ok || len(rest) == len(s.buffer):
		s.close(fd)
	case len(rest) > 0:
		if c.tail == nil {
			c.tail = s.pool.get()
		}
		c.tail = append(c.tail[:0], rest...)
	case c.tail != nil:
		s.pool.put(c.tail)
		c.tail = nil
	}
}

// queue adds b to what this round writes to c.
func (s *server) queue(fd int32, c *conn, b []byte) {
	if c.out == nil {
		c.out = s.pool.get()
	}
	c.out = append(c.out, b...)
	if !c.dirty {
		c.dirty = true
		s.dirty = append(s.dirty, fd)
	}
}

// flush writes what is queued; what the client does not take waits for epoll.
func (s *server) flush(fd int32) {
	c := &s.conns[fd]
	if len(c.out) == 0 {
		return
	}
	n, err := write(fd, c.out)
	switch {
	case n == len(c.out):
		s.pool.put(c.out)
		c.out = nil
	case err == nil, err == errAgain, err == errInterrupted:
		c.out = c.out[:copy(c.out, c.out[n:])]
		if len(c.out) > maxBacklog {
			s.close(fd)
			return
		}
	default:
		s.close(fd)
		return
	}
	if blocked := c.out != nil; blocked != c.armed {
		c.armed = blocked
		events := uint32(unix.EPOLLIN)
		if blocked {
			events |= unix.EPOLLOUT
		}
		if s.watch(fd, unix.EPOLL_CTL_MOD, events) != nil {
			s.close(fd)
		}
	}
}
