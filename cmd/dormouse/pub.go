package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/dormouse-mqtt/dormouse/cmd/internal/pubsub"
)

func init() { commands = append(commands, newPub) }

func newPub() *cobra.Command {
	var p pubsub.Pub
	var message, file string
	var null, whole bool
	c := &cobra.Command{
		Use:   "pub [URL]",
		Short: "Publish a message by MQTT or MQTT-SN",
		Example: `  dormouse pub -t sensors/kitchen -m 21.5
  dormouse pub mqttsn://127.0.0.1:1884 -t sensors/kitchen -q 1 -m 21.5
  dormouse pub mqttsn://127.0.0.1:1884 -t ab -q -1 -m 'without connecting'
  tail -f log | dormouse pub mqtt://broker:1883 -V 5 -t log -l`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) (err error) {
			if err := p.Complete(args); err != nil {
				return usageError{err}
			}
			given := 0
			for _, flag := range []string{"message", "file", "null-message", "stdin-file", "stdin-line"} {
				if c.Flags().Changed(flag) {
					given++
				}
			}
			switch least := map[bool]int{true: -1, false: 0}[p.Version == "mqttsn"]; {
			case p.Topic == "":
				return usageError{errors.New("there is no topic; give one with -t")}
			case given != 1:
				return usageError{errors.New("give the message by one of -m, -n, -f, -s and -l")}
			case p.QoS < least || p.QoS > 1:
				return usageError{fmt.Errorf("-q is %d; use %d to 1", p.QoS, least)}
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
			ctx, stop := signal.NotifyContext(c.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			return refused(p.Run(ctx, c.InOrStdin(), debugger(c, p.Debug)))
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
	f.IntVarP(&p.QoS, "qos", "q", 0, "quality of service: 0 or 1; -1 by MQTT-SN, without connecting")
	f.BoolVarP(&p.Retain, "retain", "r", false, "the server keeps the message for later subscribers")
	return c
}

// refused says in mosquitto's words that nobody listens there.
func refused(err error) error {
	if errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("connection refused: nobody listens there; is the server running? (%w)", err)
	}
	return err
}

func debugger(c *cobra.Command, on bool) func(string, ...any) {
	return func(format string, args ...any) {
		if on {
			fmt.Fprintf(c.ErrOrStderr(), format+"\n", args...)
		}
	}
}
