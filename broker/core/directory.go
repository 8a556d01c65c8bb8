package core

import (
	"github.com/dormouse-mqtt/dormouse/broker/session"
	"github.com/dormouse-mqtt/dormouse/broker/topic"
)

// A Target is where the index sends a message: one session.
type Target struct {
	client *client
	match  uint64 // the last publication that hit the target,
	hit    int    // and where that stands in the core's hits
}

// A Subscription is one session's, with its options (MQTT 5.0, 3.8.3.1).
type Subscription struct {
	QoS               byte // granted
	NoLocal           bool
	RetainAsPublished bool
	Identifier        uint32 // 0: none
}

// A Directory holds what all shards share: who subscribed to what, and the
// retained messages.
type Directory interface {
	// Subscribe adds or replaces a subscription and says whether it is new.
	Subscribe(filter string, t *Target, s Subscription) bool
	// Unsubscribe removes one and says whether it was there.
	Unsubscribe(filter string, t *Target) bool
	// Match visits each subscription that matches the name.
	Match(name string, visit func(*Target, Subscription))
	// Retain sets the retained message of its topic, nil: deletes it.
	Retain(name string, m *session.Message)
	// Scan visits at most limit retained messages that match filter, from
	// cursor on; done: there are no more.
	Scan(filter string, cursor topic.Cursor, limit int, visit func(*session.Message)) (next topic.Cursor, done bool)
	// Len counts subscriptions and retained messages.
	Len() (subscriptions, retained int)
}

// directory is a Directory for a single shard.
type directory struct {
	index    topic.Index[*Target, Subscription]
	retained topic.Retained[*session.Message]
}

// NewDirectory makes a Directory that one goroutine may use.
func NewDirectory() Directory { return &directory{} }

func (d *directory) Subscribe(filter string, t *Target, s Subscription) bool {
	return d.index.Insert(filter, t, s)
}

func (d *directory) Unsubscribe(filter string, t *Target) bool { return d.index.Remove(filter, t) }

func (d *directory) Match(name string, visit func(*Target, Subscription)) {
	d.index.Match(name, visit)
}

func (d *directory) Retain(name string, m *session.Message) {
	if m == nil {
		d.retained.Delete(name)
		return
	}
	d.retained.Set(name, m)
}

func (d *directory) Scan(filter string, cursor topic.Cursor, limit int, visit func(*session.Message)) (topic.Cursor, bool) {
	return d.retained.Scan(filter, cursor, limit, func(_ string, m *session.Message) { visit(m) })
}

func (d *directory) Len() (int, int) { return d.index.Len(), d.retained.Len() }
