package loop

import (
	"errors"
	"net"
	"sync/atomic"
	"time"

	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/radio"
)

// A link is a radio link on the shard. What has a descriptor is read by a polled
// loop itself; else a goroutine reads it, one batch at a time, and for a medium
// that may keep us waiting one writes it.
type link struct {
	id      shard.LinkID
	loop    *Loop
	radio   radio.Link
	polled  bool
	credits chan struct{}
	batch   []radio.Datagram
	out     []radio.Datagram      // of the round
	queue   chan []radio.Datagram // nil: written by the shard itself
	dropped atomic.Uint64
}

const (
	// batchSize is how many datagrams one read takes.
	batchSize = 32
	// queuedBatches is how many rounds' datagrams may wait for a slow medium;
	// what comes then is dropped and counted. Nodes ask again.
	queuedBatches = 64
)

// AddLink hands a link to the shard, which closes it in the end. The others send
// and receive by it.
func (l *Loop) AddLink(r radio.Link, info *shard.LinkInfo) bool {
	return AddLink(l.peers, l.number, []radio.Link{r}, info)
}

// AddLink hands a link to shards, which close it in the end. It consists of one
// radio for each of them, or of one for the shard that is its home.
func AddLink(loops []*Loop, home int, radios []radio.Link, info *shard.LinkInfo) (fine bool) {
	first := loops[home]
	first.mu.Lock()
	first.lastLink++
	id := first.lastLink*shard.LinkID(len(loops)) + shard.LinkID(home) // which shard has it: see sendBy
	first.mu.Unlock()
	fine = true
	for i, l := range loops {
		up := letter{event: shard.Event{Kind: shard.LinkUp, Link: id, LinkInfo: info}}
		switch {
		case len(radios) > 1:
			fine = l.addRadio(radios[i], up) && fine
		case i == home:
			fine = l.addRadio(radios[0], up) && fine
		default:
			l.post(up)
		}
	}
	return fine
}

// addRadio brings a link up on its shard.
func (l *Loop) addRadio(r radio.Link, up letter) bool {
	k := &link{id: up.event.Link, loop: l, radio: r}
	poll, direct := r.(radio.PollLink)
	k.polled = direct && l.poll != nil && poll.FD() >= 0
	up.link = k
	if k.polled {
		if !l.post(up) {
			r.Close()
			return false
		}
		return true
	}
	k.credits, k.batch = make(chan struct{}, 1), make([]radio.Datagram, batchSize)
	workers := 1
	if !direct {
		k.queue = make(chan []radio.Datagram, queuedBatches)
		workers = 2
	}
	if !l.employ(workers, up) {
		r.Close()
		return false
	}
	go k.readAll()
	if k.queue != nil {
		go k.writeAll()
	}
	return true
}

// poll has a polled loop read the link.
func (k *link) poll() {
	if !k.polled {
		return
	}
	if err := k.loop.poll.read(k); err != nil {
		k.loop.logger.Error("cannot read a link", "link", k.id, "err", err)
	}
}

// readAll reads until the link is closed.
func (k *link) readAll() {
	defer k.loop.workers.Done()
	for i := range k.batch {
		k.batch[i].Data = make([]byte, k.radio.MTU())
	}
	for {
		for i := range k.batch {
			k.batch[i].Data = k.batch[i].Data[:cap(k.batch[i].Data)]
		}
		n, err := k.radio.ReadBatch(k.batch)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			k.loop.logger.Warn("link: cannot read; trying again", "link", k.id, "err", err)
			time.Sleep(100 * time.Millisecond)
			continue
		}
		if n == 0 {
			continue
		}
		if !k.loop.post(letter{event: shard.Event{Kind: shard.Datagrams, Link: k.id, Batch: k.batch[:n]}, link: k}) {
			return
		}
		<-k.credits
	}
}

func (k *link) handled() { k.credits <- struct{}{} }

// add has datagrams leave at the end of the round.
func (k *link) add(d ...radio.Datagram) {
	if len(k.out) == 0 {
		k.loop.sending = append(k.loop.sending, k)
	}
	k.out = append(k.out, d...)
}

// send writes the round's datagrams.
func (k *link) send() {
	if k.queue == nil {
		k.write(k.out)
		k.out = k.out[:0]
		return
	}
	batch := make([]radio.Datagram, len(k.out))
	for i, d := range k.out {
		batch[i] = d
		batch[i].Data = append([]byte(nil), d.Data...)
	}
	k.out = k.out[:0]
	select {
	case k.queue <- batch:
	default:
		k.dropped.Add(uint64(len(batch)))
	}
}

// write sends what the medium takes; the rest is dropped, as radios do.
func (k *link) write(batch []radio.Datagram) {
	for len(batch) > 0 {
		n, err := k.radio.WriteBatch(batch)
		if batch = batch[n:]; err != nil || n == 0 {
			k.dropped.Add(uint64(len(batch)))
			return
		}
	}
}

func (k *link) writeAll() {
	defer k.loop.workers.Done()
	for batch := range k.queue {
		k.write(batch)
	}
	k.radio.Close()
}

// end closes the link after its last datagrams.
func (k *link) end() {
	if k.queue != nil {
		close(k.queue)
		time.AfterFunc(goodbye, func() { k.radio.Close() })
	} else {
		k.radio.Close()
	}
	select {
	case k.credits <- struct{}{}: // a polled link has none
	default:
	}
}
