package core

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dormouse-mqtt/dormouse/broker/session"
	"github.com/dormouse-mqtt/dormouse/broker/shard"
)

func TestRetainedAreBounded(t *testing.T) {
	var out shard.Out
	out.BeginRound()
	c := New(NewDirectory(), Options{MaxRetained: 2})
	publish := func(topic, payload string) {
		c.Publish(0, 0, &session.Message{Topic: topic, Payload: []byte(payload), Retain: true}, &out)
	}
	for _, topic := range []string{"a", "b", "c"} {
		publish(topic, "1")
	}
	require.Equal(t, 2, c.Stats().Retained)
	require.EqualValues(t, 1, c.Stats().Unretained)
	publish("a", "2") // one that is there may change
	require.EqualValues(t, 1, c.Stats().Unretained)
	publish("b", "") // and make room
	publish("c", "1")
	require.Equal(t, 2, c.Stats().Retained)
	require.True(t, c.isRetained("c"))
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
		d := NewDirectory()
		for _, topic := range topics {
			d.Retain(topic, &session.Message{Topic: topic, Payload: payload, QoS: 1, Retain: true})
		}
		b.ReportMetric(float64(heap()-before)/n, "octets/message")
		runtime.KeepAlive(d)
	}
}
