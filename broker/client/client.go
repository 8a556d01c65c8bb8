// Package client is an MQTT client, 3.1.1 and 5.0: what the command line tools
// stand on.
//
// One goroutine reads. While the application does not take its messages nothing
// more is read, and TCP holds the server back: whoever waits for an answer must
// see to it that somebody takes the messages that may come before it.
package client

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
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
	Will          *Message // nil: none
	// Queue is how many messages wait for the application. Zero: 64. Negative:
	// none, so that no message is acknowledged that was not taken.
	Queue int
	// Log is told of each packet, by several goroutines; it may be nil.
	Log func(format string, args ...any)
}

// A Message comes or goes.
type Message struct {
	Topic   string
	Payload []byte
	QoS     byte
	Retain  bool
}

// farewell is how long the server may take to let the connection end.
const farewell = time.Second

// A Client is connected from Dial to its end.
type Client struct {
	conn      net.Conn
	options   Options
	limits    limits
	messages  chan Message
	inflight  chan struct{}   // holds one for each PUBLISH that waits for PUBACK or PUBCOMP
	exactly   map[uint16]bool // ids of QoS 2 messages between PUBLISH and PUBREL
	done      chan struct{}   // closed when the reader has ended
	ending    chan struct{}   // closed by Close
	once      sync.Once
	wait      sync.WaitGroup
	accepting sync.Mutex // held from handing a message over to its acknowledgement
	writing   sync.Mutex // held while a packet is written

	mu      sync.Mutex // guards what follows, never held over I/O
	lastID  uint16
	pending map[uint16]request
	err     error
	alive   alive
}

// Dial connects to a server, mqtt://user:password@host:port or host:port, and
// sends CONNECT.
func Dial(ctx context.Context, server string, o Options) (*Client, error) {
	address := server
	if u, err := url.Parse(server); err == nil && u.Host != "" {
		if u.Scheme != "mqtt" {
			return nil, fmt.Errorf("%q: the client speaks mqtt:// only", u.Scheme+"://")
		}
		port := u.Port()
		if port == "" {
			port = "1883"
		}
		address = net.JoinHostPort(u.Hostname(), port)
		if password, ok := u.User.Password(); ok && o.Password == "" {
			o.Password = password
		}
		if o.UserName == "" {
			o.UserName = u.User.Username()
		}
	}
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
	if o.Queue == 0 {
		o.Queue = 64
	}
	c := &Client{
		conn: conn, options: o, messages: make(chan Message, max(o.Queue, 0)), exactly: map[uint16]bool{},
		pending: map[uint16]request{}, done: make(chan struct{}), ending: make(chan struct{}),
	}
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	r := bufio.NewReader(conn)
	err := c.connect(r)
	if !stop() {
		err = ctx.Err()
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	c.inflight = make(chan struct{}, c.limits.inflight)
	c.wait.Go(func() { c.read(r) })
	if c.limits.keepAlive > 0 {
		c.wait.Go(c.keepAlive)
	}
	return c, nil
}

// Messages are those that come in; the channel is closed at the end.
func (c *Client) Messages() <-chan Message { return c.messages }

// Done is closed when the connection has ended.
func (c *Client) Done() <-chan struct{} { return c.done }

// Err is why the connection ended; nil: it has not, or Close ended it.
func (c *Client) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if errors.Is(c.err, io.EOF) || errors.Is(c.err, io.ErrUnexpectedEOF) {
		return errors.New("the server closed the connection")
	}
	return c.err
}

// fail ends the connection; the first reason stays.
func (c *Client) fail(err error) {
	c.mu.Lock()
	if c.err == nil && !c.closing() {
		c.err = err
	}
	c.mu.Unlock()
	c.conn.Close()
}

func (c *Client) closing() bool {
	select {
	case <-c.ending:
		return true
	default:
		return false
	}
}

// Close says DISCONNECT and waits until all has ended.
func (c *Client) Close() {
	c.once.Do(func() {
		close(c.ending)
		ctx, cancel := context.WithTimeout(context.Background(), farewell)
		defer cancel()
		c.conn.SetWriteDeadline(time.Now().Add(farewell)) // of a write under way
		c.accepting.Lock()                                // no acknowledgement after DISCONNECT
		err := c.send(ctx, &mqtt.Disconnect{})
		c.accepting.Unlock()
		// Octets that are never read make TCP reset the connection, and the
		// server may then lose what was sent last: read on until it closes.
		half, ok := c.conn.(interface{ CloseWrite() error })
		if err != nil || !ok || half.CloseWrite() != nil {
			c.conn.Close()
			return
		}
		c.conn.SetReadDeadline(time.Now().Add(farewell))
	})
	c.wait.Wait()
}
