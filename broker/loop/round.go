package loop

import (
	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/broker/store"
)

// round handles letters and what is due, submits what was written, and sends.
func (l *Loop) round(letters []letter) {
	l.out.BeginRound()
	l.lookAtWall()
	for i := range letters {
		l.open(&letters[i])
	}
	if l.poll != nil {
		l.poll.handle()
	}
	l.advance(l.now())
	l.out.Submit(func(b *store.Batch) store.Ticket { return l.store.Submit(b) })
	for _, r := range l.out.Reads {
		l.store.Request(r)
	}
	l.postAll()
	l.relay()
	l.flush()
	l.move()
	for i := range letters {
		l.credit(&letters[i])
	}
	l.payHeld()
	if l.poll != nil {
		l.poll.settle()
	}
	l.log.write(l.out.Notes)
}

// advance does what is due.
func (l *Loop) advance(now shard.Time) {
	if l.poll != nil {
		l.poll.advance(now)
	}
	if at, ok := l.machine.Deadline(); !ok || at > now {
		return
	}
	l.out.BeginEvent()
	if !l.tryAdvance(now) {
		l.contain(now, &shard.Event{})
	}
}

// open handles one letter.
func (l *Loop) open(x *letter) {
	if x.call != nil {
		x.call()
		return
	}
	if x.arrival != nil {
		l.poll.arrive(x.arrival)
		return
	}
	if x.size > 0 {
		l.received(x)
	}
	if x.send != nil {
		if k := l.links[x.by]; k != nil {
			k.add(x.send...)
		}
		return
	}
	switch ev := &x.event; ev.Kind {
	case shard.Opened:
		l.streams[ev.Conn] = x.stream
	case shard.LinkUp:
		if x.link != nil { // else it is another shard's
			l.links[ev.Link] = x.link
			x.link.poll()
		}
	case shard.Stored:
		if ev.Store.Kind == store.Committed {
			l.out.Committed(ev.Store.Ticket)
		}
	case shard.Posted:
		l.out.Follow(x.ticket, shard.Backlog{})
	}
	if x.event.Kind == shard.Datagrams {
		l.eachDatagram(x.event)
		return
	}
	l.handle(l.now(), &x.event)
}

// eachDatagram makes an event of each datagram of a read: a panic undoes what
// one of them did, and nothing of the other nodes' (L15).
func (l *Loop) eachDatagram(ev shard.Event) {
	now, batch := l.now(), ev.Batch
	for i := range batch {
		ev.Batch = batch[i : i+1]
		l.handle(now, &ev)
	}
}

// credit lets a reader go on whose octets were handled.
func (l *Loop) credit(x *letter) {
	switch {
	case x.stream != nil && x.event.Kind == shard.Received:
		if x.stream.loop != l { // it has moved, and is not ours any more
			x.stream.handedOver(x.event.Data)
			return
		}
		if !l.ending && l.congested() {
			l.held = append(l.held, *x)
			return
		}
		x.stream.handled(x.event.Data)
	case x.stream != nil && x.event.Kind == shard.Drained:
		x.stream.pay()
	case x.link != nil && x.event.Kind == shard.Datagrams:
		if !l.ending && l.congested() {
			l.held = append(l.held, *x)
			return
		}
		x.link.handled()
	}
}
