package loop

import (
	"slices"
	"time"

	"github.com/dormouse-mqtt/dormouse/broker/shard"
)

// goodbye is how long connections have to take their last octets.
const goodbye = 2 * time.Second

// stop says goodbye and waits for everybody to leave.
func (l *Loop) stop() {
	l.ending = true
	l.round([]letter{{event: shard.Event{Kind: shard.Stopping}}})
	l.farewell.Done()
	l.farewell.Wait() // others may have something to say by our links
	l.mu.Lock()
	l.stopped = true
	letters := slices.Concat(l.held, l.opened[l.next:], l.inbox)
	l.held, l.opened, l.inbox, l.next = nil, nil, nil, 0
	l.posted.Store(0)
	l.mu.Unlock()
	for i := range letters {
		switch x := &letters[i]; {
		case x.call != nil:
			x.call()
		case x.arrival != nil:
			l.poll.refuse(x.arrival)
		case x.send != nil:
			l.open(x)
		case x.event.Kind == shard.Opened:
			l.streams[x.event.Conn] = x.stream
		case x.event.Kind == shard.LinkUp && x.link != nil:
			l.links[x.event.Link] = x.link
		}
		l.credit(&letters[i])
	}
	for _, k := range l.sending {
		k.send()
	}
	for _, s := range l.streams {
		s.end(goodbye)
	}
	for _, k := range l.links {
		k.end()
	}
	if l.poll != nil {
		l.poll.end(goodbye)
	}
	l.workers.Wait()
}
