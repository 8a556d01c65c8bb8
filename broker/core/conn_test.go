package core

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dormouse-mqtt/dormouse/broker/mqtt"
	"github.com/dormouse-mqtt/dormouse/broker/shard"
)

// A stream may be cut anywhere: also so that CONNACK leaves while the octets
// that CONNECT came in are still being handled.
func TestStreamInTwoPieces(t *testing.T) {
	stream := (&mqtt.Connect{Version: mqtt.V311, CleanStart: true, ClientID: []byte("c")}).AppendTo(nil, mqtt.V311)
	stream = (&mqtt.Pingreq{}).AppendTo(stream, mqtt.V311)
	stream = (&mqtt.Pingreq{}).AppendTo(stream, mqtt.V311)
	const connack, pingresp = "\x20\x02\x00\x00", "\xd0\x00"
	for cut := range len(stream) + 1 {
		c := New(NewDirectory(submit), Options{})
		var out shard.Out
		var got []byte
		handle := func(ev shard.Event) {
			out.BeginRound()
			ev.Conn = 1
			c.Handle(0, ev, &out)
			for _, o := range out.Outputs() {
				require.False(t, o.Close, "cut at %d", cut)
				got = append(got, o.Data...)
			}
		}
		handle(shard.Event{Kind: shard.Opened, Info: &shard.ConnInfo{Anonymous: shard.AnonymousOn, MaxPacket: 1000}})
		handle(shard.Event{Kind: shard.Received, Data: stream[:cut]})
		handle(shard.Event{Kind: shard.Received, Data: stream[cut:]})
		require.Equal(t, connack+pingresp+pingresp, string(got), "cut at %d", cut)
	}
}
