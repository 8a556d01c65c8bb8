package core

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dormouse-mqtt/dormouse/broker/mqtt"
	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/broker/store"
	"github.com/dormouse-mqtt/dormouse/broker/store/memory"
)

// A cluster is several cores with one directory and one store, whose posts arrive
// when they are told to.
type cluster struct {
	t     *testing.T
	cores []*Core
	outs  []*shard.Out
	store *memory.Store
	told  []store.Event
	posts [][]shard.Post // for each
	sent  map[shard.ConnID][]byte
	last  shard.ConnID
	now   shard.Time
}

func newCluster(t *testing.T, n int, o Options) *cluster {
	c := &cluster{t: t, posts: make([][]shard.Post, n), sent: map[shard.ConnID][]byte{}}
	c.store = memory.New(func(ev store.Event) { c.told = append(c.told, ev) }, memory.Options{Hold: true})
	d := NewDirectory(c.store.Submit)
	for i := range n {
		o.Shard, o.Shards = i, n
		c.cores = append(c.cores, New(d, o))
		c.outs = append(c.outs, &shard.Out{})
		c.outs[i].BeginRound()
	}
	return c
}

// handle is one event of a shard's round, which end ends.
func (c *cluster) handle(i int, ev shard.Event) { c.cores[i].Handle(c.now, ev, c.outs[i]) }

func (c *cluster) advance(i int) {
	if at, ok := c.cores[i].Deadline(); ok && at <= c.now {
		c.cores[i].Advance(c.now, c.outs[i])
	}
}

func (c *cluster) end(i int) {
	c.advance(i)
	out := c.outs[i]
	out.Submit(c.store.Submit)
	for _, p := range out.Posts {
		c.posts[p.To.Shard()] = append(c.posts[p.To.Shard()], p)
	}
	var drained []shard.ConnID
	for _, o := range out.Outputs() {
		c.sent[o.Conn] = o.Octets(c.sent[o.Conn])
		if o.Tell {
			drained = append(drained, o.Conn)
		}
	}
	out.BeginRound()
	for _, k := range drained {
		c.handle(i, shard.Event{Kind: shard.Drained, Conn: k})
	}
}

func (c *cluster) deliver(i int) {
	posts := c.posts[i]
	c.posts[i] = nil
	if len(posts) > 0 {
		c.handle(i, shard.Event{Kind: shard.Posted, Posts: posts})
	}
}

// settle commits and delivers until nothing more can happen.
func (c *cluster) settle() {
	for range 20 {
		c.store.Commit(-1)
		told := c.told
		c.told = nil
		for i := range c.cores {
			for _, ev := range told {
				if ev.Kind == store.Committed {
					c.outs[i].Committed(ev.Ticket)
				}
				c.handle(i, shard.Event{Kind: shard.Stored, Store: ev})
			}
			c.deliver(i)
			c.end(i)
		}
	}
}

func (c *cluster) idOn(i int, prefix string) string {
	for n := 0; ; n++ {
		if id := fmt.Sprint(prefix, n); Owner(id, len(c.cores)) == i {
			return id
		}
	}
}

func (c *cluster) open(i int) shard.ConnID {
	c.last++
	c.handle(i, shard.Event{Kind: shard.Opened, Conn: c.last, Info: &shard.ConnInfo{ListenerInfo: &shard.ListenerInfo{Anonymous: shard.AnonymousOn, MaxPacket: 1 << 20}}})
	return c.last
}

func (c *cluster) send(i int, k shard.ConnID, packets ...mqtt.Packet) {
	var b []byte
	for _, q := range packets {
		b = q.AppendTo(b, mqtt.V5)
	}
	c.handle(i, shard.Event{Kind: shard.Received, Conn: k, Data: b})
}

func (c *cluster) got(k shard.ConnID) (all []string) {
	for b := c.sent[k]; len(b) > 0; {
		n, err := mqtt.Frame(b, 0)
		require.NoError(c.t, err)
		d := mqtt.Decoder{From: mqtt.FromServer}
		q, err := d.Decode(b[:n], mqtt.V5)
		require.NoError(c.t, err)
		all = append(all, text(q))
		b = b[n:]
	}
	delete(c.sent, k)
	return all
}

func sub(filter string, qos mqtt.QoS) *mqtt.Subscribe {
	return &mqtt.Subscribe{PacketID: 1, Filters: mqtt.NewFilters(mqtt.AppendFilter(nil, filter, mqtt.SubscribeOptions{QoS: qos}))}
}

