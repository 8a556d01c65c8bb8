package core

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dormouse-mqtt/dormouse/broker/mqtt"
	"github.com/dormouse-mqtt/dormouse/broker/session"
	"github.com/dormouse-mqtt/dormouse/broker/shard"
)

// TestSlowReceiver: who does not read is given its bound and one message, at any
// size; the rest follows its queue's policy, and nobody else notices.
func TestSlowReceiver(t *testing.T) {
	const output = 4 << 10
	for _, tt := range []struct {
		qos  mqtt.QoS
		size int
		n    int
		want int // that it gets in the end
	}{
		{0, 10, 6000, 5000},
		{0, 1 << 10, 900, 900},
		{0, 6 << 10, 250, 170},
		{0, 60 << 10, 40, 17},
		{1, 10, 2000, 2000},
		{1, 60 << 10, 10, 10},
		{2, 60 << 10, 10, 10},
	} {
		t.Run(fmt.Sprint(tt.qos, tt.size), func(t *testing.T) {
			r := newRig(t, Options{MaxOutput: output, MaxInflight: 10_000, Queue: session.Limits{MaxQueued: 5000, MaxQueuedBytes: 1 << 20}})
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
			bound := 2*output + tt.size + 20 // what was not taken, and a round
			require.LessOrEqual(t, s.most, bound)
			given := count(s)
			require.Equal(t, tt.n-given, r.core.clients.Get("s").Queued()+int(r.core.clients.Get("s").Dropped))
			require.EqualValues(t, r.core.clients.Get("s").Dropped, r.core.Stats().Dropped)
			s.reads()
			require.LessOrEqual(t, s.most, bound)
			require.Zero(t, r.core.clients.Get("s").Queued())
			require.GreaterOrEqual(t, count(s), tt.want)
			require.Equal(t, tt.n-int(r.core.clients.Get("s").Dropped), count(s))
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

// TestOneLargeMessage: who has all that there is need not say that he took it.
func TestOneLargeMessage(t *testing.T) {
	r := newRig(t, Options{})
	s, p := r.volatile("s", mqtt.V311), r.volatile("p", mqtt.V311)
	s.subscribe("t", 1)
	b := message("t", strings.Repeat("x", 100_000), 1, 1).AppendTo(nil, mqtt.V311)
	r.out.BeginRound()
	r.core.Handle(r.now, shard.Event{Kind: shard.Received, Conn: p.id, Data: b}, &r.out)
	require.Len(t, r.out.Outputs(), 2)
	for _, o := range r.out.Outputs() {
		require.False(t, o.Tell)
	}
	require.False(t, r.core.conns.Get(s.id).blocked)
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
	require.True(t, r.core.conns.Get(s.id).blocked)
	r.out.Rollback()
	r.core.Evict(r.now, ev, &r.out)
	var told bool
	for _, o := range r.out.Outputs() {
		told = told || o.Conn == s.id && o.Tell
	}
	require.True(t, told)
}

// TestPanicLeavesNobodyUnread: nor that a client is read again, or not.
func TestPanicLeavesNobodyUnread(t *testing.T) {
	r := newRig(t, Options{Queue: session.Limits{MaxQueued: 1 << 20, MaxQueuedBytes: 1 << 30}})
	r.kept("s", mqtt.V5).subscribe("t", 1)
	r.commit()
	p := r.volatile("p", mqtt.V311)
	for id := uint16(1); !p.paused; id++ {
		p.send(message("t", string(make([]byte, 100<<10)), 1, id))
	}
	panicked := func(ev shard.Event) shard.ReadControl {
		r.out.BeginEvent()
		r.core.Handle(r.now, ev, &r.out)
		r.out.Rollback()
		r.core.Evict(r.now, ev, &r.out)
		for _, o := range r.out.Outputs() {
			if o.Conn == p.id {
				return o.Read
			}
		}
		return shard.ReadUnchanged
	}
	r.out.BeginRound()
	require.Equal(t, shard.ReadPause, panicked(shard.Event{Kind: shard.LinkUp}))
	r.store.Commit(-1)
	r.out.BeginRound()
	for _, ev := range r.told {
		r.out.Committed(ev.Ticket)
	}
	require.Equal(t, shard.ReadResume, panicked(shard.Event{Kind: shard.Stored, Store: r.told[0]}))
}

// TestManyScans: retained messages for many new subscribers come in turns, so
// that no round is long, all get on, and others are served between.
func TestManyScans(t *testing.T) {
	const subscribers, retained = 20, 3000
	c := New(NewDirectory(submit), Options{})
	var out shard.Out
	var now shard.Time
	got := map[shard.ConnID]int{}
	var next []shard.Event
	live := Publication{Topic: "live", Payload: []byte("0123456789")}
	round := func() (sum int) {
		out.BeginRound()
		for _, ev := range next {
			c.Handle(now, ev, &out)
		}
		next = nil
		c.Publish(now, 0, live, &out)
		c.Advance(now, &out)
		out.Submit(submit)
		for _, o := range out.Outputs() {
			n := strings.Count(string(o.Octets(nil)), "0123456789")
			got[o.Conn] += n
			if sum += n; o.Tell {
				next = append(next, shard.Event{Kind: shard.Drained, Conn: o.Conn})
			}
		}
		return sum
	}
	for i := range retained {
		c.Publish(0, 0, Publication{Topic: fmt.Sprint("t/", i), Payload: []byte("0123456789"), Retain: true}, &out)
	}
	info := &shard.ConnInfo{ListenerInfo: &shard.ListenerInfo{Anonymous: shard.AnonymousOn, MaxPacket: 1 << 20}}
	for i := range subscribers + 1 {
		id := shard.ConnID(i + 1)
		filter := "t/#"
		if i == subscribers {
			filter = "live"
		}
		b := connect(fmt.Sprint(i), mqtt.V311, true, 0).AppendTo(nil, mqtt.V311)
		b = (&mqtt.Subscribe{PacketID: 1, Filters: mqtt.NewFilters(mqtt.AppendFilter(nil, filter, mqtt.SubscribeOptions{}))}).AppendTo(b, mqtt.V311)
		next = append(next, shard.Event{Kind: shard.Opened, Conn: id, Info: info}, shard.Event{Kind: shard.Received, Conn: id, Data: b})
	}
	rounds := 0
	for {
		require.LessOrEqual(t, round(), maxScan+scanStep+1)
		least, largest := retained, 0
		for i := range subscribers {
			n := got[shard.ConnID(i+1)]
			least, largest = min(least, n), max(largest, n)
		}
		if least == retained {
			break
		}
		rounds++
		require.Equal(t, rounds, got[subscribers+1])
		if rounds%5 == 0 {
			require.LessOrEqual(t, largest-least, 2*scanStep)
		}
		require.Less(t, rounds, 100)
		_, ok := c.Deadline()
		require.True(t, ok)
	}
	require.GreaterOrEqual(t, rounds, subscribers*retained/(maxScan+scanStep)-1)
}

// TestLargeRetained: a step of a scan is bounded in octets too, so that it does
// not overflow the queue.
func TestLargeRetained(t *testing.T) {
	r := newRig(t, Options{Queue: session.Limits{MaxQueuedBytes: 4 << 20}})
	p := r.volatile("p", mqtt.V5)
	large := strings.Repeat("x", 200<<10)
	for i := range 30 { // 6 MB
		m := message(fmt.Sprint("t/", i), large, 0, 0)
		m.Retain = true
		p.send(m)
		r.commit()
	}
	s := r.volatile("s", mqtt.V5)
	s.send(&mqtt.Subscribe{PacketID: 1, Filters: mqtt.NewFilters(mqtt.AppendFilter(nil, "#", mqtt.SubscribeOptions{}))})
	r.commit()
	require.Len(t, s.got, 31)
	require.LessOrEqual(t, s.most, 64<<10+len(large)+20)
}

// TestManyDeadlines: thousands who fell silent at once do not make one long round.
func TestManyDeadlines(t *testing.T) {
	const n = maxHalfOpen
	c := New(NewDirectory(submit), Options{})
	var out shard.Out
	out.BeginRound()
	for i := range n {
		c.Handle(0, shard.Event{Kind: shard.Opened, Conn: shard.ConnID(i + 1), Info: &shard.ConnInfo{}}, &out)
	}
	for rounds := 0; c.conns.Len() > 0; rounds++ {
		require.Less(t, rounds, n/maxDue+1)
		before := c.conns.Len()
		out.BeginRound()
		c.Advance(time.Minute, &out)
		require.LessOrEqual(t, before-c.conns.Len(), maxDue)
	}
}
