package core

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/dormouse-mqtt/dormouse/broker/mqtt"
	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/broker/topic"
)

var (
	someLevel  = rapid.SampledFrom([]string{"", "a", "b", "$c"})
	someName   = rapid.Custom(func(t *rapid.T) string { return levels(t, someLevel, false) })
	someFilter = rapid.Custom(func(t *rapid.T) string {
		return levels(t, rapid.SampledFrom([]string{"", "a", "b", "$c", "+"}), rapid.Bool().Draw(t, "below"))
	})
)

// levels is some levels and, perhaps, a # behind them.
func levels(t *rapid.T, level *rapid.Generator[string], below bool) (s string) {
	all := rapid.SliceOfN(level, 1, 4).Draw(t, "levels")
	if below {
		all = append(all, "#")
	}
	for i, l := range all {
		if i > 0 {
			s += "/"
		}
		s += l
	}
	if s == "" {
		return "a"
	}
	return s
}

// TestEpochsOfAName: a change of any filter that matches a name changes its sum.
func TestEpochsOfAName(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		filter, name := someFilter.Draw(t, "filter"), someName.Draw(t, "name")
		p, ok := prefixesOf(name)
		require.True(t, ok)
		var e Epochs
		e.changed(filter)
		if topic.Match(filter, name) {
			require.EqualValues(t, 1, min(1, e.sum(&p)))
		}
	})
	var e Epochs
	e.changed("a/b/c")
	for name, want := range map[string]int{"a/b/c": 1, "a/b/c/d": 1, "a/b": 0, "x/y": 0} {
		p, _ := prefixesOf(name)
		require.EqualValues(t, want, e.sum(&p), name)
	}
	_, ok := prefixesOf("1/2/3/4/5/6/7/8/9/10/11/12/13/14/15")
	require.True(t, ok)
	_, ok = prefixesOf("1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16")
	require.False(t, ok)
}

// TestRoutesAreWhatIsMatched: whatever changes, and whatever the cache has room
// for, a message goes to whom a match finds, in the same order.
func TestRoutesAreWhatIsMatched(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := New(NewDirectory(submit), Options{})
		c.routes.limit.routes, c.routes.limit.hits = 4, 12
		clients := map[int]*client{}
		get := func() *client {
			i := rapid.IntRange(0, 7).Draw(t, "client")
			if clients[i] == nil {
				clients[i] = c.begin(fmt.Sprint("c", i), nil)
			}
			return clients[i]
		}
		var out shard.Out
		out.BeginRound()
		names := rapid.SliceOfNDistinct(someName, 1, 8, rapid.ID).Draw(t, "names")
		for range rapid.IntRange(1, 100).Draw(t, "steps") {
			switch rapid.IntRange(0, 9).Draw(t, "do") {
			case 0, 1:
				s := Subscription{QoS: 1, NoLocal: rapid.Bool().Draw(t, "local"), Identifier: rapid.Uint32Range(0, 2).Draw(t, "identifier")}
				cl, filter := get(), someFilter.Draw(t, "filter")
				c.directory.Subscribe(filter, &cl.target, s)
				cl.subscribed(filter, s)
			case 2:
				cl := get()
				if cl.filters.len() > 0 {
					filter := rapid.SampledFrom(cl.filters.sorted()).Draw(t, "filter")
					c.directory.Unsubscribe(filter, &cl.target)
					cl.filters.drop(filter)
				}
			case 3:
				c.joinGroup(0, get(), "g", someFilter.Draw(t, "filter"), Subscription{QoS: 1}, &out)
			case 4:
				cl := get()
				if len(cl.groups) > 0 {
					c.leaveGroup(0, cl, rapid.SampledFrom(slices.Sorted(maps.Keys(cl.groups))).Draw(t, "shared"), &out)
				}
			case 5:
				i := rapid.IntRange(0, 7).Draw(t, "ends")
				if clients[i] != nil {
					c.end(0, clients[i], &out)
					clients[i] = nil
				}
			default:
				name := rapid.SampledFrom(names).Draw(t, "name")
				from := rapid.SampledFrom([]string{"", "c0", "c1"}).Draw(t, "from")
				var got []hit
				for _, h := range c.match(name, from, c.routes.by[name]) {
					if !h.target.is(isDead) {
						got = append(got, h)
					}
				}
				m := newMatching()
				m.begin(from)
				c.directory.Match(name, m.visit)
				require.Equal(t, len(m.hits), len(got))
				for i, want := range m.hits {
					require.Same(t, want.target, got[i].target)
					require.Equal(t, want.qos, got[i].qos)
					require.Equal(t, want.extra, got[i].extra)
				}
			}
			held := 0
			for _, r := range c.routes.all {
				held += len(r.hits)
			}
			require.Equal(t, held, c.routes.held)
			require.LessOrEqual(t, held, 12)
			require.LessOrEqual(t, len(c.routes.all), 4)
			require.LessOrEqual(t, len(c.routes.by), 4)
		}
	})
}

