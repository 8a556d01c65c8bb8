package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/dormouse-mqtt/dormouse/cmd/internal/bench"
)

func init() { commands = append(commands, newBench) }

func newBench() *cobra.Command {
	var o bench.Options
	var asJSON bool
	c := &cobra.Command{
		Use:   "bench [URL]",
		Short: "Load a broker or a gateway and measure it",
		Long: `Load an MQTT broker or an MQTT-SN gateway, ours or any other, and measure it.

A publisher has --window messages under way: it sends the next when one has been
delivered to every subscriber, and from QoS 1 on acknowledged. With --rate
messages are sent when they are due, whatever became of those before, and
latency counts from then: what a stall has kept waiting is not left out.

As many publishers as subscribers make pairs. With fewer publishers each topic
has several subscribers, with fewer subscribers several publishers.

If the server runs on this host, its processor time, memory and system calls are
measured too. Give it and this program processors of their own, as taskset does.`,
		Example: `  dormouse bench
  dormouse bench mqtt://127.0.0.1:1883 -p 100 -s 100 -q 1
  dormouse bench -p 10 -s 10 --batch 16 --window 160
  dormouse bench -p 1 -s 500 --duration 10s
  dormouse bench --rate 1000 -q 1 --json
  dormouse bench --syscalls -p 100 -s 100
  dormouse bench --idle 10000 --subscribe
  dormouse bench mqttsn://127.0.0.1:1884 -p 50 -s 1 -q 1
  dormouse bench mqttsn://127.0.0.1:1884 --direction down -p 1 -s 50 --topics 50
  dormouse bench mqttsn://127.0.0.1:1884 --topic-type short -q -1 --rate 1000
  dormouse bench mqttsn://127.0.0.1:1884 --sleepers 500 --messages 10 -q 1`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 1 {
				o.URL = args[0]
			}
			var show *meter
			if !asJSON || isTerminal(os.Stderr) {
				show = newMeter(c.ErrOrStderr())
				o.Progress = show.tell
			}
			ctx, stop := interruptible(c)
			defer stop()
			result, err := runBench(ctx, o)
			show.close()
			if err != nil {
				return refused(c, err)
			}
			if err := report(c.OutOrStdout(), result, asJSON); err != nil {
				return err
			}
			if result.Failed() {
				fmt.Fprintf(c.ErrOrStderr(), "dormouse: of QoS %d %d messages were lost and %d came twice; %d connections ended\n",
					result.Scenario.QoS, result.Lost, result.Duplicates, result.Closed)
				return exitCode(exitError)
			}
			return nil
		},
	}
	benchFlags(c.Flags(), &o)
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return c
}

// runBench runs where it may lock its thread.
func runBench(ctx context.Context, o bench.Options) (*bench.Result, error) {
	result, err := bench.Run(ctx, o)
	if errors.As(err, new(*bench.ScenarioError)) {
		return nil, usageError{err}
	}
	return result, err
}

