package bench

import "time"

// Time is monotonic time since the run began.
type Time = time.Duration

// A schedule says when what happens at a steady rate is due, whatever became of
// what was due before: a late one does not move those after it. So latency that
// counts from when a message was due leaves nothing out when the server stalls.
type schedule struct {
	start    Time
	interval float64 // nanoseconds from one to the next
	taken    int     // how many next has handed out
}

// every is a schedule of perSecond; its first is due at start.
func every(start Time, perSecond float64) schedule {
	return schedule{start: start, interval: float64(time.Second) / perSecond}
}

// due is when number i, counted from 0, is due.
func (s *schedule) due(i int) Time { return s.start + Time(float64(i)*s.interval) }

// next hands out the first that is due and was not handed out yet.
func (s *schedule) next(now Time) (i int, due Time, ok bool) {
	due = s.due(s.taken)
	if due > now {
		return 0, due, false
	}
	s.taken++
	return s.taken - 1, due, true
}

// wait is how long it is until something is due, at most limit.
func (s *schedule) wait(now Time, limit time.Duration) time.Duration {
	return min(max(s.due(s.taken)-now, 0), limit)
}
