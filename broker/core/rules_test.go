package core

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dormouse-mqtt/dormouse/broker/mqtt"
	"github.com/dormouse-mqtt/dormouse/broker/session"
	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/broker/topic"
)

// pair is a publisher on shard 0 and a client with a kept session on shard 1.
func pair(t *testing.T, o Options) (c *cluster, p, s shard.ConnID, sID string) {
	c = newCluster(t, 2, o)
	sID = c.idOn(1, "s")
	p = c.open(0)
	c.send(0, p, connect(c.idOn(0, "p"), mqtt.V5, true, 0))
	s = c.open(1)
	c.send(1, s, connect(sID, mqtt.V5, false, 600))
	c.settle()
	require.Len(t, c.got(p), 1)
	require.Len(t, c.got(s), 1)
	return c, p, s, sID
}

func keeping(payload string, id uint16) *mqtt.Publish {
	m := message("t", payload, 1, id)
	m.Retain = true
	return m
}

// TestL3EachCopyOnce: whatever shard is first in its round, a new subscription
// gets the retained value or the newer one, never both ways and never none.
func TestL3EachCopyOnce(t *testing.T) {
	publish := func(c *cluster, p shard.ConnID) { c.send(0, p, keeping("new", 2)); c.end(0) }
	subscribe := func(c *cluster, s shard.ConnID) { c.send(1, s, sub("t", 1)) }
	for name, order := range map[string]func(c *cluster, p, s shard.ConnID){
		"published first":     func(c *cluster, p, s shard.ConnID) { publish(c, p); subscribe(c, s); c.end(1) },
		"before the scan":     func(c *cluster, p, s shard.ConnID) { subscribe(c, s); publish(c, p); c.end(1) },
		"posted first":        func(c *cluster, p, s shard.ConnID) { subscribe(c, s); publish(c, p); c.deliver(1); c.end(1) },
		"behind the scan":     func(c *cluster, p, s shard.ConnID) { subscribe(c, s); c.end(1); publish(c, p) },
		"published and ended": func(c *cluster, p, s shard.ConnID) { publish(c, p); c.end(1); subscribe(c, s) },
	} {
		t.Run(name, func(t *testing.T) {
			c, p, s, _ := pair(t, Options{})
			c.send(0, p, keeping("old", 1))
			c.settle()
			order(c, p, s)
			c.settle()
			count := map[string]int{}
			for _, text := range c.got(s) {
				count[text]++
			}
			require.Equal(t, 1, count["PUBLISH t new q1"], count)
			require.LessOrEqual(t, count["PUBLISH t old q1"], 1)
			require.LessOrEqual(t, len(count), 3)
		})
	}
}

// TestL3ExpiryOfAnOlderValue: what has expired is deleted only if nothing newer
// has taken its place.
func TestL3ExpiryOfAnOlderValue(t *testing.T) {
	c, p, _, _ := pair(t, Options{})
	c.send(0, p, keeping("old", 1))
	c.settle()
	d := c.cores[0].directory
	find := func() (found *shard.Message) {
		d.Scan("t", 1<<60, topic.Cursor{}, 1, func(m *shard.Message) bool { found = m; return true })
		return found
	}
	old := find()
	c.send(0, p, keeping("new", 2))
	c.settle()
	c.cores[1].batch.Reset()
	d.Expire(old, &c.cores[1].batch)
	require.Equal(t, "new", string(find().Payload))
	c.cores[1].batch.Reset()
	d.Expire(find(), &c.cores[1].batch)
	require.Nil(t, find())
}

