package loop

import (
	"log/slog"

	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/radio"
)

// A polledLink is a link that the shard reads itself.
type polledLink struct {
	*link
	radio radio.PollLink
	fd    int
	slot  int32
}

const (
	// polledBatch is how many datagrams one read takes.
	polledBatch = 64
	// stagger keeps the buffers of a batch from falling into the same places of
	// the processor's caches.
	stagger = 320
)

func (p *epoll) read(k *link) (err error) {
	s := &polledLink{link: k, radio: k.radio.(radio.PollLink)}
	size := k.radio.MTU()
	memory := make([]byte, polledBatch*(size+stagger)) // most of it is never touched
	k.batch = make([]radio.Datagram, polledBatch)
	for i := range k.batch {
		from := i * (size + stagger)
		k.batch[i].Data = memory[from : from+size : from+size]
	}
	s.fd = s.radio.FD()
	s.slot, err = p.add(s.fd, s)
	return err
}

func (s *polledLink) readable(p *epoll, now shard.Time) (octets int) {
	if p.loop.congested() && !p.loop.ending {
		p.hold(s)
		return 0
	}
	for i := range s.batch {
		s.batch[i].Data = s.batch[i].Data[:cap(s.batch[i].Data)]
	}
	n, err := s.radio.Poll(s.batch)
	if err != nil {
		p.loop.log.rest("link: cannot read; resting", "link", s.id, "err", err)
		p.rest(s, now+acceptPause)
		return 0
	}
	for i := range n {
		octets += len(s.batch[i].Data)
		p.loop.handle(now, &shard.Event{Kind: shard.Datagrams, Link: s.id, Batch: s.batch[i : i+1]})
	}
	return octets
}

func (s *polledLink) watch(p *epoll, on bool) {
	p.toggle(s.fd, s.slot, on, slog.Any("link", s.id))
}

// end has nothing to do: the link is closed, which took it off epoll.
func (*polledLink) end(*epoll) {}