// TestRoutesOfManyNames: those that are used once are not let in, and there is a
// bound for the others.
func TestRoutesOfManyNames(t *testing.T) {
	h := newHall(mqtt.V311)
	h.round(h.connect(), h.packet(subscription("#", 0)))
	for i := range 5_000 {
		h.round(1, h.packet(message(fmt.Sprint("once/", i), "x", 0, 0)))
	}
	require.Less(t, len(h.core.routes.by), 10)
	for i := range 10_000 {
		p := h.packet(message(fmt.Sprint("again/", i), "x", 0, 0))
		h.round(1, p)
		h.round(1, p)
		h.round(1, p)
	}
	require.Len(t, h.core.routes.by, maxRoutes)
	require.Len(t, h.core.routes.all, maxRoutes)
	require.Equal(t, maxRoutes, h.core.routes.held)
}

// TestNoLocalWithARoute: who must not get his own messages gets those of others,
// who have a route.
func TestNoLocalWithARoute(t *testing.T) {
	r := newRig(t, Options{})
	a, b := r.volatile("a", mqtt.V5), r.volatile("b", mqtt.V5)
	for _, p := range []*peer{a, b} {
		p.send(&mqtt.Subscribe{PacketID: 1, Filters: mqtt.NewFilters(mqtt.AppendFilter(nil, "t", mqtt.SubscribeOptions{NoLocal: p == a}))})
		p.take()
	}
	for range 5 {
		a.send(message("t", "from a", 0, 0))
		b.send(message("t", "from b", 0, 0))
		require.Equal(t, "PUBLISH t from b q0", a.take())
		require.Equal(t, "PUBLISH t from a q0\nPUBLISH t from b q0", b.take())
	}
	require.NotEmpty(t, r.core.routes.by)
}

// A locked directory is one for several shards.
type lockedDirectory struct {
	Directory
	mu sync.Mutex
}

func (d *lockedDirectory) Subscribe(filter string, t *Target, s Subscription) (bool, Step) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.Directory.Subscribe(filter, t, s)
}

func (d *lockedDirectory) Unsubscribe(filter string, t *Target) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.Directory.Unsubscribe(filter, t)
}

func (d *lockedDirectory) Match(name string, visit func(*Target, Subscription)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.Directory.Match(name, visit)
}

// TestWhoSawSubackMatches: a shard that publishes after another has subscribed
// finds the subscription, and after it has unsubscribed does not.
func TestWhoSawSubackMatches(t *testing.T) {
	d := &lockedDirectory{Directory: NewDirectory(submit)}
	a, b := New(d, Options{Shard: 0, Shards: 2}), New(d, Options{Shard: 1, Shards: 2})
	subscriber, other := a.begin("s", nil), a.begin("o", nil)
	subacks, published := make(chan bool), make(chan bool)
	go func() {
		defer close(subacks)
		for i := range 5_000 {
			d.Subscribe("x/+", &other.target, Subscription{}) // what is not on the way
			if i%2 == 0 {
				d.Subscribe("t/+", &subscriber.target, Subscription{})
			} else {
				d.Unsubscribe("t/+", &subscriber.target)
			}
			subacks <- i%2 == 0
			<-published
		}
	}()
	var out shard.Out
	for subscribed := range subacks {
		out.BeginRound()
		b.Publish(0, 0, Publication{Topic: "t/1"}, &out)
		require.Equal(t, subscribed, len(out.Posts) == 1)
		published <- true
		b.Publish(0, 0, Publication{Topic: "t/1"}, &out) // while the next change is made
	}
	require.NotEmpty(t, b.routes.by)
}