// TestL6PostMeetsADeadTarget: a message that is on its way to a session that ends
// leaves nothing behind, and does not come to the session that follows.
func TestL6PostMeetsADeadTarget(t *testing.T) {
	c, p, s, sID := pair(t, Options{})
	other := c.open(1) // has the same message
	c.send(1, other, connect(c.idOn(1, "o"), mqtt.V5, false, 600))
	c.settle()
	c.send(1, s, sub("t", 1))
	c.send(1, other, sub("t", 1))
	c.settle()
	c.got(s)
	c.send(0, p, message("t", "x", 1, 1))
	c.end(0) // posted, and not received
	again := c.open(1)
	c.send(1, again, connect(sID, mqtt.V5, true, 600))
	c.end(1)
	c.settle()
	require.Contains(t, c.got(p), "PUBACK 1")
	require.Equal(t, []string{"CONNACK"}, c.got(again))
	found := c.reload().clients.Get(sID)
	require.NotNil(t, found)
	require.Zero(t, found.Queued())
	c.send(1, other, &mqtt.Puback{PacketID: 1})
	c.settle()
	require.NoError(t, c.store.Load(func(key, _ []byte) error {
		require.NotEqual(t, byte(session.KeyBody), key[0], "its body is counted down")
		return nil
	}))
}

// TestL6PublisherReserves: the room of a session is taken by who publishes, before
// the session's shard has seen anything, and given back by the acknowledgement.
func TestL6PublisherReserves(t *testing.T) {
	c, p, s, sID := pair(t, Options{Queue: session.Limits{MaxQueued: 2}})
	c.send(1, s, sub("t", 1))
	c.settle()
	c.handle(1, shard.Event{Kind: shard.Closed, Conn: s})
	c.settle()
	c.send(0, p, message("t", "1", 1, 1), message("t", "2", 1, 2), message("t", "3", 1, 3))
	c.settle()
	cl := c.cores[1].clients.Get(sID)
	require.Equal(t, 2, cl.Queued())
	messages, _ := cl.target.Kept()
	require.Equal(t, 2, messages)
	require.Equal(t, 2, c.reload().clients.Get(sID).Queued())

	c.got(s)
	s = c.open(1)
	c.send(1, s, connect(sID, mqtt.V5, false, 600))
	c.settle()
	c.send(1, s, &mqtt.Puback{PacketID: 1})
	c.settle()
	messages, _ = cl.target.Kept()
	require.Equal(t, 1, messages)
	c.send(0, p, message("t", "4", 1, 4))
	c.settle()
	require.Equal(t, []string{"CONNACK present", "PUBLISH t 1 q1", "PUBLISH t 2 q1", "PUBLISH t 4 q1"}, c.got(s))
}

// TestL11MoveTakesAllOctets: a connection goes to the shard of its session with
// all that it sent, once CONNECT is whole, and was told nothing before.
func TestL11MoveTakesAllOctets(t *testing.T) {
	c := newCluster(t, 2, Options{})
	id := c.idOn(1, "s")
	var stream []byte
	for _, p := range []mqtt.Packet{connect(id, mqtt.V5, false, 600), message("t", "x", 1, 7)} {
		stream = p.AppendTo(stream, mqtt.V5)
	}
	k := c.open(0)
	for _, b := range stream[:10] { // in pieces first
		c.handle(0, shard.Event{Kind: shard.Received, Conn: k, Data: []byte{b}})
		require.Empty(t, c.outs[0].Moves)
	}
	c.handle(0, shard.Event{Kind: shard.Received, Conn: k, Data: stream[10:]})
	require.Len(t, c.outs[0].Moves, 1)
	move := c.outs[0].Moves[0]
	require.Equal(t, k, move.Conn)
	require.Equal(t, 1, move.To)
	require.Equal(t, stream, move.Data)
	c.end(0)
	require.Empty(t, c.got(k))
	require.Nil(t, c.cores[0].clients.Get(id))
	require.Nil(t, c.cores[0].conns.Get(k))

	k = c.open(1)
	c.handle(1, shard.Event{Kind: shard.Received, Conn: k, Data: move.Data})
	c.settle()
	require.Equal(t, []string{"CONNACK", "PUBACK 7 0x10"}, c.got(k))
}
