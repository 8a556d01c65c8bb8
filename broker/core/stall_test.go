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
	require.Zero(t, r.core.clients.Get("s").Queued())
	messages, octets := r.core.clients.Get("s").target.Kept()
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
	require.Equal(t, 1, r.core.clients.Get("s").Queued(), "the put of what was withdrawn has met its delete")
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
	require.Equal(t, 1, r.core.clients.Get("s").InFlight())
	s.send(&mqtt.Puback{PacketID: 1})
	require.True(t, r.core.clients.Get("s").Idle())
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

// TestL9RefusedMessageMayComeAgain: its publisher had gone when it was refused;
// the id that it has taken may not outlive the message.
func TestL9RefusedMessageMayComeAgain(t *testing.T) {
	r := newRig(t, Options{})
	s := r.kept("s", mqtt.V5)
	s.subscribe("t", 2)
	s.drop()
	r.commit()
	p := r.kept("p", mqtt.V5)
	p.send(message("t", "precious", 2, 7))
	r.tell(store.Event{Kind: store.Failed, Err: stalled.Err})
	p.drop() // it lost patience
	r.tell(stalled)
	r.commit() // the disk works again

	p = r.dial(mqtt.V5)
	p.send(connect("p", mqtt.V5, false, 600))
	r.commit()
	require.Equal(t, "CONNACK present", p.take())
	m := message("t", "precious", 2, 7)
	m.Dup = true
	p.send(m)
	r.commit()
	require.Equal(t, "PUBREC 7", p.take())
	require.Equal(t, 1, r.core.clients.Get("s").Queued(), "acknowledged, and nobody has it")
}

// TestL9ExactlyOnceOf311: MQTT 3.x has no refusal for QoS 2, so the message stays
// and with it its id: who has had it does not get it again.
func TestL9ExactlyOnceOf311(t *testing.T) {
	r := newRig(t, Options{})
	s := r.kept("s", mqtt.V311)
	s.subscribe("t", 2)
	s.drop()
	r.commit()
	v := r.volatile("v", mqtt.V311)
	v.subscribe("t", 2)
	p := r.kept("p", mqtt.V311)
	p.send(message("t", "once", 2, 7))
	require.Equal(t, "PUBLISH t once q2", v.take())
	r.tell(store.Event{Kind: store.Failed, Err: stalled.Err})
	r.tell(stalled)
	require.True(t, p.closed)
	r.commit()
	p = r.dial(mqtt.V311)
	p.send(connect("p", mqtt.V311, false, 600))
	r.commit()
	p.take()
	m := message("t", "once", 2, 7)
	m.Dup = true
	p.send(m)
	r.commit()
	require.Equal(t, "PUBREC 7", p.take())
	require.Empty(t, v.take(), "exactly once")
}

// TestL9WillOfTheRefused: a connection that is closed because of a refusal may
// leave a will, which waits like any other message.
func TestL9WillOfTheRefused(t *testing.T) {
	r := newRig(t, Options{})
	s := r.kept("s", mqtt.V5)
	s.subscribe("t", 1)
	s.drop()
	w := r.kept("w", mqtt.V5)
	w.subscribe("wills", 2)
	r.commit()
	p := r.dial(mqtt.V311)
	c := connect("p", mqtt.V311, true, 0)
	c.HasWill, c.Will = true, mqtt.Will{Topic: []byte("wills"), Payload: []byte("gone"), QoS: 2}
	p.send(c)
	r.commit()
	p.take()
	p.send(message("t", "one", 1, 9))
	r.tell(store.Event{Kind: store.Failed, Err: stalled.Err})
	r.tell(stalled)
	require.True(t, p.closed)
	r.commit()
	r.commit()
	require.Equal(t, "PUBLISH wills gone q2", w.take())
	require.Zero(t, r.core.conns.Get(w.id).heldOctets)
}

// TestL9AnswersAreBounded: who causes answers that wait is not read at the bound.
func TestL9AnswersAreBounded(t *testing.T) {
	r := newRig(t, Options{})
	p := r.kept("p", mqtt.V5)
	p.send(message("nobody", "x", 2, 1)) // its id is stored: all answers wait
	r.tell(store.Event{Kind: store.Failed, Err: stalled.Err})
	r.tell(stalled)
	n := 0
	for range 100 {
		var all []mqtt.Packet
		for range 1000 {
			all = append(all, &mqtt.Pubrel{PacketID: 9})
		}
		p.send(all...)
		if n++; p.paused || p.closed {
			return
		}
	}
	t.Fatal(r.core.ring.Len(), "answers in the ring, and it is still read")
}

// TestL9SubscriptionsAreBounded: the same for those that write to the store.
func TestL9SubscriptionsAreBounded(t *testing.T) {
	r := newRig(t, Options{})
	p := r.kept("p", mqtt.V5)
	r.tell(store.Event{Kind: store.Failed, Err: stalled.Err})
	r.tell(stalled)
	raw := mqtt.AppendFilter(nil, "t", mqtt.SubscribeOptions{QoS: 1})
	for range 20000 {
		p.send(&mqtt.Subscribe{PacketID: 1, Filters: mqtt.NewFilters(raw)})
		if p.paused || p.closed {
			return
		}
	}
	t.Fatal(r.out.Backlog())
}

// TestL9RetainedIsRefused: also if nobody but the retained messages waits.
func TestL9RetainedIsRefused(t *testing.T) {
	r := newRig(t, Options{})
	p := r.volatile("p", mqtt.V5)
	m := message("t", "x", 1, 1)
	m.Retain = true
	p.send(m)
	r.tell(store.Event{Kind: store.Failed, Err: stalled.Err})
	r.tell(stalled)
	require.Equal(t, "PUBACK 1 0x97", p.take())
}
