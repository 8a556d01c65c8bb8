package core

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dormouse-mqtt/dormouse/broker/mqtt"
	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/broker/store"
)

// TestExactlyOnceOverRestarts: after each step of a conversation of QoS 2, in
// both directions, the server restarts with what it had committed, and the
// clients go on as they must.
func TestExactlyOnceOverRestarts(t *testing.T) {
	again := func(r *rig, id string) *peer {
		p := r.dial(mqtt.V311)
		p.send(connect(id, mqtt.V311, false, 0))
		r.commit()
		return p
	}
	r := newRig(t, Options{})
	r.kept("s", mqtt.V311).subscribe("t", 2)
	r.kept("p", mqtt.V311).send(message("t", "x", 2, 7))
	r = r.reload(Options{}) // nothing was committed
	s, p := again(r, "s"), again(r, "p")
	require.Equal(t, "CONNACK present", s.take())
	require.Equal(t, "CONNACK present", p.take())

	m := message("t", "x", 2, 7)
	m.Dup = true
	p.send(m)
	r.store.Commit(1) // the publication, and not what was made of it
	r.round()
	require.Equal(t, "PUBREC 7", p.take())
	r = r.reload(Options{})
	s, p = again(r, "s"), again(r, "p")
	require.Equal(t, "CONNACK present\nPUBLISH t x q2 dup", s.take(), "its packet id was stored with it")
	p.take()
	p.send(m, &mqtt.Pubrel{PacketID: 7})
	r.commit()
	require.Equal(t, "PUBREC 7\nPUBCOMP 7", p.take(), "known, and published once")
	require.Empty(t, s.take())

	r = r.reload(Options{})
	s = again(r, "s")
	require.Regexp(t, "^CONNACK present\nPUBLISH t x q2 dup$", s.take(), "its packet id was stored")
	var id uint16
	r.core.clients.Get("s").Flights(func(_ shard.Entry, _ shard.MessageID, i uint16, released bool) {
		require.False(t, released)
		id = i
	})
	s.send(&mqtt.Pubrec{PacketID: id})
	r.commit()
	require.Equal(t, fmt.Sprint("PUBREL ", id), s.take())
	r = r.reload(Options{})
	s = again(r, "s")
	require.Equal(t, fmt.Sprint("CONNACK present\nPUBREL ", id), s.take(), "never the message again")
	s.send(&mqtt.Pubcomp{PacketID: id})
	r.commit()
	r = r.reload(Options{})
	require.Equal(t, "CONNACK present", again(r, "s").take())
	require.True(t, r.core.clients.Get("s").Idle())
}

// TestLoadRestoresAll: subscriptions with their options, queues in order, wills,
// retained messages, times.
func TestLoadRestoresAll(t *testing.T) {
	r := newRig(t, Options{})
	s := r.kept("s", mqtt.V5)
	raw := mqtt.AppendFilter(nil, "t/+", mqtt.SubscribeOptions{QoS: 1, NoLocal: true, RetainAsPublished: true})
	s.send(&mqtt.Subscribe{PacketID: 1, Filters: mqtt.NewFilters(raw), Properties: mqtt.NewProperties(mqtt.AppendVarint(nil, mqtt.SubscriptionIdentifier, 9))})
	s.send(message("t/own", "not to itself", 1, 3))
	s.drop()
	w := connect("w", mqtt.V311, false, 0)
	w.HasWill, w.Will = true, mqtt.Will{Topic: []byte("t/will"), Payload: []byte("gone"), QoS: 1}
	r.dial(mqtt.V311).send(w)
	p := r.volatile("p", mqtt.V5)
	for i := range 3 {
		m := message(fmt.Sprint("t/", i), fmt.Sprint(i), 1, uint16(i+1))
		m.Retain = i == 1
		m.Properties = mqtt.NewProperties(mqtt.AppendString(nil, mqtt.ContentType, "text"))
		if i == 2 {
			m.Properties = mqtt.NewProperties(mqtt.AppendUint32(nil, mqtt.MessageExpiryInterval, 100))
		}
		p.send(m)
	}
	r.commit()
	r = r.reload(Options{})
	require.Equal(t, 2, r.core.Stats().Sessions)
	require.Equal(t, 1, r.core.Stats().Retained)
	got, _ := r.core.clients.Get("s").filters.get("t/+")
	require.Equal(t, Subscription{QoS: 1, NoLocal: true, RetainAsPublished: true, Identifier: 9}, got)

	r.advance(11 * time.Second) // the will's owner is not back
	s = r.dial(mqtt.V5)
	s.send(connect("s", mqtt.V5, false, 600))
	r.commit()
	require.Equal(t, "CONNACK present\nPUBLISH t/0 0 q1\nPUBLISH t/1 1 q1\nPUBLISH t/2 2 q1\nPUBLISH t/will gone q1", s.take())
	s.subscribe("t/1", 0)
	require.Contains(t, s.take(), "", "")
	s.drop()
	r.advance(700 * time.Second)
	require.Nil(t, r.core.clients.Get("s"), "its time counted from the end of its connection")
	require.NotNil(t, r.core.clients.Get("w"))
}

