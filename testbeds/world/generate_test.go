package world

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/dormouse-mqtt/dormouse/broker/mqtt"
)

// What random worlds speak of.
var (
	planTopics  = []string{"a", "a/b", "a/c", "xy", predefinedTopic}
	planShares  = []string{"$share/g/a/+", "$share/g/#", "$share/h/a/b"}
	planFilters = []string{"a", "will/+", "a/b", "xy", predefinedTopic, "a/+", "+/b", "a/#", "#"}
)

// A generator makes the plan of a seed.
type generator struct {
	*plan
	random *rand.Rand
	shares bool // there are shared subscriptions
}

// newPlan makes the plan of a seed.
func newPlan(seed uint64) *plan {
	g := &generator{plan: &plan{seed: seed}, random: rand.New(rand.NewPCG(seed, 2))}
	g.length = g.between(20*time.Second, 40*time.Second)
	g.network()
	g.shares = g.chance(0.3)
	g.people()
	g.subscriptions()
	for range 15 + g.random.IntN(40) {
		g.act()
	}
	g.disasters()
	slices.SortStableFunc(g.ops, func(a, b op) int { return int(a.at - b.at) })
	return g.plan
}

// between draws a time, in whole milliseconds.
func (g *generator) between(from, to time.Duration) time.Duration {
	return from + time.Duration(g.random.Int64N(int64((to-from)/time.Millisecond)))*time.Millisecond
}

func (g *generator) chance(p float64) bool { return g.random.Float64() < p }

// percent draws a probability up to most, in thousandths.
func (g *generator) percent(most float64) float64 {
	return float64(g.random.IntN(int(most*1000)+1)) / 1000
}

func (g *generator) network() {
	o := &g.options
	o.Shards = 1 + 3*g.random.IntN(2)
	if g.chance(0.8) {
		o.Loss, o.Duplicate = g.percent(0.4), g.percent(0.2)
	}
	o.Delay = Range{time.Millisecond, g.between(2*time.Millisecond, 200*time.Millisecond)}
	o.Stream = Range{0, g.between(time.Millisecond, 20*time.Millisecond)}
	o.Commit = Range{time.Millisecond, g.between(2*time.Millisecond, 200*time.Millisecond)}
	o.Post = Range{0, g.between(time.Millisecond, 50*time.Millisecond)}
	o.Split = g.chance(0.5)
	if g.chance(0.4) {
		o.Broker.MaxInflight = 1 + g.random.IntN(4)
	}
	if g.chance(0.5) {
		o.Broker.MaxOutput = 1 + g.random.IntN(200)
	}
	if g.chance(0.3) {
		o.EIO, o.ENOSPC = g.percent(0.1), g.percent(0.1)
	}
}

func (g *generator) people() {
	for i := range 3 + g.random.IntN(10) {
		mode := []string{"kept", "kept", "kept", "clean", "brief"}[g.random.IntN(5)]
		switch g.random.IntN(4) {
		case 0, 1:
			if mode == "brief" {
				mode = "kept"
			}
			g.cast = append(g.cast, role{name: fmt.Sprintf("n%d", i), mode: mode})
		case 2:
			if mode == "brief" {
				mode = "kept"
			}
			g.cast = append(g.cast, role{fmt.Sprintf("c%d", i), mqtt.V311, mode, g.chance(0.2)})
		case 3:
			g.cast = append(g.cast, role{fmt.Sprintf("c%d", i), mqtt.V5, mode, g.chance(0.2)})
		}
	}
}

func (g *generator) add(at time.Duration, who, what string, args ...string) {
	g.ops = append(g.ops, op{at, who, what, args})
}

func (g *generator) someone() role { return g.cast[g.random.IntN(len(g.cast))] }

func pick(g *generator, from []string) string { return from[g.random.IntN(len(from))] }

func (g *generator) qos() string { return strconv.Itoa(g.random.IntN(3)) }

