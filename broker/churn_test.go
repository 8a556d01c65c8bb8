package broker

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dormouse-mqtt/dormouse/broker/client"
	"github.com/dormouse-mqtt/dormouse/broker/core"
	"github.com/dormouse-mqtt/dormouse/broker/mqtt"
)

// held is what a process must not have more of in the end.
type held struct{ heap, goroutines, descriptors int }

func holds(t *testing.T) held {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("there is no /proc/self/fd to count descriptors in")
	}
	return held{int(m.HeapAlloc), runtime.NumGoroutine(), len(files)}
}

// TestCyclesLeaveNothing connects, publishes, subscribes and leaves 10,000 times
// from eight clients at once, who take over each other's sessions.
func TestCyclesLeaveNothing(t *testing.T) {
	for _, tt := range []struct {
		Options
		cycles int
	}{{Options{Shards: 1}, 10_000}, {Options{Shards: 4}, 10_000}, {Options{Shards: 4, Twin: true}, 2_000}} {
		t.Run(fmt.Sprint(tt.Shards, " shards, twin ", tt.Twin), func(t *testing.T) {
			b, address := start(t, tt.Options)
			cycles(t, address, 200) // buffers that stay
			before := holds(t)
			cycles(t, address, tt.cycles)
			for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) { // sockets linger
				sessions := 0
				b.Inspect(func(c *core.Core) { sessions += c.Stats().Sessions })
				after := holds(t)
				if sessions == 0 && after.goroutines <= before.goroutines && after.descriptors <= before.descriptors &&
					after.heap <= before.heap+2<<20 {
					return
				}
				require.True(t, time.Now().Before(deadline), "%d sessions; before %v, after %v", sessions, before, after)
			}
		})
	}
}

func cycles(t *testing.T, address netip.AddrPort, n int) {
	const workers = 8
	var all sync.WaitGroup
	for w := range workers {
		all.Go(func() {
			random := rand.New(rand.NewPCG(uint64(w), 0))
			for range n / workers {
				cycle(t, address, random)
			}
		})
	}
	all.Wait()
}

// cycle is one connection, under an id that others use too: what it asks for may
// fail because it was taken over.
func cycle(t *testing.T, address netip.AddrPort, random *rand.Rand) {
	id := fmt.Sprint("c", random.IntN(16))
	c, err := client.Dial(t.Context(), address.String(), client.Options{Version: mqtt.V5, ClientID: id, CleanStart: true})
	if err != nil {
		return
	}
	if random.IntN(2) == 0 {
		_, _ = c.Subscribe(t.Context(), byte(random.IntN(3)), fmt.Sprint("t/", random.IntN(4)), "all/#")
	}
	for range random.IntN(4) {
		_ = c.Publish(t.Context(), client.Message{Topic: fmt.Sprint("t/", random.IntN(4)), QoS: byte(random.IntN(3)), Payload: []byte(id)})
	}
	c.Close()
}

// TestExactlyOnceBetweenShards: messages of QoS 2 from eight publishers come once
// each and in order, whatever shards everybody lives on.
func TestExactlyOnceBetweenShards(t *testing.T) {
	const publishers, subscribers, each = 8, 4, 200
	both(t, func(t *testing.T, o Options) {
		o.Shards = 4
		_, address := start(t, o)
		var all sync.WaitGroup
		for i := range subscribers {
			s := dial(t, address, fmt.Sprint("subscriber", i))
			_, err := s.Subscribe(t.Context(), 2, "t/#")
			require.NoError(t, err)
			all.Go(func() {
				next := map[string]int{}
				for range publishers * each {
					m := <-s.Messages()
					if want := fmt.Sprint(next[m.Topic]); string(m.Payload) != want {
						t.Errorf("%s: %s instead of %s", m.Topic, m.Payload, want)
						return
					}
					next[m.Topic]++
				}
			})
		}
		for i := range publishers {
			p := dial(t, address, fmt.Sprint("publisher", i))
			all.Go(func() {
				for n := range each {
					if err := p.Publish(t.Context(), client.Message{Topic: fmt.Sprint("t/", i), QoS: 2, Payload: fmt.Append(nil, n)}); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		all.Wait()
	})
}

// TestSharedBetweenShards: of a shared subscription each message goes to one
// member, on whatever shard that lives, also while members come and go.
func TestSharedBetweenShards(t *testing.T) {
	const publishers, workers, each = 4, 5, 300
	both(t, func(t *testing.T, o Options) {
		o.Shards = 4
		_, address := start(t, o)
		var got sync.Map
		var count atomic.Int64
		work := func(c *client.Client) {
			for m := range c.Messages() {
				if _, twice := got.LoadOrStore(string(m.Payload), true); !twice {
					count.Add(1)
				}
			}
		}
		for i := range workers {
			w := dial(t, address, fmt.Sprint("worker", i))
			_, err := w.Subscribe(t.Context(), 1, "$share/g/jobs/#")
			require.NoError(t, err)
			go work(w)
		}
		var all sync.WaitGroup
		all.Go(func() { // somebody who never stays long
			for i := range 20 {
				c, err := client.Dial(t.Context(), address.String(), client.Options{ClientID: fmt.Sprint("guest", i), CleanStart: true})
				if err != nil {
					t.Error(err)
					return
				}
				all.Go(func() { work(c) })
				if _, err = c.Subscribe(t.Context(), 1, "$share/g/jobs/#"); err != nil {
					t.Error(err)
				}
				c.Close()
			}
		})
		for i := range publishers {
			p := dial(t, address, fmt.Sprint("publisher", i))
			all.Go(func() {
				for n := range each {
					if err := p.Publish(t.Context(), client.Message{Topic: "jobs/1", QoS: 1, Payload: fmt.Append(nil, i, "-", n)}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
		require.Eventually(t, func() bool { return count.Load() == publishers*each }, 10*time.Second, 10*time.Millisecond,
			"%d of %d", count.Load(), publishers*each)
	})
}
