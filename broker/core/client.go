package core

import (
	"time"

	"github.com/dormouse-mqtt/dormouse/broker/deadline"
	"github.com/dormouse-mqtt/dormouse/broker/mqtt"
	"github.com/dormouse-mqtt/dormouse/broker/session"
	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/broker/table"
)

// A client is what the shard holds for one client id: the session, its
// subscriptions, the will of its connection, and that connection.
type client struct {
	session.Session
	conn    *conn // nil: not connected
	target  Target
	filters *filters   // nil: none
	endsAt  shard.Time // when the session ends, while not connected
	due     deadline.Item
	next    *client // in the table of clients
	*rare
}

var byClientID = table.Of[string, client]{
	Key:  func(cl *client) string { return cl.ClientID },
	Next: func(cl *client) **client { return &cl.next },
}

// rare is what few clients have.
type rare struct {
	groups map[string]*Target // shared ones among the filters
	// extension belongs to the connection's protocol and is stored with the
	// session: topic ids and sleep state of an MQTT-SN node.
	extension []byte
	details   []shard.Detail // by number; apart from the extension, because they change by themselves
	will      *will
	scans     []scan  // retained messages that are still to come
	reload    *reload // nil: it is as the store has it
}

// nothingRare is for those who have nothing rare, and is never written.
var nothingRare rare

func (cl *client) own() *rare {
	if cl.rare == &nothingRare {
		cl.rare = &rare{}
	}
	return cl.rare
}

// isEmpty says that there is nothing rare any more.
func (r *rare) isEmpty() bool {
	return len(r.groups) == 0 && len(r.extension) == 0 && len(r.details) == 0 && r.will == nil && len(r.scans) == 0 && r.reload == nil
}

func (cl *client) setWill(w *will) {
	if w != cl.will {
		cl.own().will = w
	}
}

func (cl *client) setExtension(ext []byte) {
	if len(ext) > 0 || len(cl.extension) > 0 {
		cl.own().extension = ext
	}
}

func (cl *client) joined(shared string, t *Target) {
	r := cl.own()
	if r.groups == nil {
		r.groups = map[string]*Target{}
	}
	r.groups[shared] = t
}

// A will is published when its connection ends otherwise than by DISCONNECT
// (MQTT 5.0, 3.1.2.5).
type will struct {
	message *shard.Message
	expiry  uint32 // seconds after publication; 0: never
	delay   time.Duration
	at      shard.Time // when it is due, once the connection has ended
}

// An instance is the epoch, the shard, and a count.
const (
	epochShift = 46
	shardShift = 40
)

// begin makes an empty session for a client id.
func (c *Core) begin(clientID string, cl *client) *client {
	c.sessions++
	return c.adopt(clientID, uint64(c.options.Epoch)<<epochShift|uint64(c.options.Shard)<<shardShift|c.sessions, cl)
}

// adopt makes an empty session of a known instance, in cl if there is that.
func (c *Core) adopt(clientID string, instance uint64, cl *client) *client {
	if cl == nil {
		cl = &client{}
	}
	*cl = client{Session: *session.New(clientID, instance, &c.pool), rare: &nothingRare}
	cl.target.settle(c.options.Shard)
	cl.target.client = cl
	c.clients.Put(cl)
	return cl
}

// An Arrival is what a connection asks of its session.
type Arrival struct {
	ClientID string
	Clean    bool
	Expiry   time.Duration // of the session
	Window   int           // unacknowledged messages at once

	will *will
	room *client // for a session that begins; nil: there is none yet
}

// attach gives the connection its session: resumed, or begun anew. Whoever had
// it before is taken over [MQTT-3.1.4-3]. present: the session was there.
func (c *Core) attach(now shard.Time, k *conn, a Arrival, out *shard.Out) (present bool) {
	ended := false
	cl := c.clients.Get(a.ClientID)
	if cl != nil {
		ended = cl.Stored
		if cl.conn != nil {
			c.takeOver(now, cl, a.Clean, out)
		}
		switch {
		case cl.target.is(isDead):
			cl = nil
		case a.Clean:
			c.end(now, cl, out)
			cl = nil
		default:
			present = true
		}
	}
	if cl == nil {
		cl = c.begin(a.ClientID, a.room)
		if ended { // CONNACK says that the old session is gone (L4)
			cl.Written = out.Mark()
		}
	}
	c.clientDue.Remove(cl)
	cl.SetExpiry(min(a.Expiry, c.options.SessionExpiry))
	cl.setWill(a.will) // a will that was still due is cancelled [MQTT-3.1.3-9]
	cl.conn, k.client = k, cl
	cl.Attach(a.Window)
	if cl.Expiry() > 0 || cl.Stored {
		c.persist(cl, out)
	}
	c.stats.Accepted++
	return present
}

// takeOver ends the session's connection in favour of a new one. The will of
// the old one is sent at once if it has no delay, if its session ends, or if the
// new connection starts clean; else the new connection cancels it.
func (c *Core) takeOver(now shard.Time, cl *client, clean bool, out *shard.Out) {
	c.stats.TakenOver++
	out.Note(shard.Note{Kind: shard.NoteTakenOver, Client: cl.ClientID})
	if w := cl.will; w != nil && clean {
		w.delay = 0
	}
	c.disconnect(now, cl.conn, mqtt.SessionTakenOver, out)
}

func (cl *client) subscribed(filter string, s Subscription) {
	if cl.filters == nil {
		cl.filters = &filters{}
	}
	cl.filters.set(filter, s)
}