// reload is what one core finds in the store, as after a crash.
func (c *cluster) reload() *Core {
	var all store.Batch
	require.NoError(c.t, c.store.Load(func(key, value []byte) error { all.Put(key, value); return nil }))
	n := New(NewDirectory(func(*store.Batch) store.Ticket { return 1 }), Options{})
	loader := NewLoader([]*Core{n}, 0)
	all.Each(func(op store.Op) { require.NoError(c.t, loader.Visit(op.Key, op.Value)) })
	var out shard.Out
	out.BeginRound()
	loader.Finish(&out)
	return n
}

// TestL7DeadGroupServesNothing: a group that has ended has no queue, and what it
// shared is counted down once.
func TestL7DeadGroupServesNothing(t *testing.T) {
	c := newCluster(t, 2, Options{})
	group := ""
	for n := 0; group == ""; n++ {
		if g := fmt.Sprint("g", n); Owner("$share/"+g+"/jobs", 2) == 0 {
			group = "$share/" + g + "/jobs"
		}
	}
	aID, xID, pID, bID := c.idOn(0, "a"), c.idOn(0, "x"), c.idOn(0, "p"), c.idOn(1, "b")
	a := c.open(0)
	c.send(0, a, connect(aID, mqtt.V5, false, 600))
	x := c.open(0)
	c.send(0, x, connect(xID, mqtt.V5, false, 600))
	p := c.open(0)
	c.send(0, p, connect(pID, mqtt.V5, true, 0))
	b := c.open(1)
	c.send(1, b, connect(bID, mqtt.V5, true, 0))
	c.settle()
	c.send(0, a, sub(group, 1))
	c.send(0, x, sub("jobs", 1))
	c.settle()
	c.handle(0, shard.Event{Kind: shard.Closed, Conn: a})
	c.handle(0, shard.Event{Kind: shard.Closed, Conn: x})
	c.settle()
	c.send(0, p, message("jobs", "precious", 1, 1))
	c.settle()
	require.Contains(t, c.got(p), "PUBACK 1")
	require.Equal(t, 1, c.reload().clients.Get(xID).Queued())

	// b comes and goes in one round of its shard, while the last other member's session ends.
	c.send(1, b, sub(group, 1), &mqtt.Unsubscribe{PacketID: 2, Filters: mqtt.NewNames(mqtt.AppendName(nil, group))})
	a = c.open(0)
	c.send(0, a, connect(aID, mqtt.V5, true, 0))
	c.end(0)
	c.end(1)
	c.settle()
	got := c.got(b)
	c.send(1, b, &mqtt.Puback{PacketID: 1})
	c.settle()
	if q := c.cores[0].clients.Get(xID).Queued(); q != 1 {
		t.Error("x has", q)
	}
	require.Equal(t, 1, c.reload().clients.Get(xID).Queued(), "acknowledged, and lost at a restart")
	require.NotContains(t, got, "PUBLISH jobs precious q1", "its subscription had ended")
}

// TestL13BodyGoesLast: the shard that counts a body down to nothing may submit before
// another has deleted its entry; a crash between the two loses nothing.
func TestL13BodyGoesLast(t *testing.T) {
	c := newCluster(t, 2, Options{})
	aID, bID, pID := c.idOn(0, "a"), c.idOn(1, "b"), c.idOn(0, "p")
	a := c.open(0)
	c.send(0, a, connect(aID, mqtt.V5, false, 600))
	b := c.open(1)
	c.send(1, b, connect(bID, mqtt.V5, false, 600))
	p := c.open(0)
	c.send(0, p, connect(pID, mqtt.V5, true, 0))
	c.settle()
	c.send(0, a, sub("t", 2))
	c.send(1, b, sub("t", 2))
	c.settle()
	c.send(0, p, message("t", "x", 2, 1))
	c.settle()
	require.Contains(t, c.got(a), "PUBLISH t x q2")
	require.Contains(t, c.got(b), "PUBLISH t x q2")

	c.send(0, a, &mqtt.Pubrec{PacketID: 1})
	c.advance(0) // shard 0 is about to submit
	c.send(1, b, &mqtt.Pubrec{PacketID: 1})
	c.end(1) // shard 1 does
	c.advance(1)
	c.end(1)
	c.store.Commit(-1)
	n := c.reload() // power cut
	var flights []string
	n.clients.Get(aID).Flights(func(e shard.Entry, _ shard.MessageID, id uint16, released bool) {
		flights = append(flights, fmt.Sprint(id, released, e.Message != nil))
	})
	require.NotEmpty(t, flights, "a waits for its PUBREL, and nobody knows")
}
