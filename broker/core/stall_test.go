package core

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dormouse-mqtt/dormouse/broker/mqtt"
	"github.com/dormouse-mqtt/dormouse/broker/session"
	"github.com/dormouse-mqtt/dormouse/broker/store"
)

var stalled = store.Event{Kind: store.Stalled, Err: errors.New("no space left")}

// TestL9PublishersAreRefused: while the store fails, answers wait; when it has
// failed for too long, publishers are refused, and what they sent is withdrawn.
func TestL9PublishersAreRefused(t *testing.T) {
	r := newRig(t, Options{})
	s := r.kept("s", mqtt.V5)
	s.subscribe("t", 2)
	s.drop()
	r.commit()
	p, other := r.volatile("p", mqtt.V5), r.volatile("other", mqtt.V311)
	p.send(message("t", "one", 1, 7), message("t", "two", 2, 8))
	other.send(message("t", "three", 1, 9))
	r.tell(store.Event{Kind: store.Failed, Err: stalled.Err})
	require.Empty(t, p.take())

	r.tell(stalled)
	require.Equal(t, "PUBACK 7 0x97\nPUBREC 8 0x97", p.take())
	require.True(t, other.closed, "3.x has no word for it")
	require.Empty(t, other.take())
	require.Zero(t, r.core.clients["s"].Queued())
	messages, octets := r.core.clients["s"].target.Kept()
	require.Zero(t, messages+octets)

	p.send(message("t", "four", 1, 10), message("nobody", "hears", 1, 11), message("t", "zero", 0, 0))
	require.Equal(t, "PUBACK 10 0x97", p.take(), "refused at once, unless it needs no disk; the other keeps its place")
	again := r.dial(mqtt.V5)
	again.send(connect("new", mqtt.V5, false, 60))
	require.Equal(t, "CONNACK 0x88", again.take())

	r.commit()
	p.send(message("t", "five", 2, 8)) // the id was given back
	r.commit()
	require.Equal(t, "PUBACK 11 0x10\nPUBREC 8", p.take())
	r = r.reload(Options{})
	require.Equal(t, 1, r.core.clients["s"].Queued(), "the put of what was withdrawn has met its delete")
}

// TestL9WhatWasDeliveredStays: a refusal does not say that nobody got it.
func TestL9WhatWasDeliveredStays(t *testing.T) {
	r := newRig(t, Options{})
	s := r.kept("s", mqtt.V5)
	s.subscribe("t", 1)
	p := r.volatile("p", mqtt.V5)
	p.send(message("t", "one", 1, 7))
	require.Equal(t, "PUBLISH t one q1", s.take())
	r.tell(stalled)
	require.Equal(t, "PUBACK 7 0x97", p.take())
	require.Equal(t, 1, r.core.clients["s"].InFlight())
	s.send(&mqtt.Puback{PacketID: 1})
	require.True(t, r.core.clients["s"].Idle())
}

// TestL10StoreIsBehind: clients are not read while the store has too much to do.
func TestL10StoreIsBehind(t *testing.T) {
	r := newRig(t, Options{Queue: session.Limits{MaxQueued: 1 << 20, MaxQueuedBytes: 1 << 30}})
	s := r.kept("s", mqtt.V5)
	s.subscribe("t", 1)
	s.drop()
	r.commit()
	p := r.volatile("p", mqtt.V311)
	large := string(make([]byte, 100<<10))
	sent := 0
	for !p.paused {
		sent++
		require.Less(t, sent, 100)
		p.send(message("t", large, 1, uint16(sent)))
	}
	require.Greater(t, sent, 70)
	r.store.Commit(10)
	r.round()
	require.True(t, p.paused)
	r.commit()
	require.False(t, p.paused)
	require.Len(t, p.got, sent)
}