// filter picks what somebody subscribes to, clients now and then with others.
func (g *generator) filter(r role) string {
	if g.shares && r.version != 0 && g.chance(0.3) {
		return pick(g, planShares)
	}
	return pick(g, planFilters)
}

// subscriptions has most of them listen from early on.
func (g *generator) subscriptions() {
	for _, r := range g.cast {
		for range g.random.IntN(3) {
			g.add(g.between(0, 4*time.Second), r.name, "subscribe", g.filter(r), g.qos())
		}
	}
}

// act has somebody do something.
func (g *generator) act() {
	r, at := g.someone(), g.between(time.Second, g.length)
	switch x := g.random.IntN(100); {
	case x < 55:
		g.publish(r, at)
	case x < 62:
		g.add(at, r.name, "subscribe", g.filter(r), g.qos())
	case x < 67:
		g.add(at, r.name, "unsubscribe", g.filter(r))
	case r.version == 0:
		g.nodeActs(r, at)
	default:
		g.clientActs(r, at)
	}
}

// publish has somebody publish a few messages, one behind the other.
func (g *generator) publish(r role, at time.Duration) {
	topic, qos := pick(g, planTopics), g.qos()
	for range 1 + g.random.IntN(4) {
		args := []string{topic, qos}
		if g.chance(0.2) {
			if args = append(args, "retain"); g.chance(0.2) {
				args = append(args, "empty")
			}
		}
		g.add(at, r.name, "publish", args...)
		at += g.between(0, 300*time.Millisecond)
	}
}

func (g *generator) nodeActs(r role, at time.Duration) {
	switch g.random.IntN(9) {
	case 8:
		g.add(at, r.name, "move")
	case 0, 1, 2, 3:
		g.add(at, r.name, "sleep", g.between(2*time.Second, 6*time.Second).Truncate(time.Second).String(), strconv.Itoa(1+g.random.IntN(4)))
	case 4:
		g.add(at, r.name, "leave", g.between(0, 5*time.Second).String())
	case 5, 6:
		g.add(at, r.name, "silent", g.between(0, 12*time.Second).String())
	case 7:
		g.add(at, r.name, "reboot", g.between(0, 3*time.Second).String())
	}
}

func (g *generator) clientActs(r role, at time.Duration) {
	switch g.random.IntN(14) {
	case 12, 13:
		g.add(at, r.name, "stall", g.between(0, 4*time.Second).String())
	case 10, 11:
		g.add(at, r.name, "vanish", g.between(0, 20*time.Second).String())
	case 0, 1, 2:
		g.add(at, r.name, "drop", g.between(0, 8*time.Second).String())
	case 3, 4:
		g.add(at, r.name, "leave", g.between(100*time.Millisecond, 8*time.Second).String())
	case 5, 6:
		g.add(at, r.name, "takeover")
	case 7, 8:
		g.add(at, r.name, "withhold", g.between(0, 5*time.Second).String())
	case 9:
		g.add(at, r.name, "fresh")
	}
}

// disasters are crashes, a failing disk and a wall clock that jumps.
func (g *generator) disasters() {
	at, most := g.between(time.Second, g.length), g.length
	if g.chance(0.2) { // one shortly after the other
		most = min(at+2*time.Second, g.length)
	} else {
		at = time.Second
	}
	if g.chance(0.7) {
		for range g.random.IntN(6) {
			kind := pick(g, []string{"kill", "power"})
			g.add(g.between(at, most+time.Millisecond), "-", "crash", kind, g.between(0, 4*time.Second).String(), strconv.FormatUint(g.random.Uint64N(1e9), 10))
		}
	}
	if g.chance(0.2) {
		g.add(g.between(time.Second, g.length), "-", "disk", g.between(0, 5*time.Second).String())
	}
	if g.chance(0.2) {
		g.add(g.between(time.Second, g.length), "-", "wall", g.between(-600*time.Second, 600*time.Second).String())
	}
}
