package core

import (
	"testing"
	"time"

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
				got = o.Octets(got)
			}
		}
		handle(shard.Event{Kind: shard.Opened, Info: &shard.ConnInfo{ListenerInfo: &shard.ListenerInfo{Anonymous: shard.AnonymousOn, MaxPacket: 1000}}})
		handle(shard.Event{Kind: shard.Received, Data: stream[:cut]})
		handle(shard.Event{Kind: shard.Received, Data: stream[cut:]})
		require.Equal(t, connack+pingresp+pingresp, string(got), "cut at %d", cut)
	}
}

// Who is not read cannot be found silent.
func TestKeepAliveWhileHeldBack(t *testing.T) {
	r := newRig(t, Options{})
	s := r.kept("s", mqtt.V5)
	s.subscribe("t", 1)
	s.drop()
	r.commit()
	p := r.dial(mqtt.V311)
	c := connect("p", mqtt.V311, true, 0)
	c.KeepAlive = 2
	p.send(c)
	r.commit()
	p.take()
	large := string(make([]byte, 100<<10))
	for sent := 1; !p.paused; sent++ {
		p.send(message("t", large, 1, uint16(sent)))
	}
	for range 5 { // it sends PINGREQs, which nobody reads
		r.advance(time.Second)
	}
	require.False(t, p.closed)
}

// Keep-alive begins with CONNACK, which may wait for the store.
func TestKeepAliveBeforeConnack(t *testing.T) {
	r := newRig(t, Options{})
	p := r.dial(mqtt.V311)
	c := connect("p", mqtt.V311, false, 0)
	c.KeepAlive = 1
	p.send(c)
	r.advance(2 * time.Second)
	require.False(t, p.closed, "its CONNACK has not left")
}

// What was sent behind CONNECT counts, even if the connection ends before its
// CONNACK: here a message, and a DISCONNECT that discards the will.
func TestPipelinedAndGone(t *testing.T) {
	r := newRig(t, Options{})
	w := r.volatile("w", mqtt.V311)
	w.subscribe("#", 0)
	p := r.dial(mqtt.V311)
	c := connect("p", mqtt.V311, false, 0)
	c.HasWill, c.Will = true, mqtt.Will{Topic: []byte("wills"), Payload: []byte("gone")}
	p.send(c, message("t", "hello", 0, 0), &mqtt.Disconnect{})
	p.drop()
	r.commit()
	require.Equal(t, "PUBLISH t hello q0", w.take())
}

// The longest keep-alive has 16 bits.
func TestKeepAliveMaxOfADay(t *testing.T) {
	r := newRig(t, Options{KeepAliveMax: 65536 * time.Second})
	p := r.dial(mqtt.V311)
	p.send(connect("p", mqtt.V311, true, 0)) // keep alive off
	require.NotZero(t, r.core.conns.Get(p.id).keepAlive)
}