// TestL13BodiesAreShared: a message for two is stored once, and goes with the
// last of its entries.
func TestL13BodiesAreShared(t *testing.T) {
	r := newRig(t, Options{})
	var peers []*peer
	for _, id := range []string{"a", "b"} {
		p := r.kept(id, mqtt.V311)
		p.subscribe("t", 1)
		peers = append(peers, p)
	}
	r.volatile("p", mqtt.V311).send(message("t", "shared", 1, 1))
	r.commit()
	require.Equal(t, 1, r.stored('b'))
	for i, p := range peers {
		p.send(&mqtt.Puback{PacketID: 1})
		r.commit()
		require.Equal(t, 1-i, r.stored('b'))
	}
	require.Zero(t, r.entries())

	r.volatile("q", mqtt.V311).send(message("t", "again", 1, 1))
	r.commit()
	peers[0].drop()
	r.reload(Options{}).kept("a2", mqtt.V311)
	gone := r.dial(mqtt.V311)
	gone.send(connect("a", mqtt.V311, true, 0)) // a session's end counts down, too
	peers[1].send(&mqtt.Puback{PacketID: 2})
	r.commit()
	r.commit()
	require.Zero(t, r.stored('b'))
}

// TestLoadDropsGarbage: entries without a session and messages without an entry
// belong to nothing; what is damaged is left where it is, and counted.
func TestLoadDropsGarbage(t *testing.T) {
	r := newRig(t, Options{})
	for _, id := range []string{"a", "b"} {
		r.kept(id, mqtt.V311).subscribe("t", 1)
	}
	r.volatile("p", mqtt.V311).send(message("t", "x", 1, 1))
	r.commit()
	var records []store.Entry
	require.NoError(t, r.store.Load(func(key, value []byte) error {
		records = append(records, store.Entry{Key: key, Value: value})
		return nil
	}))
	for i, dropped := range records {
		t.Run(fmt.Sprintf("without %x", dropped.Key), func(t *testing.T) {
			n := newRig(t, Options{})
			loader := NewLoader([]*Core{n.core}, 0)
			for j, e := range records {
				if j != i {
					require.NoError(t, loader.Visit(e.Key, e.Value))
				}
			}
			n.out.BeginRound()
			loader.Finish(&n.out)
			require.Zero(t, loader.Damaged)
			messages := 0
			for cl := range n.core.clients.All {
				messages += cl.Queued()
			}
			switch {
			case dropped.Key[0] == 'b':
				require.Equal(t, 2, loader.Garbage)
				require.Zero(t, messages)
			case len(dropped.Key) == 10: // a session's own record
				require.Equal(t, 2, loader.Garbage, "its entry and its subscription")
				require.Equal(t, 1, messages)
			}
		})
		t.Run(fmt.Sprintf("damaged %x", dropped.Key), func(t *testing.T) {
			n := newRig(t, Options{})
			loader := NewLoader([]*Core{n.core}, 0)
			for j, e := range records {
				value := append([]byte(nil), e.Value...)
				if j == i {
					value[len(value)-1] ^= 1
				}
				require.NoError(t, loader.Visit(e.Key, value))
			}
			n.out.BeginRound()
			loader.Finish(&n.out)
			require.Equal(t, 1, loader.Damaged)
		})
	}
}

// TestL14ClockThatWentBack: no time has passed.
func TestL14ClockThatWentBack(t *testing.T) {
	r := newRig(t, Options{})
	r.round(shard.Event{Kind: shard.Wall, Offset: 1000 * time.Hour})
	s := r.kept("s", mqtt.V5)
	s.drop()
	r.commit()
	var all []store.Entry
	require.NoError(t, r.store.Load(func(key, value []byte) error {
		all = append(all, store.Entry{Key: key, Value: value})
		return nil
	}))
	for _, wall := range []time.Duration{999 * time.Hour, 1000*time.Hour + 300*time.Second, 1001 * time.Hour} {
		n := newRig(t, Options{})
		loader := NewLoader([]*Core{n.core}, wall)
		for _, e := range all {
			require.NoError(t, loader.Visit(e.Key, e.Value))
		}
		n.out.BeginRound()
		loader.Finish(&n.out)
		n.round(shard.Event{Kind: shard.Wall, Offset: wall})
		left := 600*time.Second - max(0, wall-1000*time.Hour)
		if left <= 0 {
			require.Zero(t, n.core.clients.Len())
			continue
		}
		require.Equal(t, left, n.core.clients.Get("s").endsAt)
	}
}

