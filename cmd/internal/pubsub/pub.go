package pubsub

import (
	"bufio"
	"context"
	"io"
)

// A Pub is what `dormouse pub` was asked to do.
type Pub struct {
	Target
	Topic   string
	QoS     int
	Retain  bool
	Message []byte // unless Lines
	Lines   bool   // each line of standard input is a message
}

// Run connects, publishes and disconnects.
func (p *Pub) Run(ctx context.Context, stdin io.Reader, debug func(string, ...any)) error {
	c, err := Dial(ctx, &p.Target, p.QoS >= 0, debug)
	if err != nil {
		return err
	}
	defer c.Close()
	if !p.Lines {
		return c.Publish(ctx, Message{p.Topic, p.Message, p.QoS, p.Retain})
	}
	lines := bufio.NewScanner(stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if err := c.Publish(ctx, Message{p.Topic, lines.Bytes(), p.QoS, p.Retain}); err != nil {
			return err
		}
	}
	return lines.Err()
}
