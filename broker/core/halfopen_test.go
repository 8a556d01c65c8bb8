package core

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dormouse-mqtt/dormouse/broker/mqtt"
	"github.com/dormouse-mqtt/dormouse/broker/shard"
)

// from opens a connection from an address.
func (r *rig) from(address string) *peer {
	p := &peer{rig: r, id: shard.ConnID(len(r.peers) + 1), version: mqtt.V311}
	r.peers[p.id] = p
	r.round(shard.Event{Kind: shard.Opened, Conn: p.id, Info: &shard.ConnInfo{
		Remote:       netip.AddrPortFrom(netip.MustParseAddr(address), 1),
		ListenerInfo: &shard.ListenerInfo{Anonymous: shard.AnonymousOn, MaxPacket: 1 << 20},
	}})
	return p
}

// TestL11SilentConnectionsCrowdOutTheOldest of them, not those who have said
// CONNECT, nor those from elsewhere.
func TestL11SilentConnectionsCrowdOutTheOldest(t *testing.T) {
	r := newRig(t, Options{})
	polite, elsewhere := r.from("192.0.2.1"), r.from("2001:db8::1")
	polite.send(connect("polite", mqtt.V311, true, 0))
	first, second := r.from("192.0.2.2"), r.from("192.0.2.3")
	for range maxHalfOpenFrom - 2 {
		r.from("192.0.2.4")
	}
	require.False(t, first.closed)
	r.from("192.0.2.5")
	require.True(t, first.closed)
	second.send(connect("second", mqtt.V311, true, 0)) // room for another
	r.from("192.0.2.6")
	require.EqualValues(t, 1, r.core.Stats().CrowdedOut)
	r.from("192.0.2.7")
	require.EqualValues(t, 2, r.core.Stats().CrowdedOut)
	for _, p := range []*peer{polite, second, elsewhere} {
		require.False(t, p.closed)
	}

	for i := 2; i < maxHalfOpen+2; i++ { // this host's count in all only
		r.from("127.0.0.1")
	}
	require.True(t, elsewhere.closed)
	require.False(t, polite.closed)
	require.Equal(t, maxHalfOpen, r.core.halfOpen.all.live)

	r.advance(time.Minute) // nobody has said anything
	require.Zero(t, r.core.halfOpen.all.live)
	require.Empty(t, r.core.halfOpen.from)
	require.False(t, polite.closed)
}

// TestHalfOpenLeavesNothing, however many come and go.
func TestHalfOpenLeavesNothing(t *testing.T) {
	r := newRig(t, Options{})
	r.from("192.0.2.9") // waits all the time
	for range 10_000 {
		p := r.from("192.0.2.1")
		p.send(connect("a", mqtt.V311, true, 0))
		r.round(shard.Event{Kind: shard.Closed, Conn: p.id})
		delete(r.peers, p.id)
	}
	require.Equal(t, 1, r.core.halfOpen.all.live)
	require.Less(t, len(r.core.halfOpen.all.conns), 100)
	require.Less(t, cap(r.core.halfOpen.all.conns), 1000)
}