// TestL15SessionIsReadAgain: after a panic on an event of its connection a session
// is what the store has of it, and what came for it meanwhile.
func TestL15SessionIsReadAgain(t *testing.T) {
	r := newRig(t, Options{})
	s := r.kept("s", mqtt.V5)
	s.subscribe("t", 2)
	p := r.volatile("p", mqtt.V5)
	p.send(message("t", "0", 1, 1), message("t", "1", 2, 2))
	r.commit()
	require.Equal(t, "PUBLISH t 0 q1\nPUBLISH t 1 q2", s.take())
	p.send(message("t", "2", 1, 3)) // not committed
	evict := shard.Event{Kind: shard.Received, Conn: s.id}
	r.out.BeginRound()
	r.core.clients.Get("s").subscribed("half/done", Subscription{})
	r.core.directory.Subscribe("half/done", &r.core.clients.Get("s").target, Subscription{})
	r.core.Evict(r.now, evict, &r.out)
	require.Len(t, r.out.Reads, 1)
	r.out.Submit(r.store.Submit)
	r.store.Request(r.out.Reads[0])
	p.send(message("t", "3", 1, 4))
	again := r.dial(mqtt.V5)
	again.send(connect("s", mqtt.V5, false, 600))
	require.Equal(t, "CONNACK 0x89", again.take(), "not yet")
	r.commit()
	again = r.dial(mqtt.V5)
	again.send(connect("s", mqtt.V5, false, 600))
	r.commit()
	require.Equal(t, "CONNACK present\nPUBLISH t 0 q1\nPUBLISH t 1 q2 dup\nPUBLISH t 2 q1\nPUBLISH t 3 q1", again.take())
	require.Equal(t, []filtered{{"t", Subscription{QoS: 2}}}, r.core.clients.Get("s").filters.few)
	p.take()
	p.send(message("half/done", "x", 1, 9))
	r.commit()
	require.Equal(t, "PUBACK 9 0x10", p.take(), "nobody subscribed to it")
	var ids []uint16
	r.core.clients.Get("s").Flights(func(_ shard.Entry, _ shard.MessageID, id uint16, _ bool) { ids = append(ids, id) })
	require.Len(t, ids, 4)
	for _, id := range ids {
		again.send(&mqtt.Puback{PacketID: id}, &mqtt.Pubrec{PacketID: id}, &mqtt.Pubcomp{PacketID: id})
	}
	r.commit()
	messages, octets := r.core.clients.Get("s").target.Kept()
	require.Zero(t, messages+octets, "%d in flight", r.core.clients.Get("s").InFlight())
	require.Zero(t, r.entries())
}

// stored counts the records whose keys begin so, entries those of queues.
func (r *rig) stored(first byte) (n int) {
	_ = r.store.Load(func(key, _ []byte) error {
		if key[0] == first {
			n++
		}
		return nil
	})
	return n
}

func (r *rig) entries() (n int) {
	_ = r.store.Load(func(key, _ []byte) error {
		if key[0] == 's' && len(key) > 10 && key[9] == 1 {
			n++
		}
		return nil
	})
	return n
}

// TestL5LoadedIDsAreDistinct: flights that are given ids anew skip those in use.
func TestL5LoadedIDsAreDistinct(t *testing.T) {
	r := newRig(t, Options{}).reload(Options{}) // epoch 1
	s := r.kept("s", mqtt.V5)
	s.subscribe("t", 2)
	epoch := 2
	r.core.clients.Get("s").StartIDs(uint16(epoch*40503%65536) - 1) // it had so many messages since
	p := r.volatile("p", mqtt.V5)
	p.send(message("t", "one", 1, 1), message("t", "two", 2, 2))
	r.commit()
	require.Equal(t, "PUBLISH t one q1\nPUBLISH t two q2", s.take())
	ids := func() (all []uint16) {
		r.core.clients.Get("s").Flights(func(_ shard.Entry, _ shard.MessageID, id uint16, _ bool) { all = append(all, id) })
		return all
	}
	r = r.reload(Options{})
	s = r.dial(mqtt.V5)
	s.send(connect("s", mqtt.V5, false, 600))
	r.commit()
	two := ids()
	require.NotEqual(t, two[0], two[1])
}

