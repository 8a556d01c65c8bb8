// Package conn runs an MQTT-SN client on a UDP socket: one goroutine owns the
// client, one reads.
package conn

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/dormouse-mqtt/dormouse/mqttsn"
	"github.com/dormouse-mqtt/dormouse/mqttsn/client"
)

// A Message came from the gateway.
type Message struct {
	Topic       string
	Payload     []byte
	QoS         mqttsn.QoS
	Retain, Dup bool
}

// maxMessages is how many messages wait for the application. While they are not
// taken nothing more is read, and the gateway repeats.
const maxMessages = 64

// A Conn is a client and its socket.
type Conn struct {
	udp      net.Conn
	epoch    time.Time
	calls    chan call
	incoming chan []byte
	messages chan Message
	done     chan struct{}
	once     sync.Once
	wait     sync.WaitGroup
}

// A call asks the client for something; result gets how it ended.
type call struct {
	start  func(c *client.Client, now client.Time) (token int)
	result chan client.Event
}

// Dial opens a socket to the gateway at host:port.
func Dial(ctx context.Context, gateway string, o client.Options) (*Conn, error) {
	udp, err := new(net.Dialer).DialContext(ctx, "udp", gateway)
	if err != nil {
		return nil, err
	}
	c := &Conn{
		udp: udp, epoch: time.Now(), calls: make(chan call), incoming: make(chan []byte),
		messages: make(chan Message, maxMessages), done: make(chan struct{}),
	}
	c.wait.Go(c.read)
	c.wait.Go(func() { c.run(client.New(o)) })
	return c, nil
}

// read hands datagrams on. An ICMP error about one that we sent is no end.
func (c *Conn) read() {
	b := make([]byte, 1<<16)
	for {
		n, err := c.udp.Read(b)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue
		}
		select {
		case c.incoming <- append([]byte(nil), b[:n]...):
		case <-c.done:
			return
		}
	}
}

// run owns the client.
func (c *Conn) run(cl *client.Client) {
	defer close(c.messages)
	pending := map[int]chan client.Event{}
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		for _, datagram := range cl.Out() {
			c.udp.Write(datagram)
		}
		for _, ev := range cl.Events() {
			c.tell(ev, pending)
		}
		var due <-chan time.Time
		if at, ok := cl.Deadline(); ok {
			timer.Reset(at - c.now())
			due = timer.C
		}
		select {
		case x := <-c.calls:
			pending[x.start(cl, c.now())] = x.result
		case datagram := <-c.incoming:
			cl.Receive(c.now(), datagram)
		case <-due:
			cl.Advance(c.now())
		case <-c.done:
			return
		}
	}
}

func (c *Conn) now() client.Time { return time.Since(c.epoch) }

func (c *Conn) tell(ev client.Event, pending map[int]chan client.Event) {
	switch ev.Kind {
	case client.Done:
		if result := pending[ev.Token]; result != nil {
			result <- ev
			delete(pending, ev.Token)
		}
	case client.Message:
		select {
		case c.messages <- Message{ev.Topic, ev.Payload, ev.QoS, ev.Retain, ev.Dup}:
		case <-c.done:
		}
	}
}

// do makes a call and waits for its end.
func (c *Conn) do(ctx context.Context, start func(*client.Client, client.Time) int) (client.Event, error) {
	x := call{start, make(chan client.Event, 1)}
	select {
	case c.calls <- x:
	case <-c.done:
		return client.Event{}, net.ErrClosed
	case <-ctx.Done():
		return client.Event{}, ctx.Err()
	}
	select {
	case ev := <-x.result:
		return ev, ev.Err
	case <-c.done:
		return client.Event{}, net.ErrClosed
	case <-ctx.Done():
		return client.Event{}, ctx.Err()
	}
}

// Connect connects to the gateway.
func (c *Conn) Connect(ctx context.Context) error {
	_, err := c.do(ctx, (*client.Client).Connect)
	return err
}

// Publish publishes and waits for the acknowledgement at QoS 1.
func (c *Conn) Publish(ctx context.Context, topic string, payload []byte, qos mqttsn.QoS, retain bool) error {
	_, err := c.do(ctx, func(cl *client.Client, now client.Time) int {
		return cl.Publish(now, topic, payload, qos, retain)
	})
	return err
}

// Subscribe subscribes and returns the QoS granted.
func (c *Conn) Subscribe(ctx context.Context, filter string, qos mqttsn.QoS) (mqttsn.QoS, error) {
	ev, err := c.do(ctx, func(cl *client.Client, now client.Time) int { return cl.Subscribe(now, filter, qos) })
	return ev.QoS, err
}

// Unsubscribe ends a subscription.
func (c *Conn) Unsubscribe(ctx context.Context, filter string) error {
	_, err := c.do(ctx, func(cl *client.Client, now client.Time) int { return cl.Unsubscribe(now, filter) })
	return err
}

// Sleep tells the gateway to keep messages for up to d.
func (c *Conn) Sleep(ctx context.Context, d time.Duration) error {
	_, err := c.do(ctx, func(cl *client.Client, now client.Time) int { return cl.Sleep(now, d) })
	return err
}

// Wake fetches what was kept and returns when all of it came.
func (c *Conn) Wake(ctx context.Context) error {
	_, err := c.do(ctx, (*client.Client).Wake)
	return err
}

// Disconnect says goodbye.
func (c *Conn) Disconnect(ctx context.Context) error {
	_, err := c.do(ctx, (*client.Client).Disconnect)
	return err
}

// Messages are those that come in; the channel is closed by Close.
func (c *Conn) Messages() <-chan Message { return c.messages }

// Close ends all without a goodbye and waits for its goroutines.
func (c *Conn) Close() error {
	c.once.Do(func() {
		close(c.done)
		c.udp.Close()
	})
	c.wait.Wait()
	return nil
}
