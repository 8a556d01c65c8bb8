package bench

import (
	"cmp"
	"time"

	"github.com/dormouse-mqtt/dormouse/mqttsn"
)

// A wake is a node's part in the scenario of sleepers.
type wake struct {
	falling bool // asleep, once the gateway has answered
	awake   bool
	due     Time // when it was to wake
	got     int  // messages since then
}

// fallAsleep sends DISCONNECT with a duration; its answer ends the step. The
// gateway is told more than it will be: how it finds out that a node is lost is
// not what is measured.
func (n *node) fallAsleep(now Time) {
	n.wake = &wake{falling: true}
	seconds := min(max(10*time.Duration(n.r.Sleep), time.Minute)/time.Second, 65_535)
	n.ask(now, (&mqttsn.Disconnect{HasDuration: true, Duration: uint16(seconds)}).AppendTo(n.request[:0]), false)
}

// wakeUp sends PINGREQ; what was kept comes, then PINGRESP (6.14).
func (n *node) wakeUp(now, due Time) {
	*n.wake = wake{awake: true, due: due}
	n.ask(now, (&mqttsn.Pingreq{ClientID: []byte(n.name)}).AppendTo(n.request[:0]), false)
}

// woken ends a wake: the node is asleep again. Without PINGRESP it is no whole one.
func (n *node) woken(now Time, answered bool) {
	n.wake.awake = false
	f := n.r.result
	f.Wakes++
	if !answered || n.wake.got < n.r.Messages {
		f.WakesIncomplete++
	}
	if answered {
		n.r.tally.latency.Record(now - n.wake.due)
	}
	n.r.done()
}

// sleepers is the scenario of nodes that sleep. In rounds, until the duration is
// over: while all sleep messages for them are published; then they wake, evenly
// spread over the time of a sleep.
func (r *run) sleepers() error {
	own, before := ownTime(), r.begin()
	if err := r.people(); err != nil {
		return err
	}
	r.connected(before)
	var nodes []*node
	for _, p := range r.parties {
		if n, ok := p.(*node); ok {
			nodes = append(nodes, n)
		}
	}
	if err := r.each("falling asleep", len(nodes), func(i int) error {
		nodes[i].fallAsleep(r.now())
		return nil
	}); err != nil {
		return err
	}
	r.settle()
	r.tally.reset(r.now())
	var putting, waking usage
	var awake time.Duration
	for end := r.now() + time.Duration(r.Duration); ; {
		asleep, used := r.begin(), r.server.usage()
		if err := r.putBy(); err != nil {
			return err
		}
		if r.result.BufferBytes == nil {
			if now, ok := r.server.resident(); ok {
				r.result.BufferBytes = known(float64(now-asleep.resident) / float64(len(nodes)*r.Messages))
			}
		}
		middle, start := r.server.usage(), r.now()
		if err := r.wakeAll(nodes); err != nil {
			return err
		}
		putting = putting.plus(middle.since(used))
		waking = waking.plus(r.server.usage().since(middle))
		awake += r.now() - start
		if r.now() >= end || r.stopped.Load() {
			break
		}
	}
	r.figures(putting.plus(waking))
	f := r.result
	f.BufferCPUUs, f.WakeCPUUs = putting.per(f.Sent), waking.per(f.Wakes)
	f.WakeUs, f.LatencyUs = f.LatencyUs, nil
	f.RatePerS = float64(f.Delivered) / awake.Seconds()
	f.GeneratorLateUsP99 = known(micro(r.tally.late.Quantile(0.99)))
	f.GeneratorCPUSeconds = (ownTime() - own).Seconds()
	return nil
}

// putBy publishes the messages of a round, and waits until the broker has them.
func (r *run) putBy() error {
	for i := range r.streams {
		r.streams[i].owed = r.Messages
		r.streams[i].wait()
	}
	left, moved := -1, r.now()
	for left != 0 && !r.stopped.Load() {
		r.serve((*stream).put)
		if err := r.engine.poll(nap); err != nil || r.err != nil {
			return cmp.Or(r.err, err)
		}
		now, n := r.now(), 0
		for i := range r.streams {
			n += r.streams[i].owed + r.streams[i].unconfirmed()
		}
		if n != left {
			left, moved = n, now
		} else if now-moved > r.patience() {
			r.note("the broker did not take %d messages for sleepers", n)
			break
		}
		r.tend(now)
		r.show(now, "publishing for sleepers", 1-float64(n)/float64(len(r.streams)*r.Messages), r.tally.delivered)
	}
	// What was published before a PINGREQ has been handled when it is answered.
	publishers := r.parties[r.Subscribers:]
	return r.each("publishing for sleepers", len(publishers), func(i int) error {
		publishers[i].askPing(r.now())
		return nil
	})
}

// put sends what is owed as fast as the broker takes it.
func (s *stream) put() {
	for s.owed > 0 && s.limit > s.unconfirmed() && s.by.ready() {
		s.publish(s.r.now())
		s.by.flush()
		s.owed--
	}
}

// wakeAll wakes every node at its time, and waits until all are asleep again.
func (r *run) wakeAll(nodes []*node) error {
	due := every(r.now(), float64(len(nodes))/time.Duration(r.Sleep).Seconds())
	r.busy = 0
	for due.taken < len(nodes) || r.busy > 0 {
		now := r.now()
		for due.taken < len(nodes) && !r.stopped.Load() {
			i, at, ok := due.next(now)
			if !ok {
				break
			}
			r.tally.late.Record(now - at)
			r.busy++
			nodes[i].wakeUp(now, at)
		}
		wait := nap
		if due.taken < len(nodes) {
			wait = due.wait(r.now(), nap)
		}
		if err := r.engine.poll(wait); err != nil || r.err != nil {
			return cmp.Or(r.err, err)
		}
		r.tend(r.now())
		if r.stopped.Load() && r.busy == 0 {
			return nil
		}
		r.show(r.now(), "waking", float64(due.taken)/float64(len(nodes)), r.tally.delivered)
	}
	return nil
}
