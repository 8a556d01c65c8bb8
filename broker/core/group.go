package core

import (
	"maps"
	"slices"

	"github.com/dormouse-mqtt/dormouse/broker/session"
	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/broker/topic"
)

// A group is a shared subscription (MQTT 5.0, 4.8.2): in the index it is one
// target, with a queue and a bound of its own, that the shard of its name owns.
// Each message goes to one member, wherever that lives, and stays the group's,
// with its record and its room, until the member has acknowledged it (L7).
type group struct {
	target   *Target
	instance uint64
	name     string
	filter   string
	members  topic.Group[*Target]
	options  map[*Target]Subscription
	queue    *session.Session // what waits for a member that is ready
	stored   bool
}

// newGroupTarget makes the target of a group, of which its owner knows the rest.
func (c *Core) newGroupTarget(name, filter string) *Target {
	c.sessions++
	instance := uint64(c.options.Epoch)<<epochShift | uint64(c.options.Shard)<<shardShift | c.sessions
	return groupTarget(name, filter, instance, c.options.Shards)
}

func groupTarget(name, filter string, instance uint64, shards int) *Target {
	t := &Target{}
	t.settle(Owner("$share/"+name+"/"+filter, shards))
	t.group = &group{target: t, instance: instance, name: name, filter: filter, options: map[*Target]Subscription{}}
	return t
}

// groupOf is the group of a target of this shard, with a queue.
func (c *Core) groupOf(t *Target) *group {
	g := t.group
	if g.queue == nil {
		g.queue = session.New("", t.instance(), &c.pool)
	}
	return g
}

// joinGroup makes a client a member.
func (c *Core) joinGroup(now shard.Time, cl *client, name, filter string, s Subscription, out *shard.Out) {
	t := c.directory.Join(name, filter, &cl.target, s.QoS, func() *Target { return c.newGroupTarget(name, filter) })
	cl.joined("$share/"+name+"/"+filter, t)
	if cl.Stored {
		c.putGroup(t, out)
	}
	e := shard.Entry{QoS: s.QoS, Retain: s.RetainAsPublished, Extra: &shard.Extra{Group: &cl.target}}
	if s.Identifier != 0 {
		e.Extra.Identifiers = []uint32{s.Identifier}
	}
	c.post(now, shard.Post{Kind: shard.PostJoin, To: t, Entry: e}, out)
}

// leaveGroup ends a membership; what the member has queued goes to others.
func (c *Core) leaveGroup(now shard.Time, cl *client, shared string, out *shard.Out) bool {
	t := cl.groups[shared]
	if t == nil {
		return false
	}
	delete(cl.groups, shared)
	c.directory.Leave(t, &cl.target)
	c.post(now, shard.Post{Kind: shard.PostLeave, To: t, Entry: shard.Entry{Extra: &shard.Extra{Group: &cl.target}}}, out)
	return true
}

// inherit gives a stored session for its own what it has of a shared subscription
// that it leaves: what was begun is completed [MQTT-3.10.4-3], also if the
// subscription ends with its last member.
func (c *Core) inherit(cl *client, t *Target, out *shard.Out) {
	if !cl.Stored || t == nil {
		return
	}
	own, inherited := map[shard.MessageID]bool{}, map[shard.MessageID]bool{}
	cl.Rewrite(func(e *shard.Entry) {
		if e.Message != nil && e.Group() == nil {
			own[e.ID] = true
		}
	})
	cl.Rewrite(func(e *shard.Entry) {
		if e.Message == nil || e.Group() != shard.Addressee(t) || own[e.ID] { // it has one record of a message, no two
			return
		}
		ids := e.Identifiers()
		c.returned(&cl.target, out)
		t.Release(e.Size())
		cl.target.Force(e.Size())
		if e.Stored {
			c.recorder.DeleteEntry(&out.Batch, t.instance(), e.ID)
		}
		if e.Stored, e.Extra = true, nil; len(ids) > 0 {
			e.Extra = &shard.Extra{Identifiers: ids}
		}
		c.recorder.PutEntry(&out.Batch, cl.Instance, e)
		inherited[e.ID] = true
	})
	cl.Flights(func(e shard.Entry, message shard.MessageID, id uint16, released bool) {
		if e.QoS == 2 && !released && inherited[message] {
			c.recorder.PutFlight(&out.Batch, cl.Instance, id, message, cl.Instance)
		}
	})
}

// post tells a session or a group something, on whatever shard it is.
func (c *Core) post(now shard.Time, p shard.Post, out *shard.Out) {
	if p.To.Shard() == c.options.Shard {
		c.posted(now, &p, out)
		return
	}
	if p.Message != nil {
		p.Message = c.keep(p.Message)
	}
	out.Posts = append(out.Posts, p)
}

// join takes a member in.
func (c *Core) join(now shard.Time, g *group, e *shard.Entry, out *shard.Out) {
	m := e.Group().(*Target)
	s := Subscription{QoS: e.QoS, RetainAsPublished: e.Retain}
	if ids := e.Identifiers(); len(ids) > 0 {
		s.Identifier = ids[0]
	}
	g.members.Join(m)
	g.options[m] = s
	c.serve(now, g, out)
}

// storeQueue stores what is queued for a group that has become durable.
func (c *Core) storeQueue(g *group, out *shard.Out) {
	if g.stored || !g.target.is(isDurable) {
		return
	}
	g.stored = true
	g.queue.Rewrite(func(e *shard.Entry) {
		if !e.Stored && e.QoS > 0 {
			e.Stored = true
			c.recorder.PutEntry(&out.Batch, g.target.instance(), e)
		}
	})
}

