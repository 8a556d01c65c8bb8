package bench

import (
	"fmt"
	"time"
)

// traffic is the scenario of messages: each, fan-out, fan-in, publish.
func (r *run) traffic(syscalls bool) error {
	connects := r.begin()
	if err := r.people(); err != nil {
		return err
	}
	r.connected(connects)
	r.settle()
	if r.Warmup > 0 {
		if err := r.send("warming up", time.Duration(r.Warmup)); err != nil {
			return err
		}
		if r.stopped.Load() {
			return errInterrupted
		}
	}
	before, own := r.server.usage(), ownTime()
	if err := r.send("measuring", time.Duration(r.Duration)); err != nil {
		return err
	}
	r.figures(r.server.usage().since(before))
	r.result.GeneratorCPUSeconds = (ownTime() - own).Seconds()
	if syscalls && !r.over() {
		return r.countSyscalls()
	}
	return nil
}

// A beginning is what was there before anybody connected.
type beginning struct {
	at       Time
	used     usage
	resident int64
}

func (r *run) begin() beginning {
	b := beginning{at: r.now(), used: r.server.usage()}
	b.resident, _ = r.server.resident()
	return b
}

// connected notes what the connections have cost.
func (r *run) connected(b beginning) {
	n := len(r.parties)
	r.result.Connections = n
	r.result.ConnectsPerS = float64(n) / (r.now() - b.at).Seconds()
	r.result.ConnectCPUUs = r.server.usage().since(b.used).per(uint64(n))
	r.weigh(b)
}

// weigh notes the memory.
func (r *run) weigh(b beginning) {
	if now, ok := r.server.resident(); ok {
		r.result.RSSBytes = &now
		r.result.RSSBytesPerConnection = known(float64(now-b.resident) / float64(len(r.parties)))
	}
}

// people connects subscribers and publishers and gives the latter their streams.
func (r *run) people() error {
	n := max(r.Publishers, r.Topics)
	r.streams = make([]stream, n)
	subscribers, err := r.admit("subscriber", r.Subscribers, r.gateway.address.IsValid() && r.Direction == "down")
	if err != nil {
		return err
	}
	if err := r.each("subscribing", len(subscribers), func(i int) error {
		topic := i % r.Topics
		subscribers[i].listen(topic, make([]ledger, (n-topic+r.Topics-1)/r.Topics))
		return nil
	}); err != nil {
		return err
	}
	publishers, err := r.admit("publisher", r.Publishers, r.gateway.address.IsValid() && r.Direction == "up")
	if err != nil {
		return err
	}
	for i := range r.streams {
		s := &r.streams[i]
		*s = stream{r: r, number: uint32(i), topic: i % r.Topics, batch: r.Batch}
		if n > r.Publishers {
			s.batch = 1 // a write has messages of several streams
		}
		if r.Subscribers > 0 {
			s.fan = uint64((r.Subscribers - s.topic + r.Topics - 1) / r.Topics)
		}
	}
	if err := r.each("preparing", n, func(i int) error {
		publishers[i%r.Publishers].carry(&r.streams[i])
		return nil
	}); err != nil {
		return err
	}
	return r.limit(publishers)
}

// A partaker is a client or a node with a part in traffic.
type partaker interface {
	party
	sender
	// connect starts a step.
	connect(i int) error
	// listen starts a step: to subscribe to a topic.
	listen(topic int, ledgers []ledger)
	// carry starts a step: to make ready for publishing a stream.
	carry(s *stream)
	// room is how many unacknowledged messages the server takes from it.
	room() int
}

// admit connects n clients or nodes.
func (r *run) admit(role string, n int, asNodes bool) ([]partaker, error) {
	all := make([]partaker, n)
	err := r.each("connecting "+role+"s", n, func(i int) error {
		name := fmt.Sprintf("bench-%04x-%s-%d", r.id, role, i)
		if asNodes {
			all[i] = newNode(r, name)
		} else {
			all[i] = &client{r: r, name: name}
		}
		r.parties = append(r.parties, all[i])
		return all[i].connect(len(r.parties) - 1)
	})
	return all, err
}

// limit says how much each stream may have under way. With a rate that is as
// much as the server takes.
func (r *run) limit(publishers []partaker) error {
	for i := range r.streams {
		s := &r.streams[i]
		share := publishers[i%r.Publishers].room() / max(1, len(r.streams)/r.Publishers)
		if share == 0 && r.QoS > 0 {
			return fmt.Errorf("the server takes fewer unacknowledged messages from a publisher than it has topics; use more publishers")
		}
		s.limit = share
		if r.Rate == 0 {
			s.limit = r.Window
			if r.QoS > 0 && share < r.Window {
				s.limit = share
				if i == 0 {
					r.note("of each publisher only %d messages may be unacknowledged: the window is no larger", share)
				}
			}
			if s.limit < s.batch {
				return fmt.Errorf("--batch %d is more than the server takes unacknowledged: %d", r.Batch, s.limit)
			}
		}
	}
	return nil
}

// figures notes what a phase has shown.
func (r *run) figures(used usage) {
	t, f := &r.tally, r.result
	f.Seconds = (t.last - t.start).Seconds()
	f.Sent, f.Delivered, f.Duplicates, f.OutOfOrder, f.Refused = t.sent, t.delivered, t.duplicates, t.outOfOrder, t.refused
	if f.Unsent > 0 {
		r.note("%d messages were due and could not be sent: the server or this host does not keep up, and latency is longer than it looks", f.Unsent)
	}
	f.Lost = t.expected - min(t.delivered, t.expected)
	count := t.delivered
	if r.Subscribers == 0 {
		count = t.sent
	}
	if f.Seconds > 0 {
		f.RatePerS = float64(count) / f.Seconds
	}
	f.CPUUsPerMessage = used.per(count)
	if used.ok {
		f.CPUSeconds = known(used.cpu.Seconds())
	}
	if used.counted && count > 0 {
		f.ReadsPerMessage = known(float64(used.reads) / float64(count))
		f.WritesPerMessage = known(float64(used.writes) / float64(count))
	}
	f.LatencyUs = spread(&t.latency)
	if r.Rate > 0 {
		f.GeneratorLateUsP99 = known(micro(t.late.Quantile(0.99)))
	}
	if t.foreign > 0 {
		r.note("%d messages of others came on the topics of this run", t.foreign)
	}
}
