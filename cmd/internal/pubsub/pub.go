package pubsub

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"time"
)

// A Pub is what `dormouse pub` was asked to do.
type Pub struct {
	Target
	Topic   string
	QoS     int
	Retain  bool
	Message []byte // unless Lines
	Lines   bool   // each line of standard input is a message
	Repeat  int    // how often Message is sent; zero: once
	Delay   time.Duration
}

// Run connects, publishes and disconnects. That ctx ends while it waits for the
// next message is no error.
func (p *Pub) Run(ctx context.Context, stdin io.Reader, debug Debug) error {
	c, err := Dial(ctx, &p.Target, p.QoS >= 0, debug)
	if err != nil {
		return err
	}
	defer c.Close()
	if p.Lines {
		return p.lines(ctx, c, stdin)
	}
	for n := range max(p.Repeat, 1) {
		if n > 0 && !pause(ctx, c, p.Delay) {
			return c.Err()
		}
		if err := c.Publish(ctx, p.message(p.Message)); err != nil {
			return err
		}
	}
	return nil
}

func (p *Pub) message(payload []byte) Message { return Message{p.Topic, payload, p.QoS, p.Retain} }

// pause waits; false: the context or the connection ended.
func pause(ctx context.Context, c Client, d time.Duration) bool {
	select {
	case <-time.After(d):
		return ctx.Err() == nil
	case <-ctx.Done():
	case <-c.Done():
	}
	return false
}

// A line is what was read; err comes with the last.
type line struct {
	octets []byte
	err    error
}

// lines publishes each line. Nothing can interrupt a read from a terminal: its
// goroutine lives until the next line or the end of the program.
func (p *Pub) lines(ctx context.Context, c Client, stdin io.Reader) error {
	lines := make(chan line)
	over := make(chan struct{})
	defer close(over)
	go func() {
		r := bufio.NewReader(stdin)
		for {
			octets, err := r.ReadBytes('\n')
			select {
			case lines <- line{octets, err}:
			case <-over:
				return
			}
			if err != nil {
				return
			}
		}
	}()
	for {
		select {
		case l := <-lines:
			if l.err == nil || len(l.octets) > 0 { // the last line may have no end
				if err := c.Publish(ctx, p.message(bytes.TrimSuffix(l.octets, []byte("\n")))); err != nil {
					return err
				}
			}
			if errors.Is(l.err, io.EOF) {
				return nil
			}
			if l.err != nil {
				return l.err
			}
		case <-ctx.Done():
			return nil
		case <-c.Done():
			return c.Err()
		}
	}
}
