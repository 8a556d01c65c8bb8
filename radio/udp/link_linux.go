package udp

import (
	"errors"

	"golang.org/x/sys/unix"

	"github.com/dormouse-mqtt/dormouse/radio"
)

var _ radio.PollLink = (*Link)(nil)

// A reader is what the goroutine that reads needs for a batch. step is made once,
// so that a call allocates nothing.
type reader struct {
	batch
	step  func(fd uintptr) bool // for RawConn: false waits
	poll  bool                  // never wait
	n     int
	errno unix.Errno
	into  []radio.Datagram
}

// A writer is the same for the goroutine that writes.
type writer struct {
	batch
	step  func(fd uintptr) bool
	count int // messages that are set
	next  int // of them that are done with
	full  bool
}

// prepare readies the socket and the memory of batches.
func (l *Link) prepare() (err error) {
	l.in.step, l.out.step = l.take, l.give
	if !l.any {
		return nil
	}
	failed := l.raw.Control(func(fd uintptr) { err = askForDestination(int(fd), l.v6) })
	return errors.Join(err, failed)
}

// FD implements radio.PollLink; -1: the link is closed.
func (l *Link) FD() (fd int) {
	fd = -1
	l.raw.Control(func(f uintptr) { fd = int(f) })
	return fd
}

// ReadBatch implements radio.Link: it takes what is there.
func (l *Link) ReadBatch(d []radio.Datagram) (n int, err error) {
	for n == 0 && err == nil && len(d) > 0 {
		n, err = l.read(d, false)
	}
	return n, err
}

// Poll implements radio.PollLink.
func (l *Link) Poll(d []radio.Datagram) (n int, err error) {
	if len(d) == 0 {
		return 0, nil
	}
	return l.read(d, true)
}

func (l *Link) read(d []radio.Datagram, poll bool) (int, error) {
	r := &l.in
	r.into, r.poll, r.n, r.errno = d, poll, 0, 0
	err := l.raw.Read(r.step)
	r.into = nil
	switch {
	case err != nil:
		return 0, closed(err)
	case r.errno != 0:
		return 0, r.errno
	}
	return r.n, nil
}

// take does one recvmmsg; false: nothing was there, wait.
func (l *Link) take(fd uintptr) bool {
	r := &l.in
	size := min(len(r.into), batchSize)
	for i, d := range r.into[:size] {
		r.set(i, d.Data[:cap(d.Data)], unix.SizeofSockaddrInet6, controlSize)
	}
	got, errno := r.call(unix.SYS_RECVMMSG, fd, 0, size)
	switch errno {
	case 0:
		l.keep(got)
	case unix.EAGAIN:
		return r.poll
	case unix.EINTR, unix.ECONNREFUSED, unix.EHOSTUNREACH, unix.ENETUNREACH:
		// about something that we sent
	default:
		r.errno = errno
	}
	return true
}

// keep fills in those of the first got datagrams that are whole.
func (l *Link) keep(got int) {
	r := &l.in
	for i := range got {
		h := &r.headers[i]
		if h.Hdr.Flags&unix.MSG_TRUNC != 0 {
			l.truncated.Add(1)
			continue
		}
		d := &r.into[r.n]
		d.Data, r.into[i].Data = r.into[i].Data, d.Data // one that was dropped leaves a gap
		d.Data = d.Data[:h.Len]
		d.Addr = r.peer(i)
		l.destination(d, r.control(i)[:h.Hdr.Controllen])
		r.n++
	}
	l.received.Add(uint64(r.n))
}

// WriteBatch implements radio.Link. It never waits: when the socket's buffer is
// full, what is left is not sent.
func (l *Link) WriteBatch(d []radio.Datagram) (n int, err error) {
	w := &l.out
	for n < len(d) {
		for w.count = 0; w.count < min(len(d)-n, batchSize) && l.set(w.count, &d[n+w.count]); w.count++ {
		}
		if w.count == 0 { // too long, or not on this medium
			l.refused.Add(1)
			n++
			continue
		}
		w.next, w.full = 0, false
		err := l.raw.Write(w.step)
		n += w.next
		if err != nil || w.full {
			return n, closed(err)
		}
	}
	return n, nil
}

// set readies message i; false: it can never be sent.
func (l *Link) set(i int, d *radio.Datagram) bool {
	w := &l.out
	if len(d.Data) > mtu {
		return false
	}
	name := w.address(i, d.Addr, l.v6)
	if name != 0 {
		w.set(i, d.Data, name, l.source(w.control(i), d.Local, d.Addr))
	}
	return name != 0
}

// give sends the batch.
func (l *Link) give(fd uintptr) bool {
	w := &l.out
	for w.next < w.count {
		sent, errno := w.call(unix.SYS_SENDMMSG, fd, w.next, w.count)
		switch errno {
		case 0:
			l.sent.Add(uint64(sent))
			w.next += sent
		case unix.EINTR:
		case unix.EAGAIN:
			w.full = true
			return true
		default: // the first is unreachable, or too long: it will never be sent
			l.refused.Add(1)
			w.next++
		}
	}
	return true
}
