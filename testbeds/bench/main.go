// Command bench compares Dormouse with testbeds/floor, a broker that does
// nothing, and with other brokers: what a message costs, and what an idle
// connection takes. docs/performance.md says what the figures mean.
//
// In each round every scenario runs against one server after the other, each
// time a fresh process: what disturbs the machine disturbs all alike. The best
// of the rounds counts. Servers have one core, `dormouse bench`, which makes
// the load, has another.
//
// Run it in the root of the repository.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// Options are what the command line says.
type options struct {
	rounds             int
	duration           time.Duration
	shards             int
	scenarios, servers string
	dormouse           string // a program that is built already; empty: build it
	others             others
	page               string // where the tables go; empty: standard output
}

// others are more servers, as NAME=COMMAND.
type others []string

func (o *others) String() string     { return strings.Join(*o, " ") }
func (o *others) Set(s string) error { *o = append(*o, s); return nil }

func main() {
	var o options
	flag.IntVar(&o.rounds, "rounds", 3, "how often everything runs; the best counts")
	flag.DurationVar(&o.duration, "duration", 3*time.Second, "of each run, after a second to warm up")
	flag.IntVar(&o.shards, "shards", 1, "of Dormouse; all servers get as many cores")
	flag.StringVar(&o.scenarios, "scenarios", "", "names, or beginnings of names, with commas; empty: all")
	flag.StringVar(&o.servers, "servers", "", "of dormouse,floor,mosquitto,mochi and those added; empty: all that are here")
	flag.StringVar(&o.dormouse, "dormouse", "", "a `program` to measure in place of building it")
	flag.Var(&o.others, "floor", "another server to refer to, `NAME=COMMAND` with {mqtt} and {mqttsn} in place of its ports; repeat for more")
	flag.StringVar(&o.page, "write", "", "replace the tables in that `page` in place of printing them")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, &o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o *options) error {
	chosen, err := choose(scenarios, o.scenarios)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	m, err := newMachine(o.shards)
	if err != nil {
		return err
	}
	program, servers, err := build(ctx, dir, o)
	if err != nil {
		return err
	}
	m.before = used()
	found, err := measure(ctx, m, o, program, chosen, servers)
	if err != nil {
		return err
	}
	text := render(chosen, servers, found) + m.describe(o, servers)
	if o.page != "" {
		return rewrite(o.page, text)
	}
	_, err = fmt.Print(text)
	return err
}

// measure runs all rounds. What fails is said, and left out.
func measure(ctx context.Context, m *machine, o *options, program string, chosen []scenario, servers []server) (results, error) {
	found := results{}
	for round := range o.rounds {
		for i := range chosen {
			c := &chosen[i]
			for j := range servers {
				s := &servers[j]
				if c.nodes && !s.gateway || c.once && round > 0 {
					continue
				}
				r, err := m.try(ctx, program, c, s, o.duration)
				if ctx.Err() != nil {
					return nil, ctx.Err()
				}
				if err != nil {
					fmt.Fprintf(os.Stderr, "round %d, %s, %s: %v\n", round+1, c.name, s.name, err)
					continue
				}
				fmt.Fprintf(os.Stderr, "round %d, %s, %s: %s\n", round+1, c.name, s.name, c.short(r))
				found.add(c.name, s.name, r)
			}
		}
	}
	return found, nil
}
