package client

import (
	"context"
	"errors"
	"time"

	"github.com/dormouse-mqtt/dormouse/broker/mqtt"
)

var errSilent = errors.New("the server does not answer")

// alive is when the connection was last seen to be alive.
type alive struct {
	written time.Time // the last packet
	pinged  time.Time // the last PINGREQ
	heard   time.Time // the last packet read, or message taken
	handing bool      // the application is to take a message; nothing is read
}

// silent says that a PINGREQ found no answer in time. A reader that waits for
// the application cannot have seen one.
func (a *alive) silent(now time.Time, patience time.Duration) bool {
	return !a.handing && a.heard.Before(a.pinged) && now.Sub(a.pinged) >= patience
}

// keepAlive sends PINGREQ when nothing else is sent [MQTT-3.1.2-20].
func (c *Client) keepAlive() {
	half := c.limits.keepAlive / 2
	tick := time.NewTicker(half)
	defer tick.Stop()
	for {
		select {
		case now := <-tick.C:
			c.mu.Lock()
			silent, quiet := c.alive.silent(now, half), now.Sub(c.alive.written) >= half
			if quiet && !silent {
				c.alive.pinged = now
			}
			c.mu.Unlock()
			switch {
			case silent:
				c.fail(errSilent)
				return
			case quiet && c.send(context.Background(), &mqtt.Pingreq{}) != nil:
				return
			}
		case <-c.done:
			return
		case <-c.ending:
			return
		}
	}
}

// hand marks the time in which the reader waits for the application.
func (c *Client) hand(waiting bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.alive.handing, c.alive.heard = waiting, time.Now()
}
