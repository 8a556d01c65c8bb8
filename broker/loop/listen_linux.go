package loop

import (
	"errors"
	"log/slog"
	"time"

	"golang.org/x/sys/unix"

	"github.com/dormouse-mqtt/dormouse/broker/shard"
)

// Clients without keep alive that have gone are found by TCP's own probes: rare
// ones, which cost a radio that sleeps.
const (
	probeAfter = 5 * time.Minute
	probeEvery = 30 * time.Second
	probes     = 5
)

// duplicate takes the descriptor of the listener out of Go's hands. What is set
// on it is passed on to the connections.
func (l *Listener) duplicate() (err error) {
	raw, err := l.tcp.SyscallConn()
	if err != nil {
		return err
	}
	failed := raw.Control(func(fd uintptr) {
		var own int
		if own, err = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0); err != nil {
			return
		}
		l.fd = int32(own)
		err = errors.Join(
			unix.SetsockoptInt(own, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1),
			unix.SetsockoptInt(own, unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1),
			unix.SetsockoptInt(own, unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, int(probeAfter/time.Second)),
			unix.SetsockoptInt(own, unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, int(probeEvery/time.Second)),
			unix.SetsockoptInt(own, unix.IPPROTO_TCP, unix.TCP_KEEPCNT, probes),
		)
		if err != nil {
			l.close()
		}
	})
	return errors.Join(err, failed)
}

func (l *Listener) close() { unix.Close(int(l.fd)) }

// acceptsAtOnce is how many connections a listener brings to a shard before it
// looks at what else there is.
const acceptsAtOnce = 32

// A listening is a Listener on one shard.
type listening struct {
	*Listener
	slot int32
}

func (p *epoll) serve(l *Listener) (err error) {
	s := &listening{Listener: l}
	s.slot, err = p.add(int(l.fd), s)
	return err
}

func (s *listening) readable(p *epoll, now shard.Time) int {
	for range acceptsAtOnce {
		fd, remote, errno := acceptNow(s.fd)
		switch errno {
		case 0:
		case unix.EAGAIN: // another shard was faster
			return 0
		default:
			p.loop.log.rest("cannot accept; resting", "listener", s.info.Listener, "err", errno)
			p.rest(s, now+acceptPause)
			return 0
		}
		if !s.admit(remote, p.loop.log) {
			unix.Close(int(fd))
			continue
		}
		p.openSocket(now, fd, s.Listener, &shard.ConnInfo{Remote: remote, ListenerInfo: s.info}, nil)
	}
	return 0
}

func (s *listening) watch(p *epoll, on bool) {
	p.toggle(int(s.fd), s.slot, on, slog.String("listener", s.info.Listener))
}

func (s *listening) end(p *epoll) {
	p.control(unix.EPOLL_CTL_DEL, int(s.fd), 0, 0, 0) // which fails if it rests
	s.unref()
}
