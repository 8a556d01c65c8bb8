package core

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dormouse-mqtt/dormouse/broker/mqtt"
	"github.com/dormouse-mqtt/dormouse/broker/session"
	"github.com/dormouse-mqtt/dormouse/broker/shard"
)

// TestSlowReceiver: who does not read is given its bound and one message, at any
// size; the rest follows its queue's policy, and nobody else notices.
func TestSlowReceiver(t *testing.T) {
	for _, tt := range []struct {
		qos  mqtt.QoS
		size int
		n    int
		want int // that it gets in the end
	}{
		{0, 10, 20_000, 5000},
		{0, 1 << 10, 1000, 1000},
		{0, 100 << 10, 300, 164},
		{0, 1<<20 - 100, 100, 16},
		{1, 10, 4000, 4000},
		{1, 1<<20 - 100, 10, 10},
		{2, 1<<20 - 100, 10, 10},
	} {
		t.Run(fmt.Sprint(tt.qos, tt.size), func(t *testing.T) {
			r := newRig(t, Options{MaxInflight: 10_000, Queue: session.Limits{MaxQueued: 5000}})
			s, other, p := r.volatile("s", mqtt.V5), r.volatile("o", mqtt.V5), r.volatile("p", mqtt.V5)
			s.subscribe("t/#", tt.qos)
			other.subscribe("#", tt.qos)
			s.stuck = true
			payload := strings.Repeat("x", tt.size)
			for i := range tt.n {
				p.send(message("t", payload, tt.qos, uint16(i+1)))
				if tt.qos > 0 {
					other.send(&mqtt.Puback{PacketID: uint16(i + 1)}, &mqtt.Pubrec{PacketID: uint16(i + 1)}, &mqtt.Pubcomp{PacketID: uint16(i + 1)})
				}
				if tt.qos == 2 {
					p.send(&mqtt.Pubrel{PacketID: uint16(i + 1)})
				}
			}
			count := func(p *peer) (n int) {
				for _, x := range p.got {
					if strings.HasPrefix(x, "PUBLISH t") {
						n++
					}
				}
				return n
			}
			require.Equal(t, tt.n, count(other))
			bound := 2*(64<<10) + tt.size + 20 // what was not taken, and a round
			require.LessOrEqual(t, s.most, bound)
			given := count(s)
			require.Equal(t, tt.n-given, r.core.clients["s"].Queued()+int(r.core.clients["s"].Dropped))
			require.EqualValues(t, r.core.clients["s"].Dropped, r.core.Stats().Dropped)
			s.reads()
			require.LessOrEqual(t, s.most, bound)
			require.Zero(t, r.core.clients["s"].Queued())
			require.GreaterOrEqual(t, count(s), tt.want)
			require.Equal(t, tt.n-int(r.core.clients["s"].Dropped), count(s))
		})
	}
}

// TestSlowReceiverLosesTheOldest: at QoS 0, and what comes stays in order.
func TestSlowReceiverLosesTheOldest(t *testing.T) {
	r := newRig(t, Options{MaxOutput: 10, Queue: session.Limits{MaxQueued: 3}})
	s, p := r.volatile("s", mqtt.V311), r.volatile("p", mqtt.V311)
	s.subscribe("t", 0)
	s.stuck = true
	var all []mqtt.Packet
	for i := range 9 {
		all = append(all, message("t", fmt.Sprint("number ", i), 0, 0))
	}
	p.send(all...)
	s.reads()
	require.Equal(t, "PUBLISH t number 0 q0\nPUBLISH t number 6 q0\nPUBLISH t number 7 q0\nPUBLISH t number 8 q0", s.take())
}

// TestPanicKeepsNobodyBlocked: what undoes an event also undoes that a receiver
// was to be told when its output was taken.
func TestPanicKeepsNobodyBlocked(t *testing.T) {
	r := newRig(t, Options{MaxOutput: 10})
	s, p := r.volatile("s", mqtt.V311), r.volatile("p", mqtt.V311)
	s.subscribe("t", 0)
	b := message("t", "a message", 0, 0).AppendTo(nil, mqtt.V311)
	b = message("t", "another", 0, 0).AppendTo(b, mqtt.V311)
	r.out.BeginRound()
	r.out.BeginEvent()
	ev := shard.Event{Kind: shard.Received, Conn: p.id, Data: b}
	r.core.Handle(r.now, ev, &r.out)
	require.True(t, r.core.conns[s.id].blocked)
	r.out.Rollback()
	r.core.Evict(r.now, ev, &r.out)
	var told bool
	for _, o := range r.out.Outputs() {
		told = told || o.Conn == s.id && o.Tell
	}
	require.True(t, told)
}
