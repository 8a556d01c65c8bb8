// Package client is a node's side of MQTT-SN 1.2. It only decides: requests,
// datagrams and the time come in; datagrams and events are taken out. It opens
// no socket, starts no goroutine, takes no lock and asks no clock.
//
// QoS 2 and the will are left out. Numbers in parentheses are sections of the
// specification.
package client

import (
	"cmp"
	"time"

	"github.com/dormouse-mqtt/dormouse/mqttsn"
)

// Time is monotonic time since any moment.
type Time = time.Duration

// Options configure a Client. The zero value is ready to use where the link
// names the node.
type Options struct {
	ClientID     string
	CleanSession bool
	KeepAlive    time.Duration // in whole seconds, rounded up; zero: none
	Retry        time.Duration // T_retry (7.2); zero: 10 s
	Retries      int           // N_retry (7.2); zero: 3; negative: none
	// Predefined are topic names by predefined topic id.
	Predefined map[uint16]string
}

// A state is that of a node (6.14); whoever was lost is disconnected.
type state uint8

const (
	disconnected state = iota
	active
	asleep
	awake
)

// A Client is one node. Requests are served in order, one exchange at a time (6).
type Client struct {
	options Options
	decoder mqttsn.Decoder
	topics  topics
	inbox   inbox

	state    state
	requests []*request // the first is under way once started
	started  bool
	tries    int
	due      Time // of the repetition
	lastSent Time
	msgID    uint16
	token    int
	held     bool

	out    [][]byte
	events []Event
}

// New makes a client that is not connected.
func New(o Options) *Client {
	o.Retry = cmp.Or(o.Retry, 10*time.Second)
	o.Retries = cmp.Or(o.Retries, 3)
	return &Client{options: o, topics: newTopics(o.Predefined)}
}

// Out takes the datagrams that are to be sent. They are the caller's to keep.
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

// Hold says whether messages find no room: until it is taken back, a PUBLISH
// counts as lost on the way. The gateway repeats it at QoS 1.
func (c *Client) Hold(on bool) { c.held = on }

func (c *Client) send(now Time, p mqttsn.Packet) {
	c.lastSent = now
	c.out = append(c.out, p.AppendTo(nil))
}

// Deadline is when Advance is due; false: never.
func (c *Client) Deadline() (Time, bool) {
	if c.started {
		return c.due, true
	}
	if c.state == active && c.options.KeepAlive > 0 {
		return c.lastSent + c.options.KeepAlive, true
	}
	return 0, false
}

// Advance repeats what was not answered (6.13), and keeps the connection
// alive (6.11) by a request of its own.
func (c *Client) Advance(now Time) {
	at, ok := c.Deadline()
	if !ok || now < at {
		return
	}
	switch {
	case !c.started:
		c.requests = append(c.requests, &request{kind: mqttsn.TypePingreq})
	case c.tries >= c.options.Retries:
		c.giveUp()
	default:
		c.tries++
		c.transmit(now, true)
	}
	c.next(now)
}

// giveUp treats the gateway as gone (6.13). Only a node that tried to wake sleeps
// on and tries again later (6.14).
func (c *Client) giveUp() {
	wake := c.requests[0].wake
	c.finish(ErrNoAnswer)
	if wake && c.state == awake {
		c.state = asleep
		return
	}
	c.lose(ErrNoAnswer)
}

// lose ends the connection, and what waits for it. What stands behind a CONNECT
// waits for another one.
func (c *Client) lose(err error) {
	for len(c.requests) > 0 && c.requests[0].kind != mqttsn.TypeConnect {
		c.finish(err)
	}
	if c.state != disconnected {
		c.state = disconnected
		c.events = append(c.events, Event{Kind: Disconnected, Err: err})
	}
}

// next sends the next request; some are over as soon as they are sent.
func (c *Client) next(now Time) {
	for !c.started && len(c.requests) > 0 {
		c.started, c.tries = true, 0
		c.transmit(now, false)
	}
}

// finish ends the first request.
func (c *Client) finish(err error) {
	r := c.requests[0]
	c.requests, c.started = c.requests[1:], false
	if r.token != 0 {
		c.events = append(c.events, r.event(err))
	}
}
