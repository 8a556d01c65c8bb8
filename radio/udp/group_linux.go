package udp

import (
	"errors"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// ListenGroup opens n sockets on one address, for as many readers: the system
// gives each peer's datagrams to one of them. A port that another process uses is
// syscall.EADDRINUSE, also if that would share it.
func ListenGroup(address string, n int) (links []*Link, err error) {
	first, err := Listen(address)
	if err != nil || n < 2 {
		return []*Link{first}, err
	}
	// The port was free. It is opened again so that it can be shared, which a
	// socket has to say before it has its port.
	address = first.local.String()
	if first.any && first.v6 { // of IPv4 too, which the address would not say
		_, port, _ := net.SplitHostPort(address)
		address = ":" + port
	}
	first.Close()
	shared := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) (err error) {
		failed := c.Control(func(fd uintptr) {
			err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
		})
		return errors.Join(err, failed)
	}}
	for range n {
		l, err := listen(&shared, address)
		if err != nil {
			for _, l := range links {
				l.Close()
			}
			return nil, err
		}
		links = append(links, l)
	}
	return links, nil
}
