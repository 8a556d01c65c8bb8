// Package client is a node's side of MQTT-SN 1.2. It only decides: requests,
// datagrams and the time come in; datagrams and events are taken out. Numbers in
// parentheses are sections of the specification.
package client

import (
	"time"

	"github.com/dormouse-mqtt/dormouse/mqttsn"
)

// Time is monotonic time since any moment.
type Time = time.Duration

// Options configure a Client.
type Options struct {
	ClientID     string
	CleanSession bool
	KeepAlive    time.Duration // whole seconds; zero: none
	Retry        time.Duration // T_retry (7.2); zero: 10 s
	Retries      int           // N_retry (7.2); zero: 3
	// Predefined are topic names by predefined topic id.
	Predefined map[uint16]string
}

// A Client is one node. Requests are served one after the other (6).
type Client struct {
	options Options
	decoder mqttsn.Decoder
	ids     map[string]uint16 // normal topic ids
	names   map[uint16]string
	pre     map[string]uint16

	connected bool
	requests  []*request // the first is under way once it was sent
	started   bool
	tries     int
	due       Time // of the repetition
	lastSent  Time
	msgID     uint16
	token     int
	lastIn    uint16 // message id of the last QoS 1 message
	haveIn    bool

	out    [][]byte
	events []Event
}

// New makes a client that is not connected.
func New(o Options) *Client {
	if o.Retry == 0 {
		o.Retry = 10 * time.Second
	}
	if o.Retries == 0 {
		o.Retries = 3
	}
	c := &Client{options: o, ids: map[string]uint16{}, names: map[uint16]string{}, pre: map[string]uint16{}}
	for id, name := range o.Predefined {
		c.pre[name] = id
	}
	return c
}

// Out takes the datagrams that are to be sent.
func (c *Client) Out() [][]byte {
	out := c.out
	c.out = nil
	return out
}

// Events takes what happened.
func (c *Client) Events() []Event {
	events := c.events
	c.events = nil
	return events
}

func (c *Client) send(now Time, p mqttsn.Packet) {
	c.lastSent = now
	c.out = append(c.out, p.AppendTo(nil))
}

// Deadline is when Advance is due; false: never.
func (c *Client) Deadline() (Time, bool) {
	if c.started {
		return c.due, true
	}
	if c.connected && c.options.KeepAlive > 0 {
		return c.lastSent + c.options.KeepAlive, true
	}
	return 0, false
}

// Advance repeats what was not answered, and keeps the connection alive (6.11).
func (c *Client) Advance(now Time) {
	at, ok := c.Deadline()
	if !ok || now < at {
		return
	}
	if !c.started {
		c.send(now, &mqttsn.Pingreq{})
		return
	}
	if c.tries++; c.tries > c.options.Retries { // 6.13
		c.finish(now, ErrNoAnswer)
		return
	}
	c.transmit(now, true)
}

// next sends the next request.
func (c *Client) next(now Time) {
	for !c.started && len(c.requests) > 0 {
		c.started, c.tries = true, 0
		c.transmit(now, false)
	}
}

// finish ends the request under way.
func (c *Client) finish(now Time, err error) {
	r := c.requests[0]
	c.requests = c.requests[1:]
	c.started = false
	c.events = append(c.events, Event{Kind: Done, Token: r.token, Err: err, QoS: r.granted})
	c.next(now)
}
