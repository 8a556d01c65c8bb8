package loop

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/broker/store"
	"github.com/dormouse-mqtt/dormouse/radio"
)

// Join makes loops the shards of one process, in the order of their numbers,
// before they run. They read sockets themselves if all of them can.
func Join(loops ...*Loop) {
	if slices.ContainsFunc(loops, func(l *Loop) bool { return l.poll == nil }) {
		for _, l := range loops {
			if l.poll != nil {
				l.poll.close()
				l.poll = nil
			}
		}
	}
	farewell := &sync.WaitGroup{}
	farewell.Add(len(loops))
	for i, l := range loops {
		l.number, l.peers, l.farewell = i, loops, farewell
	}
}

// nextConn is a number that no other connection of the process has.
func (l *Loop) nextConn() shard.ConnID {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lastConn++
	return l.lastConn*shard.ConnID(len(l.peers)) + shard.ConnID(l.number)
}

const (
	// maxBacklog is how many octets of posts may wait for a shard before the
	// others stop reading what may bring more (L10).
	maxBacklog = 16 << 20
	// postOverhead is what a post takes besides its message.
	postOverhead = 128
)

// A backlog is what is posted to a shard and not handled.
type backlog struct {
	octets atomic.Int64
	full   atomic.Bool // it is, or was and is not half empty yet
}

func (b *backlog) add(n int64) {
	if b.octets.Add(n) > maxBacklog {
		b.full.Store(true)
	}
}

// remove says whether those who wait may go on.
func (b *backlog) remove(n int64) bool {
	return b.octets.Add(-n) <= maxBacklog/2 && b.full.CompareAndSwap(true, false)
}

// postAll hands the round's posts over, a batch for each shard, in their order: a
// shard that gets them has its answers wait for what this one wrote (L1).
func (l *Loop) postAll() {
	if len(l.out.Posts) == 0 {
		return
	}
	batches := make([][]shard.Post, len(l.peers))
	for _, p := range l.out.Posts {
		to := p.To.Shard()
		batches[to] = append(batches[to], p)
	}
	ticket := l.out.Ticket()
	for to, posts := range batches {
		if len(posts) == 0 {
			continue
		}
		peer, size := l.peers[to], postSize(posts)
		peer.backlog.add(size)
		peer.post(letter{event: shard.Event{Kind: shard.Posted, Posts: posts}, ticket: ticket, size: size})
	}
}

// relay brings datagrams that came in here to the shards of their nodes, in
// their order.
func (l *Loop) relay() {
	all := l.out.Relays
	for len(all) > 0 {
		first, n := all[0], 1
		for n < len(all) && all[n].To == first.To && all[n].Kind == first.Kind && all[n].Link == first.Link {
			n++
		}
		batch := make([]radio.Datagram, n)
		var size int64
		for i := range batch {
			batch[i] = all[i].Datagram
			size += postOverhead + int64(len(batch[i].Data))
		}
		all = all[n:]
		peer := l.peers[first.To]
		peer.backlog.add(size)
		ev := shard.Event{Kind: first.Kind, Link: first.Link, Batch: batch, Relayed: true}
		peer.post(letter{event: ev, size: size})
	}
}

// sendBy has the shard that a link belongs to send what this one has for it.
func (l *Loop) sendBy(link shard.LinkID, batch []radio.Datagram) {
	home := l.peers[int(link)%len(l.peers)]
	if home == l {
		return // it is gone
	}
	var size int64
	for i := range batch {
		size += postOverhead + int64(len(batch[i].Data))
	}
	home.backlog.add(size)
	home.post(letter{send: batch, by: link, size: size})
}

func postSize(posts []shard.Post) (n int64) {
	for i := range posts {
		if n += postOverhead; posts[i].Message != nil {
			n += int64(posts[i].Size())
		}
	}
	return n
}

// received takes a batch of posts off the backlog, and wakes those who held
// their readers back for it.
func (l *Loop) received(x *letter) {
	if !l.backlog.remove(x.size) {
		return
	}
	for _, peer := range l.peers {
		peer.nudge()
	}
}

// congested says that another shard has too much to do for us to take more in.
func (l *Loop) congested() bool {
	for _, peer := range l.peers {
		if peer != l && peer.backlog.full.Load() {
			return true
		}
	}
	return false
}

// payHeld lets readers go on that were held back, once nobody is congested.
func (l *Loop) payHeld() {
	if l.congested() {
		return
	}
	if l.poll != nil {
		l.poll.release()
	}
	held := l.held
	l.held = nil
	for i := range held {
		l.credit(&held[i])
	}
}

// move hands the round's leavers to the shards of their sessions.
func (l *Loop) move() {
	for i := range l.out.Moves {
		m := &l.out.Moves[i]
		s, to := l.streams[m.Conn], l.peers[m.To]
		if l.poll != nil && l.poll.move(m, to) || s == nil {
			continue
		}
		delete(l.streams, m.Conn)
		s.loop = to // the reader waits for its credit, which comes last
		opened := shard.Event{Kind: shard.Opened, Conn: m.Conn, Info: s.info}
		if !to.post(letter{event: opened, stream: s}) {
			s.conn.Close()
			continue
		}
		to.post(letter{event: shard.Event{Kind: shard.Received, Conn: m.Conn, Data: m.Data}})
	}
}

// StoredAll tells all shards what their store has to tell.
func StoredAll(loops []*Loop, ev store.Event) {
	for _, l := range loops {
		l.Stored(ev)
	}
}
