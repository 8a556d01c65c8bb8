package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/dormouse-mqtt/dormouse/broker/topic"
	"github.com/dormouse-mqtt/dormouse/cmd/internal/pubsub"
)

func init() { commands = append(commands, newPub) }

func newPub() *cobra.Command {
	var p pubsub.Pub
	var message, file string
	var null, whole bool
	var delay float64
	c := &cobra.Command{
		Use:   "pub [URL]",
		Short: "Publish a message by MQTT or MQTT-SN",
		Example: `  dormouse pub -t sensors/kitchen -m 21.5
  dormouse pub mqttsn://127.0.0.1:1884 -t sensors/kitchen -q 1 -m 21.5
  dormouse pub mqttsn://127.0.0.1:1884 -t ab -q -1 -m 'without connecting'
  dormouse pub -t beat -m tick --repeat 10 --repeat-delay 0.5
  tail -f log | dormouse pub mqtt://broker:1883 -V 5 -t log -l`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) (err error) {
			name, err := p.Complete(args)
			if err != nil {
				return usageError{err}
			}
			if p.Topic == "" {
				p.Topic = name
			}
			if err := checkPub(c, &p, delay); err != nil {
				return usageError{err}
			}
			p.Delay = time.Duration(delay * float64(time.Second))
			switch {
			case file != "":
				p.Message, err = os.ReadFile(file)
			case whole:
				p.Message, err = io.ReadAll(c.InOrStdin())
			default:
				p.Message = []byte(message)
			}
			if err != nil {
				return err
			}
			ctx, stop := interruptible(c)
			defer stop()
			return refused(c, p.Run(ctx, c.InOrStdin(), debugger(c, p.Debug)))
		},
	}
	f := c.Flags()
	p.Register(f)
	f.StringVarP(&p.Topic, "topic", "t", "", "topic name")
	f.StringVarP(&message, "message", "m", "", "the message")
	f.StringVarP(&file, "file", "f", "", "a file that is the message")
	f.BoolVarP(&null, "null-message", "n", false, "an empty message")
	f.BoolVarP(&whole, "stdin-file", "s", false, "standard input is the message")
	f.BoolVarP(&p.Lines, "stdin-line", "l", false, "each line of standard input is a message")
	f.IntVarP(&p.QoS, "qos", "q", 0, "quality of service: 0, 1 or, by MQTT, 2; -1 by MQTT-SN, without connecting")
	f.BoolVarP(&p.Retain, "retain", "r", false, "the server keeps the message for later subscribers")
	f.IntVar(&p.Repeat, "repeat", 1, "send the message that many times")
	f.Float64Var(&delay, "repeat-delay", 0, "seconds between two of them")
	return c
}

// checkPub says what is missing, or does not go together.
func checkPub(c *cobra.Command, p *pubsub.Pub, delay float64) error {
	given := 0
	for _, flag := range []string{"message", "file", "null-message", "stdin-file", "stdin-line"} {
		if c.Flags().Changed(flag) {
			given++
		}
	}
	least, most := 0, 2
	if p.Version == "mqttsn" {
		least, most = -1, 1
	}
	switch {
	case p.Topic == "":
		return errors.New("there is no topic; give one with -t")
	case given != 1:
		return errors.New("give the message by one of -m, -n, -f, -s and -l")
	case p.QoS < least || p.QoS > most:
		return fmt.Errorf("-q is %d; use %d to %d", p.QoS, least, most)
	case p.Repeat < 1 || !(delay >= 0 && delay < 1e9):
		return errors.New("--repeat is 1 or more, and --repeat-delay no less than 0")
	case p.Lines && c.Flags().Changed("repeat"):
		return errors.New("lines are not repeated; leave -l or --repeat out")
	}
	if err := topic.CheckName(p.Topic, topic.Limits{}); err != nil {
		return wrongTopic(p.Topic, err)
	}
	return nil
}

func wrongTopic(name string, err error) error {
	return fmt.Errorf("-t %q is refused everywhere: %s", name, strings.TrimPrefix(err.Error(), "topic: "))
}

// interruptible is the context that a signal ends.
func interruptible(c *cobra.Command) (context.Context, context.CancelFunc) {
	return signal.NotifyContext(c.Context(), os.Interrupt, syscall.SIGTERM)
}

// refused says in mosquitto's words that nobody listens there.
func refused(c *cobra.Command, err error) error {
	if errors.Is(err, syscall.ECONNREFUSED) {
		fmt.Fprintf(c.ErrOrStderr(), "Error: Connection refused; is the server running? (%v)\n", err)
		return exitCode(exitError)
	}
	return err
}

func debugger(c *cobra.Command, on bool) pubsub.Debug {
	var mu sync.Mutex
	return func(format string, args ...any) {
		if on {
			mu.Lock()
			defer mu.Unlock()
			fmt.Fprintf(c.ErrOrStderr(), format+"\n", args...)
		}
	}
}