// One damaged octet does not make garbage of what it owns.
func TestDamagedRecordKeepsTheRest(t *testing.T) {
	r := newRig(t, Options{})
	r.kept("s", mqtt.V311).subscribe("t", 1)
	r.volatile("p", mqtt.V311).send(message("t", "x", 1, 1), message("t", "y", 1, 2))
	r.commit()
	n := newRig(t, Options{})
	loader := NewLoader([]*Core{n.core}, 0)
	require.NoError(t, r.store.Load(func(key, value []byte) error {
		v := append([]byte(nil), value...)
		if key[0] == 's' && len(key) == 10 {
			v[len(v)-1] ^= 1
		}
		return loader.Visit(key, v)
	}))
	n.out.BeginRound()
	loader.Finish(&n.out)
	deleted := 0
	n.out.Batch.Each(func(op store.Op) {
		if op.Kind == store.Delete {
			deleted++
		}
	})
	require.EqualValues(t, 1, loader.Damaged)
	require.Zero(t, deleted, "one bit, and all that the session had is removed")
}

// An epoch that cannot be read is found from the instances that it gave.
func TestDamagedEpoch(t *testing.T) {
	r := newRig(t, Options{}).reload(Options{}) // epoch 1
	r.kept("old", mqtt.V311).subscribe("t", 1)
	r.volatile("p", mqtt.V311).send(message("t", "x", 1, 1))
	r.commit()
	old := r.core.clients.Get("old").Instance
	n := newRig(t, Options{})
	loader := NewLoader([]*Core{n.core}, 0)
	require.NoError(t, r.store.Load(func(key, value []byte) error {
		v := append([]byte(nil), value...)
		if key[0] == keyEpoch {
			v[len(v)-1] ^= 1
		}
		return loader.Visit(key, v)
	}))
	n.out.BeginRound()
	loader.Finish(&n.out)
	n.out.Submit(n.store.Submit)
	n.commit()
	require.Equal(t, old, n.core.clients.Get("old").Instance)
	n.kept("new", mqtt.V311)
	require.NotEqual(t, old, n.core.clients.Get("new").Instance)
}

// A PUBREL that is outstanding is not taken for an entry of the same message that
// came by another subscription.
func TestReleasedFlightIsNotAnEntry(t *testing.T) {
	r := newRig(t, Options{})
	a := members(r, 2, "a")[0]
	a.subscribe("jobs/1", 1)
	r.volatile("p", mqtt.V5).send(message("jobs/1", "x", 2, 1))
	r.commit()
	var id uint16
	r.core.clients.Get("a").Flights(func(e shard.Entry, _ shard.MessageID, i uint16, _ bool) {
		if e.QoS == 2 {
			id = i
		}
	})
	a.take()
	a.send(&mqtt.Pubrec{PacketID: id})
	r.commit()
	require.Contains(t, a.take(), "PUBREL")
	r = r.reload(Options{})
	a = r.dial(mqtt.V5)
	a.send(connect("a", mqtt.V5, false, 600))
	r.commit()
	r.commit()
	require.Contains(t, a.take(), "PUBREL", "the client waits for it")
}

// TestL15EvictKeepsSession: a kept session loses its connection, no more.
func TestL15EvictKeepsSession(t *testing.T) {
	r := newRig(t, Options{})
	s := r.kept("s", mqtt.V5)
	s.subscribe("t", 1)
	p := r.volatile("p", mqtt.V5)
	p.send(message("t", "x", 1, 1))
	r.commit()
	require.Equal(t, "PUBACK 1", p.take())
	r.out.BeginEvent()
	r.core.Evict(r.now, shard.Event{Kind: shard.Received, Conn: s.id}, &r.out)
	r.out.Submit(r.store.Submit)
	r.commit()
	require.NotNil(t, r.core.clients.Get("s"))
}

// TestL15PanicOfOneAnswer: what others were told in the same event stays told, and
// those behind are told nevertheless.
func TestL15PanicOfOneAnswer(t *testing.T) {
	r := newRig(t, Options{})
	var all []*peer
	for _, id := range []string{"a", "b", "c"} {
		p := r.dial(mqtt.V311)
		p.send(connect(id, mqtt.V311, false, 0))
		all = append(all, p)
	}
	r.core.conns.Get(all[1].id).client = nil // a bug
	r.store.Commit(-1)
	r.out.BeginRound()
	for _, ev := range r.told {
		r.out.Committed(ev.Ticket)
	}
	ev := shard.Event{Kind: shard.Stored, Store: r.told[len(r.told)-1]}
	r.told = nil
	r.out.BeginEvent()
	func() {
		defer func() {
			require.NotNil(t, recover())
			r.out.Rollback()
			r.core.Evict(r.now, ev, &r.out)
		}()
		r.core.Handle(r.now, ev, &r.out)
	}()
	at, ok := r.core.Deadline()
	require.True(t, ok && at <= r.now)
	r.core.Advance(r.now, &r.out)
	got := map[shard.ConnID]int{}
	for _, o := range r.out.Outputs() {
		got[o.Conn] = len(o.Data)
		require.Equal(t, o.Conn == all[1].id, o.Close)
	}
	require.Equal(t, map[shard.ConnID]int{all[0].id: 4, all[1].id: 0, all[2].id: 4}, got)
}
