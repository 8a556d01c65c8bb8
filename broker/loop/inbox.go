package loop

import (
	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/broker/store"
	"github.com/dormouse-mqtt/dormouse/radio"
)

// A letter is an event in the inbox, and what is to be done after it was handled.
type letter struct {
	event   shard.Event
	stream  *stream      // to register on Opened, to credit on Received
	arrival *arrival     // a socket, instead of an event
	link    *link        // to register on LinkUp, to credit on Datagrams
	ticket  store.Ticket // of Posted: what the sender waited for
	size    int64        // of what another shard posted, in octets
	by      shard.LinkID
	send    []radio.Datagram // by a link of ours, for another shard
	call    func()           // runs on the shard's goroutine instead of an event
}

// Stored takes an event of the store. It never blocks.
func (l *Loop) Stored(ev store.Event) {
	l.post(letter{event: shard.Event{Kind: shard.Stored, Store: ev}})
}

// Call runs f on the shard's goroutine and waits for it; false: the loop ended.
func (l *Loop) Call(f func()) bool {
	done := make(chan struct{})
	if !l.post(letter{call: func() { f(); close(done) }}) {
		return false
	}
	<-done
	return true
}

// post puts a letter into the inbox; false: the loop has ended.
func (l *Loop) post(x letter) bool { return l.employ(0, x) }

// employ is post, and counts workers that are to be waited for in the end.
func (l *Loop) employ(workers int, x letter) bool {
	l.mu.Lock()
	if l.stopped {
		l.mu.Unlock()
		return false
	}
	if workers > 0 { // under the lock: nobody waits before stopped
		l.workers.Add(workers)
	}
	l.inbox = append(l.inbox, x)
	l.posted.Add(1)
	l.mu.Unlock()
	l.ring()
	return true
}

// ring wakes the shard.
func (l *Loop) ring() {
	if l.poll != nil {
		l.poll.ring()
		return
	}
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// nudge has the shard do a round, also if it is just about to wait.
func (l *Loop) nudge() { l.post(letter{call: func() {}}) }

// maxRound bounds the letters of one round, so that output leaves in time.
const maxRound = 256

// keepInbox is how many letters an empty inbox may have room for.
const keepInbox = 4096

// take takes the oldest letters. They are valid until the next call.
func (l *Loop) take() []letter {
	if !l.waiting() {
		return nil
	}
	if l.next == len(l.opened) {
		spare := l.opened[:0]
		if cap(spare) > keepInbox {
			spare = nil
		}
		l.mu.Lock()
		l.opened, l.inbox, l.next = l.inbox, spare, 0
		l.mu.Unlock()
	}
	n := min(len(l.opened)-l.next, maxRound)
	letters := l.opened[l.next : l.next+n]
	l.next += n
	l.posted.Add(-int64(n))
	return letters
}

func (l *Loop) waiting() bool { return l.posted.Load() > 0 }
