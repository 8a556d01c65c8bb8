package broker

import (
	"io"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/dormouse-mqtt/dormouse/broker/client"
	"github.com/dormouse-mqtt/dormouse/broker/core"
	"github.com/dormouse-mqtt/dormouse/broker/mqtt"
	"github.com/dormouse-mqtt/dormouse/broker/shard"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// both runs a test with each of the two loops.
func both(t *testing.T, test func(t *testing.T, o Options)) {
	for _, twin := range []bool{false, true} {
		t.Run(map[bool]string{false: "polled", true: "twin"}[twin], func(t *testing.T) { test(t, Options{Twin: twin}) })
	}
}

// start starts a broker on a free port.
func start(t *testing.T, o Options) (*Broker, netip.AddrPort) {
	o.Listeners = []Listener{{URL: "mqtt://127.0.0.1:0", Address: "127.0.0.1:0"}}
	o.Logger = quiet
	b, err := Start(o)
	require.NoError(t, err)
	t.Cleanup(b.Close)
	return b, b.Addrs()[0]
}

func dial(t *testing.T, address netip.AddrPort, id string) *client.Client {
	c, err := client.Dial(t.Context(), address.String(), client.Options{Version: mqtt.V5, ClientID: id, CleanStart: true})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

// TestChurnLeavesNothing connects, publishes and leaves in many ways at once.
func TestChurnLeavesNothing(t *testing.T) {
	both(t, func(t *testing.T, o Options) {
		b, address := start(t, o)
		listener := dial(t, address, "listener")
		_, err := listener.Subscribe(t.Context(), 1, "#")
		require.NoError(t, err)
		const clients, rounds = 8, 20
		var all sync.WaitGroup
		for i := range clients {
			all.Go(func() {
				for range rounds {
					c, err := client.Dial(t.Context(), address.String(), client.Options{ClientID: string(rune('a' + i)), CleanStart: true})
					if err != nil {
						t.Error(err)
						return
					}
					if err := c.Publish(t.Context(), client.Message{Topic: "t", QoS: 1}); err != nil {
						t.Error(err)
					}
					c.Close()
					garbage, err := net.Dial("tcp", address.String())
					if err != nil {
						t.Error(err)
						return
					}
					garbage.Write([]byte{0x10, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF})
					io.Copy(io.Discard, garbage) // until it is closed
					garbage.Close()
				}
			})
		}
		for range clients * rounds {
			<-listener.Messages()
		}
		all.Wait()
		var s core.Stats
		require.True(t, b.Inspect(func(c *core.Core) { s = c.Stats() }))
		require.EqualValues(t, clients*rounds, s.Malformed)
		require.EqualValues(t, clients*rounds, s.Published)
		require.LessOrEqual(t, s.Sessions, 1+clients)
	})
}

// A trap is a machine that panics when it hears a magic word.
type trap struct{ shard.Machine }

func (m trap) Handle(now shard.Time, ev shard.Event, out *shard.Out) {
	m.Machine.Handle(now, ev, out)
	if ev.Kind == shard.Received && len(ev.Data) > 4 && string(ev.Data[len(ev.Data)-4:]) == "boom" {
		panic("boom")
	}
}

// TestPanicCostsOneConnection (L15).
func TestPanicCostsOneConnection(t *testing.T) {
	_, address := start(t, Options{Machine: func(_ int, c *core.Core) shard.Machine { return trap{c} }})
	other := dial(t, address, "other")
	_, err := other.Subscribe(t.Context(), 1, "t")
	require.NoError(t, err)
	victim := dial(t, address, "victim")
	require.Error(t, victim.Publish(t.Context(), client.Message{Topic: "elsewhere", QoS: 1, Payload: []byte("boom")}))
	require.NoError(t, other.Publish(t.Context(), client.Message{Topic: "t", QoS: 1, Payload: []byte("on it goes")}))
	require.Equal(t, "on it goes", string((<-other.Messages()).Payload))
}

// TestSlowSubscriberCostsItself: one that reads nothing delays nobody.
func TestSlowSubscriberCostsItself(t *testing.T) {
	both(t, func(t *testing.T, o Options) {
		_, address := start(t, o)
		slow, err := net.Dial("tcp", address.String())
		require.NoError(t, err)
		defer slow.Close()
		slow.Write((&mqtt.Connect{Version: mqtt.V311, CleanStart: true, ClientID: []byte("slow")}).AppendTo(nil, mqtt.V311))
		raw := mqtt.AppendFilter(nil, "#", mqtt.SubscribeOptions{})
		slow.Write((&mqtt.Subscribe{PacketID: 1, Filters: mqtt.NewFilters(raw)}).AppendTo(nil, mqtt.V311))
		healthy := dial(t, address, "healthy")
		_, err = healthy.Subscribe(t.Context(), 1, "#")
		require.NoError(t, err)
		payload := make([]byte, 32<<10)
		for range 1000 { // more than the socket's buffers and the queue's bound take
			require.NoError(t, healthy.Publish(t.Context(), client.Message{Topic: "t", QoS: 1, Payload: payload}))
			require.Len(t, (<-healthy.Messages()).Payload, len(payload))
		}
	})
}

func TestCloseEndsSilentConnections(t *testing.T) {
	both(t, func(t *testing.T, o Options) {
		b, address := start(t, o)
		silent, err := net.Dial("tcp", address.String())
		require.NoError(t, err)
		defer silent.Close()
		began := time.Now()
		b.Close()
		require.Less(t, time.Since(began), 10*time.Second)
	})
}
