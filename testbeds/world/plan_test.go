package world

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	gateway "github.com/dormouse-mqtt/dormouse/gateway/core"
	"github.com/dormouse-mqtt/dormouse/gateway/session"

	"github.com/dormouse-mqtt/dormouse/broker/core"
	"github.com/dormouse-mqtt/dormouse/broker/mqtt"
	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/broker/store/sim"
)

// A plan is all that a random world does, as text or as values. Running one is
// deterministic.
type plan struct {
	seed    uint64
	options Options
	length  time.Duration // then it settles
	cast    []role
	ops     []op
}

// A role is an actor: a client or a node.
type role struct {
	name    string
	version mqtt.Version // 0: a node
	mode    string
	will    bool
}

// An op is something that an actor is told at a time; actor "-" is the world.
type op struct {
	at   time.Duration
	who  string
	what string
	args []string
}

// String is the plan's text, which parsePlan reads.
func (p *plan) String() string {
	var b strings.Builder
	o := &p.options
	fmt.Fprintf(&b, "world seed=%d length=%v shards=%d loss=%.3f duplicate=%.3f delay=%v stream=%v commit=%v post=%v eio=%.3f enospc=%.3f split=%v window=%d output=%d\n",
		p.seed, p.length, o.Shards, o.Loss, o.Duplicate, o.Delay, o.Stream, o.Commit, o.Post, o.EIO, o.ENOSPC, o.Split, o.Broker.MaxInflight, o.Broker.MaxOutput)
	for _, r := range p.cast {
		if r.version == 0 {
			fmt.Fprintf(&b, "node %s %s\n", r.name, r.mode)
		} else {
			fmt.Fprintf(&b, "client %s v=%d %s will=%v\n", r.name, r.version, r.mode, r.will)
		}
	}
	for _, x := range p.ops {
		fmt.Fprintln(&b, strings.TrimSpace(fmt.Sprintf("%v %s %s %s", x.at, x.who, x.what, strings.Join(x.args, " "))))
	}
	return b.String()
}

// String writes a range as a plan has it.
func (r Range) String() string { return fmt.Sprintf("%v..%v", r.Min, r.Max) }

func parseRange(s string) Range {
	from, to, _ := strings.Cut(s, "..")
	return Range{duration(from), duration(to)}
}

// parsePlan reads a plan's text. It is written by machines, so that an error in
// it is a reason to panic.
func parsePlan(text string) *plan {
	p := &plan{}
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		switch f := parse(words[1:]); words[0] {
		case "world":
			p.parseWorld(f)
		case "client":
			p.cast = append(p.cast, role{words[1], mqtt.Version(f.number("v", 4)), words[3], f["will"] == "true"})
		case "node":
			p.cast = append(p.cast, role{name: words[1], mode: words[2]})
		default:
			p.ops = append(p.ops, op{duration(words[0]), words[1], words[2], words[3:]})
		}
	}
	return p
}

func (p *plan) parseWorld(f fields) {
	probability := func(key string) float64 {
		v, err := strconv.ParseFloat(f[key], 64)
		if err != nil {
			panic(err)
		}
		return v
	}
	seed, err := strconv.ParseUint(f["seed"], 10, 64)
	if err != nil {
		panic(err)
	}
	p.seed, p.length = seed, duration(f["length"])
	p.options = Options{
		Shards: f.number("shards", 1), Loss: probability("loss"), Duplicate: probability("duplicate"),
		Delay: parseRange(f["delay"]), Stream: parseRange(f["stream"]), Commit: parseRange(f["commit"]),
		Post: parseRange(f["post"]), EIO: probability("eio"), ENOSPC: probability("enospc"), Split: f["split"] == "true",
		Broker: core.Options{MaxInflight: f.number("window", 0), MaxOutput: f.number("output", 0)},
	}
}

// An actor is who lives in a world.
type actor interface {
	do(what string, args []string)
	settle()       // do what is left, and stay
	idle() bool    // nothing is left
	stuck() string // what is
}

