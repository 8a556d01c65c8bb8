// Command demo lets a few emulated battery nodes publish and receive at an
// MQTT-SN gateway, some of them asleep most of the time.
package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/dormouse-mqtt/dormouse/mqttsn"
	"github.com/dormouse-mqtt/dormouse/mqttsn/client"
	"github.com/dormouse-mqtt/dormouse/mqttsn/conn"
)

func main() {
	gateway := flag.String("gateway", "127.0.0.1:1884", "host:port of the gateway")
	nodes := flag.Int("nodes", 5, "how many nodes; every second one sleeps")
	length := flag.Duration("for", 0, "end after that time; 0: at Ctrl-C")
	seed := flag.Uint64("seed", 1, "of the readings")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if *length > 0 {
		ctx, stop = context.WithTimeout(ctx, *length)
		defer stop()
	}
	if err := run(ctx, *gateway, *nodes, *seed); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// run lets the nodes live until ctx ends. What is said is in one line each.
func run(ctx context.Context, gateway string, nodes int, seed uint64) error {
	var all sync.WaitGroup
	failed := make(chan error, nodes+1)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	start := func(name string, n int, live func(context.Context, *node) error) {
		all.Go(func() {
			x := &node{name: name, random: rand.New(rand.NewPCG(seed, uint64(n)))}
			if err := x.connect(ctx, gateway); err != nil {
				failed <- fmt.Errorf("%s: %w", name, err)
				cancel()
				return
			}
			defer x.Close()
			if err := live(ctx, x); err != nil && ctx.Err() == nil {
				failed <- fmt.Errorf("%s: %w", name, err)
				cancel()
			}
			x.leave()
		})
	}
	var sleepers []string
	for i := range nodes {
		name := fmt.Sprintf("sensor-%d", i+1)
		if i%2 == 1 {
			sleepers = append(sleepers, name)
			start(name, i, sleeper)
		} else {
			start(name, i, sensor)
		}
	}
	start("controller", nodes, controller(sleepers))
	all.Wait()
	select {
	case err := <-failed:
		return err
	default:
		return nil
	}
}

// A node is a battery node: a thermometer and a radio.
type node struct {
	*conn.Conn
	name    string
	random  *rand.Rand
	degrees float64
	battery float64
}

func (n *node) say(format string, args ...any) {
	fmt.Printf("%s  %-11s %s\n", time.Now().Format("15:04:05.000"), n.name, fmt.Sprintf(format, args...))
}

// connect tries for ten seconds: the gateway may still be starting.
func (n *node) connect(ctx context.Context, gateway string) (err error) {
	n.degrees, n.battery = 18+8*n.random.Float64(), 80+20*n.random.Float64()
	n.Conn, err = conn.Dial(ctx, gateway, client.Options{
		ClientID: n.name, CleanSession: true, KeepAlive: time.Minute, Retry: 500 * time.Millisecond, Retries: 20,
	})
	if err != nil {
		return err
	}
	if err := n.Connect(ctx); err != nil {
		n.Close()
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	n.say("connected")
	return nil
}

// leave says goodbye, though the time of the demo is over.
func (n *node) leave() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if n.Disconnect(ctx) == nil {
		n.say("disconnected")
	}
}

// measure publishes readings: the temperature drifts a little, and the radio
// wears the battery down.
func (n *node) measure(ctx context.Context) error {
	n.degrees += 0.4 * (n.random.Float64() - 0.5)
	n.battery -= 0.02 * n.random.Float64()
	temperature, battery := fmt.Sprintf("%.1f", n.degrees), fmt.Sprintf("%.0f", n.battery)
	if err := n.Publish(ctx, "sensors/"+n.name+"/temperature", []byte(temperature), mqttsn.QoS1, false); err != nil {
		return err
	}
	if err := n.Publish(ctx, "sensors/"+n.name+"/battery", []byte(battery), mqttsn.QoS0, false); err != nil {
		return err
	}
	n.say("published %s °C, battery %s %%", temperature, battery)
	return nil
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// sensor is a node that is always awake.
func sensor(ctx context.Context, n *node) error {
	for {
		if err := n.measure(ctx); err != nil {
			return err
		}
		if err := pause(ctx, time.Second+time.Duration(n.random.IntN(1000))*time.Millisecond); err != nil {
			return err
		}
	}
}

// nap is how long a sleeper sleeps.
const nap = 5 * time.Second

// sleeper publishes, sleeps, and takes its commands when it wakes.
func sleeper(ctx context.Context, n *node) error {
	if _, err := n.Subscribe(ctx, "nodes/"+n.name+"/command", mqttsn.QoS1); err != nil {
		return err
	}
	for {
		if err := n.measure(ctx); err != nil {
			return err
		}
		if err := n.Sleep(ctx, 2*nap); err != nil { // longer than planned: clocks differ
			return err
		}
		n.say("asleep for %.0f s", nap.Seconds())
		if err := pause(ctx, nap); err != nil {
			return err
		}
		if err := n.Wake(ctx); err != nil {
			return err
		}
		if len(n.Messages()) == 0 {
			n.say("awake: nothing came")
		}
		for len(n.Messages()) > 0 {
			n.say("awake: got command '%s'", (<-n.Messages()).Payload)
		}
	}
}

// controller sends commands to the sleepers, whether they listen or not.
func controller(sleepers []string) func(context.Context, *node) error {
	return func(ctx context.Context, n *node) error {
		for i := 1; ; i++ {
			for _, name := range sleepers {
				if err := n.Publish(ctx, "nodes/"+name+"/command", fmt.Appendf(nil, "blink-%d", i), mqttsn.QoS1, false); err != nil {
					return err
				}
			}
			if len(sleepers) > 0 {
				n.say("sent command 'blink-%d' to %d sleepers", i, len(sleepers))
			}
			if err := pause(ctx, 2*time.Second); err != nil {
				return err
			}
		}
	}
}
