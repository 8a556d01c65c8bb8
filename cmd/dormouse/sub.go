package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/dormouse-mqtt/dormouse/broker/topic"
	"github.com/dormouse-mqtt/dormouse/cmd/internal/pubsub"
)

func init() { commands = append(commands, newSub) }

// exitTimeout is mosquitto_sub's exit code when -W ends it.
const exitTimeout = 27

func newSub() *cobra.Command {
	var s pubsub.Sub
	var seconds int
	c := &cobra.Command{
		Use:   "sub [URL]",
		Short: "Subscribe by MQTT or MQTT-SN and print what comes",
		Example: `  dormouse sub -t 'sensors/#' -v
  dormouse sub mqttsn://127.0.0.1:1884 -t 'sensors/#' -q 1 -C 1 -W 10
  dormouse sub -V 5 -i display -c -x 3600 -t 'sensors/#' -q 1`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			name, err := s.Complete(args)
			if err != nil {
				return usageError{err}
			}
			if name != "" {
				s.Topics = append(s.Topics, name)
			}
			if err := checkSub(c, &s, seconds); err != nil {
				return usageError{err}
			}
			s.Wait = time.Duration(seconds) * time.Second
			ctx, stop := interruptible(c)
			defer stop()
			err = s.Run(ctx, c.OutOrStdout(), debugger(c, s.Debug))
			switch {
			case errors.Is(err, pubsub.ErrTimeout):
				fmt.Fprintln(c.ErrOrStderr(), "Timed out")
				return exitCode(exitTimeout)
			case errors.Is(err, context.Canceled):
				return nil // by a signal
			}
			return refused(c, err)
		},
	}
	f := c.Flags()
	s.Register(f)
	f.StringArrayVarP(&s.Topics, "topic", "t", nil, "topic filter; repeat for more")
	f.IntVarP(&s.QoS, "qos", "q", 0, "highest quality of service")
	f.BoolVarP(&s.Verbose, "verbose", "v", false, "print the topic before the message")
	f.IntVarP(&s.Count, "count", "C", 0, "end after that many messages")
	f.IntVarP(&seconds, "timeout", "W", 0, "end after that many seconds, with exit code 27")
	f.BoolVarP(&s.NoEOL, "no-eol", "N", false, "print nothing after a message")
	f.BoolVarP(&s.Fresh, "no-retained", "R", false, "leave out what was retained before")
	f.BoolVarP(&s.KeepSession, "disable-clean-session", "c", false, "keep the session at the server")
	f.Uint32VarP(&s.SessionExpiry, "session-expiry-interval", "x", 0, "seconds that the server keeps the session (5)")
	return c
}

// checkSub says what is missing, or does not go together.
func checkSub(c *cobra.Command, s *pubsub.Sub, seconds int) error {
	most := 2
	if s.Version == "mqttsn" {
		most = 1
	}
	switch {
	case len(s.Topics) == 0:
		return errors.New("there is no topic; give one or more with -t")
	case s.QoS < 0 || s.QoS > most:
		return fmt.Errorf("-q is %d; use 0 to %d", s.QoS, most)
	case s.Count < 0 || seconds < 0:
		return errors.New("-C and -W are not negative")
	case s.KeepSession && !c.Flags().Changed("id"):
		return errors.New("a session that is kept needs a client id; give one with -i")
	}
	for _, filter := range s.Topics {
		if err := topic.CheckFilter(filter, topic.Limits{}); err != nil {
			return wrongTopic(filter, err)
		}
	}
	return nil
}
