package loop

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/dormouse-mqtt/dormouse/broker/shard"
)

// hangUp closes a socket after what waits was written: first our half, so that
// the peer reads our last octets before it sees the end.
func (p *epoll) hangUp(s *socket) {
	switch {
	case s.rest != nil && s.rest.octets > 0 && !s.cut:
		s.state = socketClosing
		p.expire(s, lastWords)
	case s.ended || s.cut || unix.Shutdown(int(s.fd), unix.SHUT_WR) != nil:
		p.drop(s)
		return
	default:
		s.state = socketLingering
		p.expire(s, linger)
	}
	p.watch(s)
}

// expire closes a socket in the given time, whatever the peer does.
func (p *epoll) expire(s *socket, within time.Duration) {
	p.due.Set(s.own(), p.loop.now()+within)
}

// advance gives up those whose time is over.
func (p *epoll) advance(now shard.Time) {
	for r := p.due.Pop(now); r != nil; r = p.due.Pop(now) {
		p.drop(r.of)
	}
	if len(p.resting) > 0 && now >= p.resumes {
		p.resting = p.again(p.resting)
	}
}

// discard throws away what a peer sends that we have ended with.
func (p *epoll) discard(s *socket) {
	n, errno := readNow(s.fd, p.buffer)
	switch {
	case errno == unix.EAGAIN || n > 0 && errno == 0:
		return
	case s.state == socketClosing && errno == 0 && !s.cut: // it may still read
		s.ended = true
		p.watch(s)
	default:
		p.drop(s)
	}
}

// drop closes a socket at once. That takes it off epoll.
func (p *epoll) drop(s *socket) {
	if s.rest != nil {
		p.due.Remove(s.rest)
	}
	unix.Close(int(s.fd))
	s.from.left()
	p.give(s)
}

// end says goodbye: it waits for what is to be written, within the time.
func (p *epoll) end(within time.Duration) {
	for i, s := range p.sources {
		if p.sources[i] = nil; s != nil {
			s.end(p)
		}
	}
	p.resting, p.held = nil, nil
	p.each(func(s *socket) {
		if s.state == socketOpen {
			p.hangUp(s)
		}
		if s.state == socketClosing {
			p.expire(s, within)
		}
	})
	for p.open > 0 {
		p.handle()
		p.advance(p.loop.now())
		if p.open > 0 {
			p.wait(0, false)
		}
	}
	p.close()
}
