package world

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dormouse-mqtt/dormouse/broker/mqtt"
	"github.com/dormouse-mqtt/dormouse/broker/store/sim"
)

// collector is a client with a kept session that notes the payloads it gets.
func collector(w *World, name string) (c *Client, got *[]string) {
	c, got = w.Client(name), new([]string)
	c.Got = func(p mqtt.Packet) {
		if p, ok := p.(*mqtt.Publish); ok {
			*got = append(*got, string(p.Payload))
			c.Send(&mqtt.Puback{PacketID: p.PacketID})
		}
	}
	return c, got
}

func kept(name string) *mqtt.Connect {
	return &mqtt.Connect{Version: mqtt.V311, ClientID: []byte(name)}
}

// TestCrashKeepsWhatWasAcknowledged: what is queued for an absent client comes
// after a power cut, on any number of shards.
func TestCrashKeepsWhatWasAcknowledged(t *testing.T) {
	for _, shards := range []int{1, 4} {
		w := New(1, Options{Shards: shards})
		sub, got := collector(w, "subscriber")
		sub.Connect(kept("subscriber"))
		sub.Subscribe(1, "t", 1)
		w.Run(time.Second)
		sub.Drop()
		pub := w.Client("publisher")
		acked := false
		pub.Got = func(p mqtt.Packet) {
			if _, ok := p.(*mqtt.Puback); ok {
				acked = true
				w.Crash(Crash{Power: true, Seed: 1, Down: time.Second}) // at that very moment
			}
		}
		pub.Connect(kept("publisher"))
		pub.Send(&mqtt.Publish{QoS: 1, PacketID: 1, Topic: []byte("t"), Payload: []byte("kept")})
		w.Run(5 * time.Second)
		require.True(t, acked)
		require.True(t, w.Up())
		sub.Connect(kept("subscriber"))
		w.Run(time.Second)
		require.Equal(t, []string{"kept"}, *got, "%d shards", shards)
		require.Zero(t, w.Damaged)
	}
}

// TestNothingIsAcknowledgedWhileTheDiskFails: PUBACK comes when it is repaired.
func TestNothingIsAcknowledgedWhileTheDiskFails(t *testing.T) {
	w := New(1, Options{})
	c, got := collector(w, "c")
	acks := 0
	receive := c.Got
	c.Got = func(p mqtt.Packet) {
		if _, ok := p.(*mqtt.Puback); ok {
			acks++
		}
		receive(p)
	}
	c.Connect(kept("c"))
	c.Subscribe(1, "t", 1)
	w.Run(time.Second)
	w.Break(sim.ErrIO)
	c.Send(&mqtt.Publish{QoS: 1, PacketID: 1, Topic: []byte("t"), Payload: []byte("x")})
	w.Run(5 * time.Second)
	require.Equal(t, []string{"x"}, *got, "delivery at QoS 1 waits for nothing")
	require.Zero(t, acks)
	w.Break(nil)
	w.Run(5 * time.Second)
	require.Equal(t, 1, acks)
}