// leave lets a member go. With the last one the group ends.
func (c *Core) leave(now shard.Time, g *group, m *Target, out *shard.Out) {
	g.members.Leave(m)
	delete(g.options, m)
	if g.members.Len() > 0 || !g.target.is(isDead) {
		c.serve(now, g, out)
		return
	}
	g.queue.Rewrite(func(e *shard.Entry) {
		if e.Shared {
			c.unshare(e.Message, out)
		}
	})
	g.queue = session.New("", g.instance, &c.pool)
	if g.target.is(isDurable) {
		session.DeleteAll(&out.Batch, g.target.instance())
	}
}

// ready says that a member takes a message now.
func (c *Core) ready(m *Target) bool {
	return m.is(isOnline) && !m.is(isDead) && int(m.borrowed.Load()) < c.options.MaxInflight
}

// serve hands out what waits, as long as a member is ready.
func (c *Core) serve(now shard.Time, g *group, out *shard.Out) {
	if g.target.is(isDead) {
		return
	}
	c.storeQueue(g, out)
	g.target.clear(isWaiting)
	for g.queue.Queued() > 0 {
		m, ok := g.members.Pick(c.ready)
		if !ok {
			g.target.set(isWaiting)
			if !slices.ContainsFunc(slices.Collect(maps.Keys(g.options)), c.ready) { // one may just have become so
				return
			}
			continue
		}
		e, ok := g.queue.Take(now, func(e shard.Entry) { c.discardQueued(g.target, e, out) })
		if !ok {
			return
		}
		c.lend(now, g, m, e, out)
	}
}

// lend gives a message to a member. At QoS 0 that is all; else the group has it
// until the member is done.
func (c *Core) lend(now shard.Time, g *group, m *Target, e shard.Entry, out *shard.Out) {
	s := g.options[m]
	to := shard.Entry{Message: e.Message, QoS: min(e.QoS, s.QoS)}
	if s.Identifier != 0 || to.QoS > 0 {
		to.Extra = &shard.Extra{}
	}
	s.mark(&to)
	if to.QoS > 0 {
		m.borrowed.Add(1)
		to.Stored, to.Shared, to.Extra.Group = e.Stored, e.Shared, g.target
	} else {
		c.discardQueued(g.target, e, out)
	}
	c.post(now, shard.Post{Kind: shard.PostMessage, To: m, Entry: to}, out)
}

// mark gives an entry what a subscription has its messages carry.
func (s Subscription) mark(e *shard.Entry) {
	e.Retain = s.RetainAsPublished && e.Message.Retain
	if s.Identifier != 0 {
		e.Extra.Identifiers = []uint32{s.Identifier}
	}
}

func (c *Core) discardQueued(t *Target, e shard.Entry, out *shard.Out) {
	if e.QoS > 0 {
		c.discard(t, e, out)
	}
}

// giveBack returns a message to its group: the member cannot have it.
func (c *Core) giveBack(now shard.Time, m *Target, e shard.Entry, out *shard.Out) {
	m.borrowed.Add(-1)
	g := e.Group().(*Target)
	e.Extra, e.QoS, e.Retain = nil, e.Message.QoS, false
	c.post(now, shard.Post{Kind: shard.PostReturn, To: g, Entry: e}, out)
}

// takeBack takes a message that a member did not take, and gives it to another.
func (c *Core) takeBack(now shard.Time, t *Target, e shard.Entry, out *shard.Out) {
	if t.is(isDead) {
		c.discard(t, e, out)
		return
	}
	g := c.groupOf(t)
	if g.stored && !e.Stored { // it became durable meanwhile
		e.Stored = true
		c.recorder.PutEntry(&out.Batch, t.instance(), &e)
	}
	g.queue.PutBack(e)
	c.serve(now, g, out)
}

// returned notes that a member, of this shard, is done with a message, and tells
// those of its groups that wait: it may have been full with another's.
func (c *Core) returned(m *Target, out *shard.Out) {
	m.borrowed.Add(-1)
	wait := false
	for _, g := range m.client.groups {
		wait = wait || g.is(isWaiting)
	}
	if !wait {
		return
	}
	for _, shared := range slices.Sorted(maps.Keys(m.client.groups)) {
		out.Posts = append(out.Posts, shard.Post{Kind: shard.PostReady, To: m.client.groups[shared]})
	}
}

// turn is online for a caller that leaves what follows to the next Advance.
func (c *Core) turn(cl *client, on bool) {
	cl.target.turn(on)
	if len(cl.groups) > 0 {
		c.turned = append(c.turned, cl)
	}
}

func (c *Core) finishTurns(now shard.Time, out *shard.Out) {
	turned := c.turned
	c.turned = nil
	for _, cl := range turned {
		c.online(now, cl, cl.target.is(isOnline), out)
	}
}

// online tells the groups of a client that it takes messages from now on, or
// that it does not, and then gives back what others can have.
func (c *Core) online(now shard.Time, cl *client, on bool, out *shard.Out) {
	cl.target.turn(on)
	if !on {
		cl.Disown(func(e shard.Entry) { c.giveBack(now, &cl.target, e, out) })
		return
	}
	if len(cl.groups) == 0 {
		return
	}
	for _, shared := range slices.Sorted(maps.Keys(cl.groups)) {
		c.post(now, shard.Post{Kind: shard.PostReady, To: cl.groups[shared]}, out)
	}
}
