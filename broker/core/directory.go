package core

import (
	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/broker/store"
	"github.com/dormouse-mqtt/dormouse/broker/topic"
)

// A Subscription is one session's, with its options (MQTT 5.0, 3.8.3.1).
type Subscription struct {
	QoS               byte // granted
	NoLocal           bool
	RetainAsPublished bool
	Identifier        uint32 // 0: none
}

// A Step numbers the changes of what a Directory retains. Of what was set after
// a subscription's step, a copy comes to it as it is published; of what was set
// before, its scan brings one (L3).
type Step uint64

// A Directory holds what all shards share: who subscribed to what, and the
// retained messages. Its methods are atomic.
type Directory interface {
	// Subscribe adds or replaces a subscription and says whether it is new.
	Subscribe(filter string, t *Target, s Subscription) (isNew bool, step Step)
	// Unsubscribe removes one and says whether it was there.
	Unsubscribe(filter string, t *Target) bool
	// Join makes m a member of a shared subscription at the QoS, for which create
	// makes a target if there is none. The group gets messages at the highest QoS
	// of its members.
	Join(group, filter string, m *Target, qos byte, create func() *Target) *Target
	// Leave ends a membership; with the last one t is dead.
	Leave(t, m *Target)
	// Epochs count the changes of subscriptions. They may be read at any time.
	Epochs() *Epochs
	// Match visits each subscription that matches the name.
	Match(name string, visit func(*Target, Subscription))
	// Retain sets the retained message of m's topic, or deletes it if m has no
	// payload [MQTT-3.3.1-6], visits each subscription that matches, and submits
	// record, with a ticket of its own. kept is false if there are as many as may
	// be: then nothing was set and submitted.
	Retain(m *shard.Message, record *store.Batch, limit int, visit func(*Target, Subscription)) (t store.Ticket, kept bool)
	// Expire deletes a retained message, unless another was set meanwhile.
	Expire(m *shard.Message, record *store.Batch)
	// Scan visits at most limit retained messages that match filter and were set
	// up to step, from cursor on, until visit says false; done: there are no more.
	// looked is at how many it did.
	Scan(filter string, step Step, cursor topic.Cursor, limit int, visit func(*shard.Message) bool) (next topic.Cursor, looked int, done bool)
	// Restore sets a retained message that was loaded.
	Restore(m *shard.Message)
	// Len counts subscriptions and retained messages.
	Len() (subscriptions, retained int)
}

// retained is a retained message and the step at which it was set.
type retained struct {
	*shard.Message
	step Step
}

// directory is a Directory that one goroutine uses at a time.
type directory struct {
	submit   func(*store.Batch) store.Ticket
	index    topic.Index[*Target, Subscription]
	retained topic.Retained[retained]
	step     Step
	epochs   Epochs
	groups   map[string]*Target           // by name and filter
	members  map[*Target]map[*Target]byte // and their QoS
}

// NewDirectory makes a Directory that one goroutine may use, and that submits
// what is retained: nothing else must come between two submissions on the same
// topic, so that the store has them in the order of their steps.
func NewDirectory(submit func(*store.Batch) store.Ticket) Directory {
	return &directory{submit: submit}
}

func (d *directory) Subscribe(filter string, t *Target, s Subscription) (bool, Step) {
	isNew := d.index.Insert(filter, t, s)
	d.epochs.changed(filter)
	return isNew, d.step
}

func (d *directory) Unsubscribe(filter string, t *Target) bool {
	had := d.index.Remove(filter, t)
	d.epochs.changed(filter)
	return had
}

func (d *directory) Epochs() *Epochs { return &d.epochs }

func (d *directory) Join(group, filter string, m *Target, qos byte, create func() *Target) *Target {
	if d.groups == nil {
		d.groups, d.members = map[string]*Target{}, map[*Target]map[*Target]byte{}
	}
	t := d.groups[group+"/"+filter]
	if t == nil {
		t = create()
		d.groups[group+"/"+filter] = t
		d.members[t] = map[*Target]byte{}
	}
	d.members[t][m] = qos
	d.insertGroup(t)
	if m.is(isDurable) {
		t.set(isDurable)
	}
	return t
}

func (d *directory) insertGroup(t *Target) {
	var s Subscription
	for _, qos := range d.members[t] {
		s.QoS = max(s.QoS, qos)
	}
	d.index.Insert(t.group.filter, t, s)
	d.epochs.changed(t.group.filter)
}

func (d *directory) Leave(t, m *Target) {
	delete(d.members[t], m)
	if len(d.members[t]) > 0 {
		d.insertGroup(t)
		return
	}
	delete(d.members, t)
	delete(d.groups, t.group.name+"/"+t.group.filter)
	d.index.Remove(t.group.filter, t)
	d.epochs.changed(t.group.filter)
	t.set(isDead)
}

func (d *directory) Match(name string, visit func(*Target, Subscription)) {
	d.index.Match(name, visit)
}

func (d *directory) Retain(m *shard.Message, record *store.Batch, limit int, visit func(*Target, Subscription)) (t store.Ticket, kept bool) {
	if kept = d.set(m, limit); kept {
		t = d.submit(record)
	}
	d.index.Match(m.Topic, visit)
	return t, kept
}

// set says whether m could be retained, or what was retained deleted.
func (d *directory) set(m *shard.Message, limit int) bool {
	if len(m.Payload) == 0 {
		d.retained.Delete(m.Topic)
		return true
	}
	if _, had := d.retained.Get(m.Topic); !had && d.retained.Len() >= limit {
		return false
	}
	d.step++
	d.retained.Set(m.Topic, retained{m, d.step})
	return true
}

func (d *directory) Expire(m *shard.Message, record *store.Batch) {
	if r, ok := d.retained.Get(m.Topic); ok && r.Message == m {
		d.retained.Delete(m.Topic)
		d.submit(record)
	}
}

func (d *directory) Scan(filter string, step Step, cursor topic.Cursor, limit int, visit func(*shard.Message) bool) (topic.Cursor, int, bool) {
	return d.retained.Scan(filter, cursor, limit, func(_ string, r retained) bool {
		return r.step > step || visit(r.Message)
	})
}

func (d *directory) Restore(m *shard.Message) { d.retained.Set(m.Topic, retained{m, d.step}) }

func (d *directory) Len() (int, int) { return d.index.Len(), d.retained.Len() }
