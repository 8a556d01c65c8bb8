// Package client is an MQTT client, 3.1.1 and 5.0, up to QoS 1: what the
// command line tools stand on.
package client

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/dormouse-mqtt/dormouse/broker/mqtt"
)

// Options configure a Client. The zero value is MQTT 3.1.1 with a session that
// is kept.
type Options struct {
	Version       mqtt.Version // zero: 3.1.1
	ClientID      string
	CleanStart    bool
	KeepAlive     time.Duration // whole seconds; zero: none
	SessionExpiry uint32        // seconds (5.0)
	UserName      string        // empty: none
	Password      string
	// Log is told of each packet; it may be nil.
	Log func(format string, args ...any)
}

// A Message comes or goes.
type Message struct {
	Topic   string
	Payload []byte
	QoS     byte
	Retain  bool
}

// A RefusedError is a CONNACK that refuses.
type RefusedError struct {
	Version mqtt.Version
	Code    mqtt.ReasonCode
}

func (e *RefusedError) Error() string {
	reason := e.Code.String()
	if e.Version < mqtt.V5 {
		reason = mqtt.ReturnCode(e.Code).String()
	}
	return "connection refused: " + reason
}

// maxMessages is how many messages wait for the application; while they are not
// taken nothing more is read, and TCP holds the server back.
const maxMessages = 64

// A Client is connected from Dial to its end.
type Client struct {
	conn     net.Conn
	options  Options
	messages chan Message
	done     chan struct{}
	ending   chan struct{}
	once     sync.Once
	wait     sync.WaitGroup

	mu      sync.Mutex
	lastID  uint16
	answers map[uint16]chan answer
	err     error
	written time.Time
}

// An answer is an acknowledgement.
type answer struct {
	codes []byte
	code  mqtt.ReasonCode
}

// Dial connects to the server at host:port and sends CONNECT.
func Dial(ctx context.Context, address string, o Options) (*Client, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return Connect(ctx, conn, o)
}

// Connect sends CONNECT on a connection, which belongs to the client then, and
// waits for the answer.
func Connect(ctx context.Context, conn net.Conn, o Options) (*Client, error) {
	if o.Version == 0 {
		o.Version = mqtt.V311
	}
	if o.Log == nil {
		o.Log = func(string, ...any) {}
	}
	c := &Client{
		conn: conn, options: o, messages: make(chan Message, maxMessages), answers: map[uint16]chan answer{},
		done: make(chan struct{}), ending: make(chan struct{}),
	}
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	r := bufio.NewReader(conn)
	err := c.connect(r)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	c.wait.Go(func() { c.read(r) })
	if o.KeepAlive > 0 {
		c.wait.Go(c.ping)
	}
	return c, nil
}

func (c *Client) connect(r *bufio.Reader) error {
	o := &c.options
	p := mqtt.Connect{
		Version: o.Version, CleanStart: o.CleanStart, KeepAlive: uint16(o.KeepAlive / time.Second), ClientID: []byte(o.ClientID),
		HasUserName: o.UserName != "", UserName: []byte(o.UserName), HasPassword: o.Password != "", Password: []byte(o.Password),
	}
	if o.Version == mqtt.V5 && o.SessionExpiry > 0 {
		p.Properties = mqtt.NewProperties(mqtt.AppendUint32(nil, mqtt.SessionExpiryInterval, o.SessionExpiry))
	}
	if err := c.send(&p); err != nil {
		return err
	}
	first, err := c.next(r, new(mqtt.Decoder))
	if err != nil {
		return fmt.Errorf("no answer to CONNECT: %w", err)
	}
	ack, ok := first.(*mqtt.Connack)
	if !ok {
		return fmt.Errorf("%v instead of CONNACK", first.Type())
	}
	if ack.Code != mqtt.Success {
		return &RefusedError{o.Version, ack.Code}
	}
	return nil
}

// send writes one packet.
func (c *Client) send(p mqtt.Packet) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.options.Log("Client %s sending %v", c.options.ClientID, p.Type())
	c.written = time.Now()
	_, err := c.conn.Write(p.AppendTo(nil, c.options.Version))
	return err
}

// next reads one packet.
func (c *Client) next(r *bufio.Reader, d *mqtt.Decoder) (mqtt.Packet, error) {
	var b []byte
	for {
		octet, err := r.ReadByte()
		if err != nil {
			return nil, err
		}
		b = append(b, octet)
		size, err := mqtt.FrameSize(b, 0)
		if err != nil {
			return nil, err
		}
		if size > 0 {
			whole := make([]byte, size)
			copy(whole, b)
			if _, err := io.ReadFull(r, whole[len(b):]); err != nil {
				return nil, err
			}
			p, err := d.Decode(whole, c.options.Version)
			if err == nil {
				c.options.Log("Client %s received %v", c.options.ClientID, p.Type())
			}
			return p, err
		}
	}
}

