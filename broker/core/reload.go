package core

import (
	"slices"

	"github.com/dormouse-mqtt/dormouse/broker/mqtt"
	"github.com/dormouse-mqtt/dormouse/broker/session"
	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/broker/store"
)

// Evict implements shard.Machine: nobody knows how far the event got, so the
// connection is closed, and its session is what the store has of it. One that is
// not stored has ended (L15).
func (c *Core) Evict(now shard.Time, ev shard.Event, out *shard.Out) {
	c.stats.Evicted++
	if ev.Conn == 0 && c.releasing != 0 {
		ev.Conn, c.releasing, c.overdue = c.releasing, 0, true
	}
	for _, k := range c.sortedConns() { // what their transports were told has been undone, perhaps
		if k.id.IsInProcess() {
			continue
		}
		o := out.To(&k.dest)
		o.Tell = o.Tell || k.blocked
		if o.Read = shard.ReadResume; k.unread {
			o.Read = shard.ReadPause
		}
	}
	if !ev.Conn.IsInProcess() && ev.Conn != 0 {
		out.To(&shard.Dest{ID: ev.Conn}).Close = true // whatever the core still knows of it
	}
	k := c.conns.Get(ev.Conn)
	if k == nil { // the panic came when it had gone
		if k = c.connOf(ev.Conn); k == nil {
			return
		}
	}
	c.forget(k, out)
	switch cl := k.client; {
	case cl == nil:
	case !cl.Stored:
		c.end(now, cl, out)
	case cl.reload == nil:
		c.readAgain(cl, out)
	}
}

// connOf finds a connection by the client that still has it.
func (c *Core) connOf(id shard.ConnID) *conn {
	for cl := range c.clients.All {
		if cl.conn != nil && cl.conn.id == id {
			return cl.conn
		}
	}
	return nil
}

// A reload is a session that is being read again.
type reload struct {
	bodies  map[shard.MessageID]*shard.Message // what it had in memory
	bound   map[shard.MessageID]shard.Entry    // of shared subscriptions, in flight at QoS 2
	filters *filters
	came    []shard.Entry // since it was asked for
	events  []store.Entry
}

// readAgain forgets what a session has in memory and asks the store for it.
// Whoever connects meanwhile is told to try again.
func (c *Core) readAgain(cl *client, out *shard.Out) {
	r := &reload{bodies: map[shard.MessageID]*shard.Message{}, bound: map[shard.MessageID]shard.Entry{}, filters: cl.filters}
	cl.Rewrite(func(e *shard.Entry) {
		switch {
		case e.Message == nil:
		case e.Group() != nil:
			r.bound[e.ID] = *e
		default:
			r.bodies[e.ID] = e.Message
		}
	})
	cl.Session = *session.New(cl.ClientID, cl.Instance, &c.pool)
	cl.Stored = true
	cl.filters = nil
	cl.own().reload = r
	c.clientDue.Remove(cl)
	c.lastRead++
	tag := uint64(c.options.Shard)<<shardShift | c.lastRead
	c.reads[tag] = cl
	out.Reads = append(out.Reads, c.readRequest(cl, tag))
}

// readStep is how much of a session one read brings.
const (
	readEntries = 1024
	readOctets  = 1 << 20
)

// readRequest asks for the records of a session from the one after last on.
func (c *Core) readRequest(cl *client, tag uint64) store.ReadRequest {
	from := session.AppendKey(nil, cl.Instance, 0)
	if n := len(cl.reload.events); n > 0 {
		from = append(slices.Clone(cl.reload.events[n-1].Key), 0)
	}
	return store.ReadRequest{
		Tag: tag, From: from, To: session.AppendKey(nil, cl.Instance, 0xff),
		MaxEntries: readEntries, MaxOctets: readOctets,
	}
}

// read takes what the store has of a session.
func (c *Core) read(now shard.Time, ev store.Event, out *shard.Out) {
	cl := c.reads[ev.Tag]
	if cl == nil {
		return // another shard's
	}
	r := cl.reload
	r.events = append(r.events, ev.Entries...)
	if ev.More {
		out.Reads = append(out.Reads, c.readRequest(cl, ev.Tag))
		return
	}
	delete(c.reads, ev.Tag)
	cl.rare.reload = nil
	if len(r.events) == 0 { // a store that forgets
		cl.filters = r.filters
		c.end(now, cl, out)
		return
	}
	l := NewLoader([]*Core{c}, now+c.recorder.Offset)
	l.again, l.bodies = cl, r.bodies
	for _, e := range r.events {
		if err := l.Visit(e.Key, e.Value); err != nil {
			l.Damaged++
		}
	}
	l.endSession()
	c.stats.Damaged += uint64(l.Damaged)
	for _, f := range l.bound {
		if e, ok := r.bound[f.Message]; ok {
			cl.Restore(e, e.ID, f.PacketID, false)
		}
	}
	l.renew()
	for _, e := range r.came {
		if !cl.Has(e.ID) {
			cl.Push(e, false)
		}
	}
	c.dropUnread(now, cl, r, out)
}

// dropUnread ends subscriptions that the index has and the store has not: they
// were being made when the event panicked.
func (c *Core) dropUnread(now shard.Time, cl *client, r *reload, out *shard.Out) {
	for _, filter := range r.filters.sorted() {
		if _, kept := cl.filters.get(filter); !kept && !c.leaveGroup(now, cl, filter, out) {
			c.directory.Unsubscribe(filter, &cl.target)
		}
	}
}

var refuseReload = &refusal{mqtt.ServerBusy, mqtt.ConnServerUnavailable, "its session is being read from the store"}
