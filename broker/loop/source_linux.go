package loop

import (
	"log/slog"

	"golang.org/x/sys/unix"

	"github.com/dormouse-mqtt/dormouse/broker/shard"
)

// A source is what is ready beside sockets.
type source interface {
	// readable handles what has come, and returns how many octets it was.
	readable(p *epoll, now shard.Time) int
	// watch has epoll tell of it or not.
	watch(p *epoll, on bool)
	// end forgets it: nothing more is to come.
	end(p *epoll)
}

// add has epoll tell of a source.
func (p *epoll) add(fd int, s source) (slot int32, err error) {
	slot = firstSource - int32(len(p.sources))
	if err := p.control(unix.EPOLL_CTL_ADD, fd, unix.EPOLLIN, slot, 0); err != nil {
		return 0, err
	}
	p.sources = append(p.sources, s)
	return slot, nil
}

// toggle has epoll tell of a source again, or no more; name is how the log calls it.
func (p *epoll) toggle(fd int, slot int32, on bool, name slog.Attr) {
	op := unix.EPOLL_CTL_DEL
	if on {
		op = unix.EPOLL_CTL_ADD
	}
	if err := p.control(op, fd, unix.EPOLLIN, slot, 0); err != nil {
		p.loop.logger.Error("cannot watch", name, "err", err)
	}
}

// hold stops reading a source while another shard has too much to do (L10).
func (p *epoll) hold(s source) {
	s.watch(p, false)
	p.held = append(p.held, s)
}

// release reads again what was held.
func (p *epoll) release() { p.held = p.again(p.held) }

// rest stops reading a source for a while.
func (p *epoll) rest(s source, until shard.Time) {
	s.watch(p, false)
	p.resting, p.resumes = append(p.resting, s), until
}

func (p *epoll) again(list []source) []source {
	for i, s := range list {
		list[i] = nil
		s.watch(p, true)
	}
	return list[:0]
}
