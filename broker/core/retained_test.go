package core

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dormouse-mqtt/dormouse/broker/mqtt"
	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/broker/store"
	"github.com/dormouse-mqtt/dormouse/broker/topic"
)

func submit(*store.Batch) store.Ticket { return 0 }

func TestRetainedAreBounded(t *testing.T) {
	var out shard.Out
	out.BeginRound()
	c := New(NewDirectory(submit), Options{MaxRetained: 2})
	publish := func(topic, payload string) {
		c.Publish(0, 0, Publication{Topic: topic, Payload: []byte(payload), Retain: true}, &out)
	}
	for _, name := range []string{"a", "b", "c"} {
		publish(name, "1")
	}
	require.Equal(t, 2, c.Stats().Retained)
	require.EqualValues(t, 1, c.Stats().Unretained)
	publish("a", "2") // one that is there may change
	require.EqualValues(t, 1, c.Stats().Unretained)
	publish("b", "") // and make room
	publish("c", "1")
	require.Equal(t, 2, c.Stats().Retained)
	found := false
	c.directory.Scan("c", 1<<60, topic.Cursor{}, 1, func(*shard.Message) bool { found = true; return true })
	require.True(t, found)
}

// BenchmarkRetained reports what one retained message costs beyond its topic
// and its payload.
func BenchmarkRetained(b *testing.B) {
	const n = 100_000
	heap := func() int {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int(m.HeapAlloc)
	}
	topics, payload := make([]string, n), []byte("21.5")
	for i := range topics {
		topics[i] = fmt.Sprintf("sensors/%d/temperature", i)
	}
	for b.Loop() {
		before := heap()
		d := NewDirectory(submit)
		for _, topic := range topics {
			d.Restore(&shard.Message{Topic: topic, Payload: payload, QoS: 1, Retain: true})
		}
		b.ReportMetric(float64(heap()-before)/n, "octets/message")
		runtime.KeepAlive(d)
	}
}

// TestRetainedComeAfterAReconnection: what a new subscription is still owed of
// the retained messages comes on the session's next connection.
func TestRetainedComeAfterAReconnection(t *testing.T) {
	r := newRig(t, Options{})
	p := r.volatile("p", mqtt.V5)
	for i := range 3 {
		m := message(fmt.Sprint("t/", i), "x", 1, uint16(i+1))
		m.Retain = true
		p.send(m)
	}
	r.commit()
	s := r.dial(mqtt.V5)
	c := connect("s", mqtt.V5, false, 600)
	c.Properties = mqtt.NewProperties(mqtt.AppendUint16(c.Properties.Raw(), mqtt.ReceiveMaximum, 1))
	s.send(c)
	r.commit()
	s.take()
	s.subscribe("t/0", 1)
	raw := mqtt.AppendFilter(nil, "t/1", mqtt.SubscribeOptions{QoS: 1})
	s.send(&mqtt.Subscribe{PacketID: 2, Filters: mqtt.NewFilters(mqtt.AppendFilter(raw, "t/2", mqtt.SubscribeOptions{QoS: 1}))})
	r.commit()
	require.NotContains(t, s.take(), "t/2")
	s.drop()
	r.commit()
	again := r.dial(mqtt.V5)
	again.send(connect("s", mqtt.V5, false, 600))
	r.commit()
	require.Equal(t, "CONNACK present\nPUBLISH t/0 x q1 dup\nPUBLISH t/1 x q1\nPUBLISH t/2 x q1", again.take())
}

// A message that is not retained for want of room has nothing to wait for.
func TestRetainedBeyondTheBoundIsAnswered(t *testing.T) {
	r := newRig(t, Options{MaxRetained: 1})
	p := r.volatile("p", mqtt.V5)
	a, b := message("a", "x", 1, 1), message("b", "x", 1, 2)
	a.Retain, b.Retain = true, true
	p.send(a)
	r.commit()
	require.Equal(t, "PUBACK 1 0x10", p.take())
	p.send(b)
	for range 10 {
		r.advance(time.Second)
		r.commit()
	}
	require.Equal(t, "PUBACK 2 0x10", p.take())
}

// TestL10RetainedAreBacklog: their octets wait for the store like those of queues.
func TestL10RetainedAreBacklog(t *testing.T) {
	r := newRig(t, Options{})
	p := r.volatile("p", mqtt.V311)
	large := string(make([]byte, 500<<10))
	sent := 0
	for !p.paused {
		sent++
		require.Less(t, sent, 200, "100 MB wait for the store, and it is still read")
		m := message(fmt.Sprint("t/", sent%10), large, 0, 0)
		m.Retain = true
		p.send(m)
	}
}

// What a subscription is owed of more than one step comes after a reconnection.
func TestRetainedComeAfterAReconnectionInPieces(t *testing.T) {
	r := newRig(t, Options{})
	p := r.volatile("p", mqtt.V5)
	for i := range 300 {
		m := message(fmt.Sprint("t/", i), "x", 1, uint16(i+1))
		m.Retain = true
		p.send(m)
		r.commit()
	}
	s := r.kept("s", mqtt.V5)
	raw := mqtt.AppendFilter(nil, "t/#", mqtt.SubscribeOptions{QoS: 1})
	s.send(&mqtt.Subscribe{PacketID: 1, Filters: mqtt.NewFilters(raw)})
	r.commit()
	require.Contains(t, s.got, "SUBACK")
	require.Less(t, len(s.got)-1, 200)
	s.drop()
	r.commit()
	s = r.dial(mqtt.V5)
	s.send(connect("s", mqtt.V5, false, 600))
	r.commit()
	seen := map[string]bool{}
	for range 20 {
		for id := range uint16(600) {
			s.send(&mqtt.Puback{PacketID: id + 1})
		}
		r.commit()
	}
	for _, x := range s.got {
		var topic string
		if n, _ := fmt.Sscanf(x, "PUBLISH %s", &topic); n == 1 {
			seen[topic] = true
		}
	}
	require.GreaterOrEqual(t, len(seen), 300)
}
