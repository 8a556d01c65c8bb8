//go:build linux && !race

package broker

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"runtime/metrics"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dormouse-mqtt/dormouse/broker/client"
	"github.com/dormouse-mqtt/dormouse/broker/mqtt"
)

const (
	maxPause    = 5 * time.Millisecond  // of all goroutines, in a collection
	maxResponse = 20 * time.Millisecond // of an HTTP server in the process, 99 of 100
)

// TestLatencyBesideTheLoops: collections stop the world only for a moment beside a
// shard that waits, and beside one that is busy, and somebody else's requests are
// answered (decision 0002). Other programs may take the processors away for longer
// than that, so one of a few attempts counts.
func TestLatencyBesideTheLoops(t *testing.T) {
	for name, busy := range map[string]bool{"waiting": false, "busy": true} {
		t.Run(name, func(t *testing.T) {
			_, address := start(t, Options{})
			if busy {
				for i := range 8 {
					id := fmt.Sprint("busy", i)
					keepBusy(t, dial(t, address, id), id)
				}
			}
			live := make([][]byte, 60_000) // for the collector to look at
			for i := range live {
				live[i] = make([]byte, 1000)
			}
			var pause, response time.Duration
			for range 20 {
				pause, response = beside(t)
				if t.Logf("longest pause %v, 99 %% of responses within %v", pause, response); pause < maxPause && response < maxResponse {
					break
				}
			}
			require.Less(t, pause, maxPause)
			require.Less(t, response, maxResponse)
			runtime.KeepAlive(live)
		})
	}
}

// keepBusy has a client publish to itself until the test ends.
func keepBusy(t *testing.T, c *client.Client, topic string) {
	_, err := c.Subscribe(t.Context(), 1, topic)
	require.NoError(t, err)
	go func() {
		for range c.Messages() {
		}
	}()
	go func() {
		for c.Publish(t.Context(), client.Message{Topic: topic, QoS: byte(mqtt.AtLeastOnce), Payload: []byte("x")}) == nil {
		}
	}()
}

// beside forces collections while it asks an HTTP server, and measures both.
func beside(t *testing.T) (pause, response time.Duration) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	before := pauses()
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				runtime.GC()
			}
		}
	}()
	var took []time.Duration
	for range 300 {
		began := time.Now()
		r, err := server.Client().Get(server.URL)
		require.NoError(t, err)
		r.Body.Close()
		took = append(took, time.Since(began))
	}
	close(stop)
	<-stopped
	slices.Sort(took)
	after := pauses()
	for i, n := range after.Counts {
		if n > before.Counts[i] {
			pause = time.Duration(after.Buckets[i] * float64(time.Second)) // at least
		}
	}
	return pause, took[len(took)*99/100]
}

// pauses is the distribution of how long collections stopped the world.
func pauses() *metrics.Float64Histogram {
	s := []metrics.Sample{{Name: "/sched/pauses/total/gc:seconds"}}
	metrics.Read(s)
	h := *s[0].Value.Float64Histogram()
	h.Counts = slices.Clone(h.Counts)
	return &h
}
