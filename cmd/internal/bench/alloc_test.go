package bench

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dormouse-mqtt/dormouse/broker/mqtt"
	"github.com/dormouse-mqtt/dormouse/mqttsn"
)

// A sink is an engine that keeps what was written last.
type sink struct {
	last    []byte
	touched []*socket
}

func (e *sink) dial(_ netip.AddrPort, _ netip.Addr, datagrams bool, h handler) (*socket, error) {
	return &socket{handler: h, datagrams: datagrams, state: open, list: &e.touched}, nil
}

func (e *sink) write(s *socket) {
	e.last = append(e.last[:0], s.out...)
	s.out = s.out[:0]
}

func (e *sink) poll(time.Duration) error {
	for _, s := range e.touched {
		s.touched = false
		e.write(s)
	}
	e.touched = e.touched[:0]
	return nil
}

func (e *sink) close() {}

// TestMessagesAllocateNothing: a publisher's message and all that follows, at
// both ends.
func TestMessagesAllocateNothing(t *testing.T) {
	for qos := range 3 {
		for _, nodes := range []bool{false, true} {
			t.Run(fmt.Sprint("QoS ", qos, ", nodes ", nodes), func(t *testing.T) {
				e := &sink{}
				r := &run{Scenario: scenario(""), engine: e, result: &Result{}, now: func() Time { return time.Second }}
				r.QoS, r.Topics, r.TopicType = qos, 1, "predefined"
				r.streams = []stream{{r: r, fan: 1, limit: 1, batch: 1}}
				s := &r.streams[0]
				from, to := pair(t, r, nodes)
				from.carry(s)
				r.settled = true
				to.listen(0, make([]ledger, 1))
				e.poll(0)
				answers := answersOf(qos, nodes)
				s.wait()
				require.Zero(t, testing.AllocsPerRun(100, func() {
					r.serve((*stream).fill)
					to.received(time.Second, e.last)
					for _, a := range answers {
						a.answer(s, from, to)
						e.poll(0)
					}
				}))
				require.EqualValues(t, 101, r.tally.delivered)
				require.Zero(t, s.underWay())
			})
		}
	}
}

func pair(t *testing.T, r *run, nodes bool) (from, to partaker) {
	if nodes {
		a, b := newNode(r, "from"), newNode(r, "to")
		a.there, b.there = true, true
		from, to = a, b
	} else {
		from, to = &client{r: r, accepted: true, greeted: true}, &client{r: r, accepted: true, greeted: true}
	}
	require.NoError(t, from.connect(0))
	require.NoError(t, to.connect(1))
	return from, to
}

// An answer is a packet of a server, made again with the id of the message.
type answer struct {
	packet []byte
	idAt   int
	up     bool // to the subscriber
}

func (a *answer) answer(s *stream, from, to partaker) {
	copy(a.packet[a.idAt:a.idAt+2], s.packet[s.idAt:])
	if a.up {
		to.received(time.Second, a.packet)
	} else {
		from.received(time.Second, a.packet)
	}
}

func answersOf(qos int, nodes bool) []answer {
	v := mqtt.V311
	switch {
	case qos == 0:
		return nil
	case nodes && qos == 1:
		return []answer{{(&mqttsn.Puback{}).AppendTo(nil), 4, false}}
	case nodes:
		return []answer{
			{(&mqttsn.Pubrec{}).AppendTo(nil), 2, false}, {(&mqttsn.Pubcomp{}).AppendTo(nil), 2, false}, {(&mqttsn.Pubrel{}).AppendTo(nil), 2, true},
		}
	case qos == 1:
		return []answer{{(&mqtt.Puback{}).AppendTo(nil, v), 2, false}}
	}
	return []answer{
		{(&mqtt.Pubrec{}).AppendTo(nil, v), 2, false}, {(&mqtt.Pubcomp{}).AppendTo(nil, v), 2, false}, {(&mqtt.Pubrel{}).AppendTo(nil, v), 2, true},
	}
}
