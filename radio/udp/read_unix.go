//go:build unix

package udp

import (
	"errors"
	"net"
	"net/netip"

	"golang.org/x/sys/unix"

	"github.com/dormouse-mqtt/dormouse/radio"
)

var _ radio.PollLink = (*Link)(nil)

// FD implements radio.PollLink.
func (l *Link) FD() (fd int) {
	l.raw.Control(func(f uintptr) { fd = int(f) })
	return fd
}

// ReadBatch implements radio.Link: it takes all that is there.
func (l *Link) ReadBatch(d []radio.Datagram) (n int, err error) {
	for n == 0 && err == nil {
		failed := l.raw.Read(func(fd uintptr) bool {
			var more bool
			n, more, err = l.take(int(fd), d)
			return n > 0 || err != nil || more
		})
		if failed != nil {
			return 0, closed(failed)
		}
	}
	return n, err
}

// Poll implements radio.PollLink.
func (l *Link) Poll(d []radio.Datagram) (n int, err error) {
	failed := l.raw.Read(func(fd uintptr) bool {
		n, _, err = l.take(int(fd), d)
		return true
	})
	if failed != nil {
		return 0, closed(failed)
	}
	return n, err
}

func closed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return net.ErrClosed
	}
	return err
}

// take reads until nothing is there or d is full. more: something was there,
// even if it was dropped.
func (l *Link) take(fd int, d []radio.Datagram) (n int, more bool, err error) {
	for n < len(d) {
		data := d[n].Data[:cap(d[n].Data)]
		size, oobn, flags, from, err := unix.Recvmsg(fd, data, l.oob, unix.MSG_DONTWAIT)
		switch {
		case errors.Is(err, unix.EAGAIN):
			return n, more, nil
		case errors.Is(err, unix.ECONNREFUSED), errors.Is(err, unix.EINTR),
			errors.Is(err, unix.EHOSTUNREACH), errors.Is(err, unix.ENETUNREACH):
			continue // about something that we sent
		case err != nil:
			return n, more, err
		}
		more = true
		if flags&unix.MSG_TRUNC != 0 {
			l.truncated.Add(1)
			continue
		}
		l.received.Add(1)
		d[n].Data = data[:size]
		d[n].Addr = peer(from)
		l.destination(&d[n], l.oob[:oobn])
		n++
	}
	return n, more, nil
}

func peer(from unix.Sockaddr) radio.Addr {
	switch a := from.(type) {
	case *unix.SockaddrInet4:
		return radio.UDP(netip.AddrPortFrom(netip.AddrFrom4(a.Addr), uint16(a.Port)), 0)
	case *unix.SockaddrInet6:
		return radio.UDP(netip.AddrPortFrom(netip.AddrFrom16(a.Addr), uint16(a.Port)), a.ZoneId)
	}
	return radio.Addr{}
}