// read handles packets until the connection ends.
func (c *Client) read(r *bufio.Reader) {
	d := &mqtt.Decoder{From: mqtt.FromServer}
	var err error
	for err == nil {
		var p mqtt.Packet
		if p, err = c.next(r, d); err == nil {
			err = c.handle(p)
		}
	}
	c.mu.Lock()
	c.err = err
	c.mu.Unlock()
	c.conn.Close()
	close(c.messages)
	close(c.done)
}

func (c *Client) handle(p mqtt.Packet) error {
	switch p := p.(type) {
	case *mqtt.Publish:
		select {
		case c.messages <- Message{string(p.Topic), bytes.Clone(p.Payload), byte(p.QoS), p.Retain}:
		case <-c.ending:
			return net.ErrClosed
		}
		if p.QoS == 1 {
			return c.send(&mqtt.Puback{PacketID: p.PacketID})
		}
	case *mqtt.Puback:
		c.answer(p.PacketID, answer{code: p.Code})
	case *mqtt.Suback:
		c.answer(p.PacketID, answer{codes: bytes.Clone(p.Codes)})
	case *mqtt.Unsuback:
		c.answer(p.PacketID, answer{})
	case *mqtt.Disconnect:
		return fmt.Errorf("disconnected by the server: %v", p.Code)
	}
	return nil
}

func (c *Client) answer(id uint16, a answer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if waiting := c.answers[id]; waiting != nil {
		waiting <- a
		delete(c.answers, id)
	}
}

// ping keeps the connection alive while nothing else does.
func (c *Client) ping() {
	tick := time.NewTicker(c.options.KeepAlive / 2)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			c.mu.Lock()
			quiet := time.Since(c.written) >= c.options.KeepAlive/2
			c.mu.Unlock()
			if quiet && c.send(&mqtt.Pingreq{}) != nil {
				return
			}
		case <-c.done:
			return
		}
	}
}

// request sends what build makes of a packet id and waits for the answer.
func (c *Client) request(ctx context.Context, build func(id uint16) mqtt.Packet) (answer, error) {
	waiting := make(chan answer, 1)
	c.mu.Lock()
	for c.lastID++; c.lastID == 0 || c.answers[c.lastID] != nil; c.lastID++ {
	}
	id := c.lastID
	c.answers[id] = waiting
	c.mu.Unlock()
	if err := c.send(build(id)); err != nil {
		return answer{}, err
	}
	select {
	case a := <-waiting:
		return a, nil
	case <-c.done:
		return answer{}, c.Err()
	case <-ctx.Done():
		return answer{}, ctx.Err()
	}
}

// Publish sends a message, and at QoS 1 waits until the server has it.
func (c *Client) Publish(ctx context.Context, m Message) error {
	p := mqtt.Publish{QoS: mqtt.QoS(m.QoS), Retain: m.Retain, Topic: []byte(m.Topic), Payload: m.Payload}
	if m.QoS == 0 {
		return c.send(&p)
	}
	a, err := c.request(ctx, func(id uint16) mqtt.Packet { p.PacketID = id; return &p })
	if err == nil && a.code.Failed() {
		return fmt.Errorf("publish refused: %v", a.code)
	}
	return err
}

// Subscribe subscribes and returns the code of each filter.
func (c *Client) Subscribe(ctx context.Context, qos byte, filters ...string) ([]byte, error) {
	var raw []byte
	for _, f := range filters {
		raw = mqtt.AppendFilter(raw, f, mqtt.SubscribeOptions{QoS: mqtt.QoS(qos)})
	}
	a, err := c.request(ctx, func(id uint16) mqtt.Packet {
		return &mqtt.Subscribe{PacketID: id, Filters: mqtt.NewFilters(raw)}
	})
	return a.codes, err
}

// Messages are those that come in; the channel is closed at the end.
func (c *Client) Messages() <-chan Message { return c.messages }

// Err is why the connection ended; nil: it has not.
func (c *Client) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if errors.Is(c.err, io.EOF) {
		return errors.New("the server closed the connection")
	}
	return c.err
}

// Close says DISCONNECT and waits until all has ended.
func (c *Client) Close() {
	c.once.Do(func() {
		c.conn.SetWriteDeadline(time.Now().Add(time.Second))
		c.send(&mqtt.Disconnect{})
		close(c.ending)
		c.conn.Close()
	})
	c.wait.Wait()
}
