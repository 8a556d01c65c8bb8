// Package conn runs an MQTT-SN client on a UDP socket or on a radio link: one
// goroutine owns the client, one reads.
//
// Methods may be called from any goroutine. They queue behind each other, for a
// node has one exchange at a time; each blocks until its own is over. When its
// context ends first it returns, but the exchange goes on.
package conn

import (
	"bytes"
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/dormouse-mqtt/dormouse/mqttsn"
	"github.com/dormouse-mqtt/dormouse/mqttsn/client"
	"github.com/dormouse-mqtt/dormouse/radio"
)

// A Message came from the gateway.
type Message struct {
	Topic       string
	Payload     []byte
	QoS         mqttsn.QoS
	Retain, Dup bool
}

// maxMessages is how many messages wait for the application.
const maxMessages = 256

// A Conn is a client and what carries its datagrams.
type Conn struct {
	carrier  carrier
	epoch    time.Time
	calls    chan call
	incoming chan []byte
	messages chan Message
	lost     chan error
	done     chan struct{}
	once     sync.Once
	wait     sync.WaitGroup
}

// A call asks the client for something; result gets how it ended.
type call struct {
	start  func(c *client.Client, now client.Time) (token int)
	result chan client.Event
}

// Dial opens a UDP socket to the gateway at host:port. It sends nothing yet.
func Dial(ctx context.Context, gateway string, o client.Options) (*Conn, error) {
	udp, err := new(net.Dialer).DialContext(ctx, "udp", gateway)
	if err != nil {
		return nil, err
	}
	return start(socket{udp}, o), nil
}

// New talks to the gateway at an address of a link, which Close closes.
func New(l radio.Link, gateway radio.Addr, o client.Options) *Conn {
	return start(link{l, gateway}, o)
}

func start(by carrier, o client.Options) *Conn {
	c := &Conn{
		carrier: by, epoch: time.Now(), calls: make(chan call), incoming: make(chan []byte),
		messages: make(chan Message, maxMessages), lost: make(chan error, 1), done: make(chan struct{}),
	}
	c.wait.Go(c.read)
	c.wait.Go(func() { c.run(client.New(o)) })
	return c
}

// pause is how long reading rests after an error, which may be there to stay.
const pause = 10 * time.Millisecond

// read hands datagrams on. An error is no end: UDP reports by ICMP that nobody
// got what we sent.
func (c *Conn) read() {
	b := make([]byte, mqttsn.MaxLength)
	for {
		n, err := c.carrier.read(b)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			select {
			case <-time.After(pause):
				continue
			case <-c.done:
				return
			}
		}
		select {
		case c.incoming <- bytes.Clone(b[:n]):
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
			c.carrier.write(datagram)
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
			cl.Hold(len(c.messages) == maxMessages) // only this goroutine fills it
			cl.Receive(c.now(), datagram)
		case <-due:
			cl.Advance(c.now())
		case <-c.done:
			return
		}
	}
}

func (c *Conn) now() client.Time { return time.Since(c.epoch) }

// tell never waits: results and messages have room, and of two losses the last
// one counts.
func (c *Conn) tell(ev client.Event, pending map[int]chan client.Event) {
	switch ev.Kind {
	case client.Message:
		c.messages <- Message{ev.Topic, ev.Payload, ev.QoS, ev.Retain, ev.Dup}
	case client.Disconnected:
		select {
		case <-c.lost:
		default:
		}
		c.lost <- ev.Err
	default:
		pending[ev.Token] <- ev
		delete(pending, ev.Token)
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

// Register asks for the id of a topic. Publish does it by itself.
func (c *Conn) Register(ctx context.Context, topic string) error {
	_, err := c.do(ctx, func(cl *client.Client, now client.Time) int { return cl.Register(now, topic) })
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

// Wake fetches what was kept; when it returns, all of it is in Messages.
func (c *Conn) Wake(ctx context.Context) error {
	_, err := c.do(ctx, (*client.Client).Wake)
	return err
}

// Ping asks whether the gateway is there.
func (c *Conn) Ping(ctx context.Context) error {
	_, err := c.do(ctx, (*client.Client).Ping)
	return err
}

// Disconnect says goodbye.
func (c *Conn) Disconnect(ctx context.Context) error {
	_, err := c.do(ctx, (*client.Client).Disconnect)
	return err
}

// Messages are those that come in; the channel is closed by Close. 256 of them
// wait to be taken. What comes then counts as lost on the way: at QoS 1 it is not
// acknowledged and the gateway repeats it, at QoS 0 it is gone. All else goes on.
func (c *Conn) Messages() <-chan Message { return c.messages }

// Lost tells why the connection ended without a Disconnect of ours; Connect may
// bring it back. It keeps the last reason until it is taken.
func (c *Conn) Lost() <-chan error { return c.lost }

// Close ends all without a goodbye and waits for its goroutines.
func (c *Conn) Close() error {
	c.once.Do(func() {
		close(c.done)
		c.carrier.Close()
	})
	c.wait.Wait()
	return nil
}
