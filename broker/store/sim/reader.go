package sim

import (
	"time"

	"github.com/dormouse-mqtt/dormouse/broker/store"
)

// A reader answers requests in order, each from what is committed when the
// batches before it are, and brings the answer a little later.
type reader struct {
	requests []request
	answers  []answer
}

type request struct {
	store.ReadRequest
	behind store.Ticket
}

type answer struct {
	ev  store.Event
	due time.Duration
}

func (r *reader) request(q store.ReadRequest, behind store.Ticket) {
	r.requests = append(r.requests, request{q, behind})
}

// ready says whether the first request can be performed.
func (r *reader) ready(done store.Ticket) bool {
	return len(r.requests) > 0 && r.requests[0].behind <= done
}

// perform reads for the first request.
func (r *reader) perform(state entries, now, latency time.Duration) {
	r.answers = append(r.answers, answer{state.read(r.requests[0].ReadRequest), now + latency})
	r.requests = r.requests[:copy(r.requests, r.requests[1:])]
}

// next is when the first answer is due; those behind it wait for it.
func (r *reader) next() (due time.Duration, ok bool) {
	if len(r.answers) == 0 {
		return 0, false
	}
	return r.answers[0].due, true
}

// take takes the first answer.
func (r *reader) take() store.Event {
	ev := r.answers[0].ev
	r.answers = r.answers[:copy(r.answers, r.answers[1:])]
	return ev
}
