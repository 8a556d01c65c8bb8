package core

import (
	"fmt"
	"runtime"
	"testing"

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
	c.directory.Scan("c", 1<<60, topic.Cursor{}, 1, func(*shard.Message) { found = true })
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
