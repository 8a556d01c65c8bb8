//go:build linux

package interop

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dormouse-mqtt/dormouse/broker/client"
	"github.com/dormouse-mqtt/dormouse/broker/mqtt"
)

// maxDelay is how long 99 of 100 messages between two others may take at most,
// whatever somebody does. Other programs may keep the processors for longer, so
// one of a few attempts counts.
const maxDelay = 100 * time.Millisecond

// A disturbance is something that must not delay others. It says when it begins,
// and goes on until the context ends, or ends by itself.
type disturbance func(ctx context.Context, t *testing.T, address string, begun func())

func TestOthersAreNotDelayed(t *testing.T) {
	for _, tt := range []struct {
		name    string
		disturb disturbance
	}{
		{"by one who reads nothing", flood(0, 32<<10, false)},
		{"by one who reads nothing of QoS 1", flood(1, 32<<10, false)},
		{"by one who gets 1 MiB at a time", flood(0, 1<<20-100, true)},
		{"by 50 new subscribers to 130,000 retained messages", newcomers(50, 130_000)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := serve(t, "mqtt://127.0.0.1:0")
			var late time.Duration
			for range 3 {
				late = beside(t, s.urls["mqtt"], tt.disturb)
				if t.Logf("99 %% of messages within %v", late); late < maxDelay {
					break
				}
			}
			require.Less(t, late, maxDelay)
		})
	}
}

// beside measures how long messages between two clients take beside something.
func beside(t *testing.T, address string, disturb disturbance) time.Duration {
	from, to := dial(t, address, "from"), dial(t, address, "to")
	defer from.Close()
	defer to.Close()
	_, err := to.Subscribe(t.Context(), 0, "between/us")
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	begun, ended := make(chan struct{}), make(chan struct{})
	go func() { defer close(ended); disturb(ctx, t, address, func() { close(begun) }) }()
	<-begun
	var took []time.Duration
	for going := true; going; {
		began := time.Now()
		require.NoError(t, from.Publish(t.Context(), client.Message{Topic: "between/us", Payload: []byte("x")}))
		<-to.Messages()
		took = append(took, time.Since(began))
		select {
		case <-ended:
			going = len(took) < 100
		default:
			going = len(took) < 2000
		}
	}
	stop()
	<-ended
	slices.Sort(took)
	return took[len(took)*99/100]
}

// dial connects with 3.1.1, which is not told that a queue is full.
func dial(t *testing.T, address, id string) *client.Client {
	c, err := client.Dial(t.Context(), address, client.Options{ClientID: id, CleanStart: true})
	require.NoError(t, err)
	return c
}

// raw connects and subscribes without reading anything but the answers.
func raw(t *testing.T, address, id, filter string, qos mqtt.QoS) net.Conn {
	c, err := net.Dial("tcp", address)
	require.NoError(t, err)
	b := (&mqtt.Connect{Version: mqtt.V311, CleanStart: true, ClientID: []byte(id)}).AppendTo(nil, mqtt.V311)
	filters := mqtt.NewFilters(mqtt.AppendFilter(nil, filter, mqtt.SubscribeOptions{QoS: qos}))
	b = (&mqtt.Subscribe{PacketID: 1, Filters: filters}).AppendTo(b, mqtt.V311)
	_, err = c.Write(b)
	require.NoError(t, err)
	_, err = io.ReadFull(c, make([]byte, 4+5)) // CONNACK, SUBACK
	require.NoError(t, err)
	return c
}

// flood publishes as fast as it can to one who reads all of it or nothing.
func flood(qos byte, size int, reads bool) disturbance {
	return func(ctx context.Context, t *testing.T, address string, begun func()) {
		slow := raw(t, address, "slow", "flood", mqtt.QoS(qos))
		defer slow.Close()
		if reads {
			go io.Copy(io.Discard, slow)
		}
		c := dial(t, address, "flood")
		defer c.Close()
		payload := make([]byte, size)
		begun()
		for c.Publish(ctx, client.Message{Topic: "flood", QoS: qos, Payload: payload}) == nil {
		}
	}
}

// newcomers subscribe to everything that is retained, and read it.
func newcomers(n, retained int) disturbance {
	stored := false
	return func(ctx context.Context, t *testing.T, address string, begun func()) {
		c := dial(t, address, "keeper")
		defer c.Close()
		size := len((&mqtt.Publish{Topic: []byte("kept/000000"), Payload: []byte("value"), Retain: true}).AppendTo(nil, mqtt.V311))
		for i := 0; i < retained && !stored; i++ {
			m := client.Message{Topic: fmt.Sprintf("kept/%06d", i), Payload: []byte("value"), Retain: true}
			require.NoError(t, c.Publish(t.Context(), m))
		}
		// Those that are still under way would come as they are published, and few of
		// them are kept for one who is busy with others.
		require.NoError(t, c.Publish(t.Context(), client.Message{Topic: "end", QoS: 1}))
		stored = true
		begun()
		done := make(chan error, n)
		for i := range n {
			s := raw(t, address, fmt.Sprint("newcomer", i), "kept/#", 0)
			defer s.Close()
			s.SetReadDeadline(time.Now().Add(time.Minute))
			go func() {
				_, err := io.CopyN(io.Discard, s, int64(retained*size))
				done <- err
			}()
		}
		for range n {
			require.NoError(t, <-done)
		}
	}
}

// TestSlowReceiverCostsItsBound, and no more, at any size of the messages.
func TestSlowReceiverCostsItsBound(t *testing.T) {
	// The queue's 16 MiB, what has just come in, and room for the program itself to
	// grow. How much more there is until it is collected is Go's affair: as it is
	// configured here, little.
	const bound = 64 << 20
	t.Setenv("GOGC", "25")
	for _, size := range []int{100, 32 << 10, 1<<20 - 100} {
		for _, qos := range []byte{0, 1} {
			t.Run(fmt.Sprintf("%d octets, QoS %d", size, qos), func(t *testing.T) {
				s := serve(t, "mqtt://127.0.0.1:0")
				slow := raw(t, s.urls["mqtt"], "slow", "flood", mqtt.QoS(qos))
				defer slow.Close()
				c := dial(t, s.urls["mqtt"], "flood")
				defer c.Close()
				before, payload := s.resident(t), make([]byte, size)
				for sent := 0; sent < 128<<20 && sent < 30_000*size; sent += size {
					require.NoError(t, c.Publish(t.Context(), client.Message{Topic: "flood", QoS: qos, Payload: payload}))
				}
				require.NoError(t, c.Publish(t.Context(), client.Message{Topic: "end", QoS: 1})) // all were handled
				grown := s.resident(t) - before
				t.Logf("%d KiB", grown>>10)
				require.Less(t, grown, bound)
			})
		}
	}
}

// resident is how many octets of memory the program has.
func (s *server) resident(t *testing.T) int {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", s.cmd.Process.Pid))
	require.NoError(t, err)
	pages, err := strconv.Atoi(strings.Fields(string(b))[1])
	require.NoError(t, err)
	return pages * os.Getpagesize()
}
