package world

import (
	"slices"

	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/broker/store"
	"github.com/dormouse-mqtt/dormouse/gateway/local"
	"github.com/dormouse-mqtt/dormouse/radio"
)

// A loop is one shard of a process.
type loop struct {
	process *process
	number  int
	machine *local.Machine
	out     shard.Out
	inbox   []delivery
	spare   []delivery // an inbox that serves again
}

// A delivery is an event before a machine. What it says depends on a ticket, if
// it comes from another shard (L1).
type delivery struct {
	shard.Event
	follow store.Ticket
}

// deliver puts an event before the machine; its next round handles it.
func (l *loop) deliver(ev shard.Event) { l.inbox = append(l.inbox, delivery{Event: ev}) }

// deadline is the machine's, in the world's time.
func (l *loop) deadline() (shard.Time, bool) {
	if !l.process.up {
		return 0, false
	}
	if len(l.inbox) > 0 {
		return l.process.world.now, true
	}
	return l.due()
}

// due is when the machine has something to do.
func (l *loop) due() (shard.Time, bool) {
	at, ok := l.machine.Deadline()
	return at + l.process.epoch, ok
}

// round is one round of a loop: the events that are there, what is due, then
// one batch for the store, and only then what was said.
func (l *loop) round() {
	w := l.process.world
	now := w.now - l.process.epoch
	if at, ok := l.deadline(); !ok || at > w.now {
		return
	}
	l.out.BeginRound()
	for _, d := range l.inbox {
		if d.Kind == shard.Stored && d.Store.Kind == store.Committed {
			l.out.Committed(d.Store.Ticket)
		}
		l.out.Follow(d.follow, shard.Backlog{})
		l.out.BeginEvent()
		l.machine.Handle(now, d.Event, &l.out)
	}
	if at, ok := l.due(); ok && at <= w.now {
		l.out.BeginEvent()
		l.machine.Advance(now, &l.out)
	}
	l.out.Submit(l.process.store.Submit)
	l.post()
	l.send()
	l.credit()
}

// credit lets the streams be read on that the round has handled.
func (l *loop) credit() {
	handled := l.inbox
	l.inbox = l.spare
	for _, d := range handled {
		if s := l.process.streams[d.Conn]; s != nil && d.Kind == shard.Received && !s.moving {
			s.handled()
		}
	}
	clear(handled)
	l.spare = handled[:0]
}

// send does what the round said.
func (l *loop) send() {
	w := l.process.world
	for i := range l.out.Notes {
		w.log(Entry{From: "gw", Text: describeNote(&l.out.Notes[i])})
	}
	for _, o := range l.out.Outputs() {
		if s := l.process.streams[o.Conn]; s != nil {
			s.take(&o)
		}
	}
	for _, d := range l.out.Outgoing() {
		if r := w.radios[d.To]; r != nil {
			data := slices.Clone(d.Data)
			w.send("gw", r.Name, data, func() { r.hear(data) })
		}
	}
}

// post brings other shards what is for them: messages, datagrams of their nodes,
// and connections whose sessions live there.
func (l *loop) post() {
	p := l.process
	for number, to := range p.shards {
		var posts []shard.Post
		for _, x := range l.out.Posts {
			if x.To.Shard() == number {
				posts = append(posts, x)
			}
		}
		if len(posts) > 0 {
			d := delivery{shard.Event{Kind: shard.Posted, Posts: posts}, l.out.Ticket()}
			p.post(l, to, func() { to.inbox = append(to.inbox, d) })
		}
	}
	for _, r := range l.out.Relays {
		ev := shard.Event{Kind: r.Kind, Link: r.Link, Batch: []radio.Datagram{r.Datagram}, Relayed: true}
		p.post(l, p.shards[r.To], func() { p.shards[r.To].deliver(ev) })
	}
	for _, m := range l.out.Moves {
		if s := p.streams[m.Conn]; s != nil {
			s.move(p.shards[m.To], m.Data)
		}
	}
}

// post has a shard get something from another one, in order for each pair.
func (p *process) post(from, to *loop, arrive func()) {
	pair := [2]int{from.number, to.number}
	p.posted[pair] = max(p.posted[pair], p.world.now+p.world.draw(p.world.options.Post))
	p.world.at(p.posted[pair], arrive)
}
