package bench

import (
	"fmt"
	"time"
)

const (
	// atOnce is how many parties connect, subscribe or ping at the same time.
	atOnce = 100
	// stepLimit is how long all of them may stand still.
	stepLimit = 20 * time.Second
	// tending is how often what is slow is looked after.
	tending = 100 * time.Millisecond
	// nap is the longest that a run sleeps, so that it hears of a signal.
	nap = 20 * time.Millisecond
)

// each starts a step for n parties, a hundred at a time, and waits for done from
// all of them.
func (r *run) each(name string, n int, start func(i int) error) error {
	r.busy = 0
	left, moved := n, r.now()
	for i := 0; i < n || r.busy > 0; {
		for ; i < n && r.busy < atOnce; i++ {
			r.busy++
			if err := start(i); err != nil {
				return err
			}
		}
		if err := r.engine.poll(nap); err != nil {
			return err
		}
		now := r.now()
		if r.tend(now); n-i+r.busy != left {
			left, moved = n-i+r.busy, now
		}
		switch {
		case r.err != nil:
			return r.err
		case r.stopped.Load():
			return errInterrupted
		case now-moved > stepLimit:
			return fmt.Errorf("the server does not answer: %s, %d of %d done", name, n-left, n)
		}
		r.show(now, name, float64(n-left)/float64(n), 0)
	}
	return nil
}

// done ends the step of one party.
func (r *run) done() { r.busy-- }

// tend does what is not due to the moment: retries, and signs of life.
func (r *run) tend(now Time) {
	if now-r.tended < tending {
		return
	}
	r.tended = now
	if r.gateway.address.IsValid() {
		for _, p := range r.parties {
			p.advance(now)
		}
	}
	if !r.settled {
		return
	}
	if r.Sleepers == 0 {
		r.rescue(now)
	}
	if r.KeepAlive > 0 {
		for {
			i, _, ok := r.pings.next(now)
			if !ok {
				return
			}
			r.parties[i%len(r.parties)].ping(now)
		}
	}
}

// settle says that all parties are there: from now on they are kept alive,
// evenly spread over half of the time that they promised.
func (r *run) settle() {
	r.settled = true
	if r.KeepAlive > 0 && len(r.parties) > 0 {
		r.pings = every(r.now(), float64(len(r.parties))/(time.Duration(r.KeepAlive).Seconds()/2))
	}
}
