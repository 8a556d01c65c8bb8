package pubsub

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"
)

// ErrTimeout says that not all messages came in time.
var ErrTimeout = errors.New("timed out")

// A Sub is what `dormouse sub` was asked to do.
type Sub struct {
	Target
	Topics  []string
	QoS     int
	Verbose bool          // the topic stands before the message
	Count   int           // end after as many messages; zero: never
	Wait    time.Duration // end after that time; zero: never
	NoEOL   bool          // nothing stands after a message
	Fresh   bool          // no retained messages
}

// Run connects, subscribes and prints what comes until it is enough.
func (s *Sub) Run(ctx context.Context, stdout io.Writer, debug Debug) error {
	var expired context.CancelFunc
	if s.Wait > 0 {
		ctx, expired = context.WithTimeoutCause(ctx, s.Wait, ErrTimeout)
		defer expired()
	}
	err := s.run(ctx, stdout, debug)
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

func (s *Sub) run(ctx context.Context, stdout io.Writer, debug Debug) error {
	c, err := Dial(ctx, &s.Target, true, debug)
	if err != nil {
		return err
	}
	// Messages may come before the answer to a subscription, more than wait
	// anywhere: subscribe while they are taken.
	ctx, cancel := context.WithCancelCause(ctx)
	var subscribing sync.WaitGroup
	subscribing.Go(func() {
		if err := s.subscribe(ctx, c, debug); err != nil {
			cancel(err)
		}
	})
	defer subscribing.Wait()
	defer c.Close()
	defer cancel(nil)
	err = s.print(ctx, c, stdout)
	if cause := context.Cause(ctx); err != nil && cause != nil {
		return cause
	}
	return err
}

func (s *Sub) subscribe(ctx context.Context, c Client, debug Debug) error {
	for _, topic := range s.Topics {
		if err := c.Subscribe(ctx, topic, s.QoS, s.Fresh); err != nil {
			return err
		}
		debug("Subscribed to %s", topic)
	}
	return nil
}

func (s *Sub) print(ctx context.Context, c Client, stdout io.Writer) error {
	for n := 0; s.Count == 0 || n < s.Count; {
		m, err := c.Receive(ctx)
		if err != nil {
			return err
		}
		if s.Fresh && m.Retain {
			continue
		}
		if _, err := stdout.Write(s.format(m)); err != nil {
			return err
		}
		n++
	}
	return nil
}

func (s *Sub) format(m Message) (b []byte) {
	if s.Verbose {
		b = append(append(b, m.Topic...), ' ')
	}
	b = append(b, m.Payload...)
	if !s.NoEOL {
		b = append(b, '\n')
	}
	return b
}
