package core

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dormouse-mqtt/dormouse/broker/mqtt"
	"github.com/dormouse-mqtt/dormouse/broker/shard"
)

// TestReceiversOfAllKinds: a message is encoded once for those who get the same,
// and each gets what it is to get.
func TestReceiversOfAllKinds(t *testing.T) {
	for _, size := range []int{5, largePayload, largePayload + 1, 50_000} {
		for _, qos := range []mqtt.QoS{0, 1, 2} {
			r := newRig(t, Options{})
			var want []string
			var peers []*peer
			payload := strings.Repeat("x", size)
			for i := range 48 { // all kinds, in an order that mixes them
				v := []mqtt.Version{mqtt.V311, mqtt.V5}[i%2]
				o := mqtt.SubscribeOptions{QoS: mqtt.QoS(i % 3), RetainAsPublished: i%5 == 0 && v == mqtt.V5}
				p := r.volatile(fmt.Sprint(i), v)
				if i%7 == 0 {
					p = r.kept(fmt.Sprint("kept", i), v)
				}
				s := &mqtt.Subscribe{PacketID: 1, Filters: mqtt.NewFilters(mqtt.AppendFilter(nil, "t/+", o))}
				text := fmt.Sprintf("PUBLISH t/1 %s q%d", payload, min(qos, o.QoS))
				if i%4 == 1 {
					s.Properties = mqtt.NewProperties(mqtt.AppendVarint(nil, mqtt.SubscriptionIdentifier, uint32(i+1)))
				}
				p.send(s)
				r.commit()
				p.take()
				peers, want = append(peers, p), append(want, text)
			}
			m := message("t/1", payload, qos, 1)
			m.Properties = mqtt.NewProperties(mqtt.AppendString(mqtt.AppendUint32(nil, mqtt.MessageExpiryInterval, 100), mqtt.ContentType, "text"))
			p := r.volatile("p", mqtt.V5)
			for range 3 {
				p.send(m)
				p.send(&mqtt.Pubrel{PacketID: 1})
				r.commit()
			}
			for i, s := range peers {
				require.Equal(t, strings.Join([]string{want[i], want[i], want[i]}, "\n"), s.take(), i)
				for n, q := range s.publishes {
					require.Equal(t, s.version == mqtt.V5, q.Properties.Has(mqtt.ContentType))
					require.Equal(t, s.version == mqtt.V5, q.Properties.Has(mqtt.MessageExpiryInterval))
					id, _ := q.Properties.Uint32(mqtt.SubscriptionIdentifier)
					if s.version == mqtt.V5 && i%4 == 1 {
						require.EqualValues(t, i+1, id)
					} else {
						require.Zero(t, id)
					}
					if q.QoS > 0 {
						require.EqualValues(t, n+1, q.PacketID)
					}
				}
			}
		}
	}
}

// TestLargePayloadsAreShared: of a large message there is one copy, whoever gets
// it and whatever it waits for.
func TestLargePayloadsAreShared(t *testing.T) {
	for _, qos := range []mqtt.QoS{0, 1, 2} {
		r := newRig(t, Options{})
		const n = 100
		for i := range n {
			r.kept(fmt.Sprint(i), mqtt.V311).subscribe("t", qos)
		}
		p := r.volatile("p", mqtt.V311)
		b := message("t", strings.Repeat("x", 1<<20-100), qos, 1).AppendTo(nil, mqtt.V311)
		r.out.BeginRound()
		r.core.Handle(r.now, shard.Event{Kind: shard.Received, Conn: p.id, Data: b}, &r.out)
		if qos == 2 {
			require.Equal(t, n+1, r.core.ring.Len()) // PUBREC too
			r.out.Submit(r.store.Submit)
			r.store.Commit(-1)
			r.out.BeginRound()
			r.out.Committed(r.told[len(r.told)-1].Ticket)
			r.core.Handle(r.now, shard.Event{Kind: shard.Stored, Store: r.told[len(r.told)-1]}, &r.out)
		}
		var first *byte
		got := 0
		for _, o := range r.out.Outputs() {
			if o.Conn == p.id {
				continue
			}
			require.Len(t, o.Large, 1)
			require.Less(t, len(o.Data), 20)
			if first == nil {
				first = &o.Large[0].Data[0]
			}
			require.Same(t, first, &o.Large[0].Data[0])
			got++
		}
		require.Equal(t, n, got)
	}
}

// TestRetainedPayloadsAreShared: also with what is retained.
func TestRetainedPayloadsAreShared(t *testing.T) {
	r := newRig(t, Options{})
	p := r.volatile("p", mqtt.V311)
	m := message("t", strings.Repeat("x", 100_000), 1, 1)
	m.Retain = true
	p.send(m)
	r.commit()
	var seen []*byte
	for i := range 2 {
		s := r.volatile(fmt.Sprint(i), mqtt.V311)
		r.out.BeginRound()
		b := (&mqtt.Subscribe{PacketID: 1, Filters: mqtt.NewFilters(mqtt.AppendFilter(nil, "t", mqtt.SubscribeOptions{QoS: 1}))}).AppendTo(nil, mqtt.V311)
		r.core.Handle(r.now, shard.Event{Kind: shard.Received, Conn: s.id, Data: b}, &r.out)
		for _, o := range r.out.Outputs() {
			seen = append(seen, &o.Large[0].Data[0])
		}
	}
	require.Len(t, seen, 2)
	require.Same(t, seen[0], seen[1])
}

// TestPanicForgetsTheEncoding: of the message whose handling it ended.
func TestPanicForgetsTheEncoding(t *testing.T) {
	r := newRig(t, Options{})
	a, b, p := r.volatile("a", mqtt.V311), r.volatile("b", mqtt.V311), r.volatile("p", mqtt.V311)
	a.subscribe("t", 0)
	b.subscribe("t", 0)
	victim := r.core.clients.Get("b")
	victim.target.client = nil // when it gets its copy
	r.out.BeginRound()
	r.out.BeginEvent()
	data := message("t", "one", 0, 0).AppendTo(nil, mqtt.V311)
	require.Panics(t, func() {
		r.core.Handle(r.now, shard.Event{Kind: shard.Received, Conn: p.id, Data: data}, &r.out)
	})
	r.out.Rollback()
	victim.target.client = victim
	p.send(message("t", "two", 0, 0))
	require.Equal(t, "PUBLISH t two q0", a.take())
	require.Equal(t, "PUBLISH t two q0", b.take())
}