func benchFlags(f *pflag.FlagSet, o *bench.Options) {
	seconds := func(p *bench.Seconds, name string, value time.Duration, usage string) {
		f.DurationVar((*time.Duration)(p), name, value, usage)
	}
	o.URL = "mqtt://127.0.0.1:1883"
	f.IntVarP(&o.Publishers, "publishers", "p", 10, "publishers")
	f.IntVarP(&o.Subscribers, "subscribers", "s", 10, "subscribers")
	f.IntVar(&o.Topics, "topics", 0, "topics, if not as many as publishers or subscribers, whichever are fewer")
	f.IntVarP(&o.QoS, "qos", "q", 0, "quality of service: 0, 1 or 2; -1 from nodes of MQTT-SN")
	f.IntVar(&o.Size, "size", 64, "octets of a message, 16 at least")
	f.IntVar(&o.Window, "window", 1, "messages under way for each publisher and topic")
	f.IntVar(&o.Batch, "batch", 1, "messages in one write")
	f.Float64Var(&o.Rate, "rate", 0, "messages per second of all publishers together; 0: as the windows allow")
	seconds(&o.Duration, "duration", 5*time.Second, "how long to measure")
	seconds(&o.Warmup, "warmup", time.Second, "how long to run before")
	f.StringVar(&o.Topic, "topic", "", "what topics begin with (bench/ and a number of this run; predefined ones: pre)")
	f.StringVar(&o.Version, "version", "3.1.1", "version of MQTT: 3.1.1 or 5.0")
	seconds(&o.KeepAlive, "keep-alive", time.Minute, "keep-alive that clients ask for; 0: none")
	f.IntVar(&o.Idle, "idle", 0, "hold as many connections that do nothing, for the duration")
	f.BoolVar(&o.Subscribe, "subscribe", false, "with --idle: each has a subscription")
	f.StringVar(&o.Direction, "direction", "up", "MQTT-SN: up (nodes publish) or down (nodes subscribe)")
	f.StringVar(&o.Broker, "broker", "", "MQTT-SN: the MQTT side (port 1883 of the gateway's host)")
	f.StringVar(&o.TopicType, "topic-type", "registered", "MQTT-SN: registered, short or predefined (ids from 1 on, for --topic/1, --topic/2 and so on)")
	f.IntVar(&o.Sleepers, "sleepers", 0, "MQTT-SN: as many nodes that sleep and fetch what has come meanwhile")
	seconds(&o.Sleep, "sleep", 2*time.Second, "with --sleepers: the time over which their wakes are spread")
	f.IntVar(&o.Messages, "messages", 10, "with --sleepers: messages for each while it sleeps")
	f.IntVar(&o.SourceAddresses, "source-addresses", 0, "own addresses 127.0.0.x to connect from (as many as the connections need ports)")
	f.IntSliceVar(&o.PIDs, "pid", nil, "process ids of the server (those that listen there, if that is this host)")
	f.BoolVar(&o.Syscalls, "syscalls", false, "count the server's system calls in a time of their own, with strace if there is one")
}

func report(w io.Writer, r *bench.Result, asJSON bool) error {
	if !asJSON {
		return r.WriteTable(w)
	}
	return json.NewEncoder(w).Encode(r)
}

// A meter shows progress: on a terminal as a bar, else as a line each second.
type meter struct {
	w    io.Writer
	bar  *progressbar.ProgressBar
	last time.Time
	news chan bench.Progress // the run does not wait for a terminal
	done chan struct{}
}

func newMeter(w io.Writer) *meter {
	m := &meter{w: w, news: make(chan bench.Progress, 1), done: make(chan struct{})}
	if f, ok := w.(*os.File); ok && isTerminal(f) {
		m.bar = progressbar.NewOptions(1000,
			progressbar.OptionSetWriter(w), progressbar.OptionSetPredictTime(false), progressbar.OptionSetElapsedTime(false),
			progressbar.OptionClearOnFinish(), progressbar.OptionSetWidth(30))
	}
	go func() {
		defer close(m.done)
		for p := range m.news {
			m.show(p)
		}
	}()
	return m
}

// tell is called by the run.
func (m *meter) tell(p bench.Progress) {
	select {
	case m.news <- p:
	default:
	}
}

func (m *meter) show(p bench.Progress) {
	text := p.Doing
	if p.PerSecond > 0 {
		text += fmt.Sprintf(" %.0f messages/s", p.PerSecond)
	}
	if m.bar != nil {
		m.bar.Describe(text)
		m.bar.Set(min(int(p.Part*1000), 999))
		return
	}
	if now := time.Now(); now.Sub(m.last) >= time.Second {
		m.last = now
		fmt.Fprintf(m.w, "%s, %.0f %%\n", text, p.Part*100)
	}
}

// close removes the bar.
func (m *meter) close() {
	if m == nil {
		return
	}
	close(m.news)
	<-m.done
	if m.bar != nil {
		m.bar.Clear()
	}
}