// A run is a plan being run.
type run struct {
	*World
	h      *history
	plan   *plan
	actors map[string]actor
	probe  *Client
	kept   map[string]string // retained messages that the probe got
}

// wallAtStart is what the wall clock shows at first.
const wallAtStart = 1_700_000_000 * time.Second

// play runs a plan to its end.
func (p *plan) play(quiet bool) *run {
	o := p.options
	o.Quiet, o.Wall = quiet, wallAtStart
	o.Link = &shard.LinkInfo{
		Listener: "mqttsn://world", MTU: 1024, MaxPacket: 1024, MaxClients: 1000,
		Anonymous: shard.AnonymousOn, GwID: 1, Retry: time.Second, Retries: 3, AwakeRetry: 500 * time.Millisecond,
		Roam: shard.RoamAny,
	}
	table := &session.Table{}
	table.Add(predefinedID, predefinedTopic)
	o.Gateway = gateway.Options{Predefined: map[string]*session.Table{"*": table}}
	w := New(p.seed, o)
	r := &run{World: w, h: newHistory(w), plan: p, actors: map[string]actor{}, kept: map[string]string{}}
	for _, c := range p.cast {
		w.After(w.draw(Range{0, 300 * time.Millisecond}), func() { r.enter(c) })
	}
	for _, x := range p.ops {
		w.at(x.at, func() { r.do(x) })
	}
	w.Run(p.length)
	r.settle()
	r.h.check()
	return r
}

func (r *run) enter(c role) {
	if c.version == 0 {
		r.actors[c.name] = newNodeActor(r.h, c.name, c.mode == "kept")
	} else {
		r.actors[c.name] = newClientActor(r.h, c.name, c.version, c.mode, c.will)
	}
}

func (r *run) do(x op) {
	if x.who != "-" {
		if a := r.actors[x.who]; a != nil {
			a.do(x.what, x.args)
		}
		return
	}
	switch x.what {
	case "crash":
		seed, _ := strconv.ParseUint(x.args[2], 10, 64)
		r.h.crashes = append(r.h.crashes, r.now)
		r.Crash(Crash{Power: x.args[0] == "power", Down: duration(x.args[1]), Seed: seed})
	case "wall":
		r.SetWall(duration(x.args[0]))
	case "disk":
		r.h.disk = true
		r.Break(sim.ErrIO)
		r.After(duration(x.args[0]), func() { r.Break(nil) })
	}
}

// What a world has to settle.
const (
	settleLeast = 15 * time.Second
	settleMost  = 90 * time.Second
)

// settle lets everybody finish on a network that loses nothing, and asks for the
// retained messages.
func (r *run) settle() {
	r.SetNetwork(0, 0)
	r.Break(nil)
	for _, c := range r.plan.cast {
		r.actors[c.name].settle()
	}
	began, quiet := r.now, 0
	got := r.h.count()
	for r.now < began+settleMost && (r.now < began+settleLeast || quiet < 6) {
		r.Run(time.Second)
		quiet++
		if n := r.h.count(); n != got || !r.idle() {
			got, quiet = n, 0
		}
	}
	for _, c := range r.plan.cast {
		if a := r.actors[c.name]; !a.idle() {
			r.h.violate("%s does not come to an end: %s", c.name, a.stuck())
		}
	}
	r.ask()
}

func (r *run) idle() bool {
	for _, c := range r.plan.cast {
		if !r.actors[c.name].idle() {
			return false
		}
	}
	return r.Up()
}

// ask has a new client subscribe to everything, and keeps what is retained.
func (r *run) ask() {
	r.probe = r.Client("probe")
	r.probe.Got = func(p mqtt.Packet) {
		if p, ok := p.(*mqtt.Publish); ok && p.Retain {
			r.kept[string(p.Topic)] = string(p.Payload)
		}
	}
	r.probe.Connect(&mqtt.Connect{Version: mqtt.V311, CleanStart: true, ClientID: []byte("probe")})
	r.probe.Subscribe(1, "#", 0)
	r.Run(2 * time.Second)
	r.h.checkRetained(r.kept)
}
