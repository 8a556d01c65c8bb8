package core

import (
	"sync/atomic"

	"github.com/dormouse-mqtt/dormouse/broker/session"
)

// A Target is where the index sends a message: one session, as all shards see
// it. Whoever publishes reserves the room for a message in it and writes the
// record, then brings the message to the session's shard (L6).
type Target struct {
	session.Account

	shard    int
	instance uint64
	clientID string
	durable  atomic.Bool // what is of QoS 1 or 2 is stored
	dead     atomic.Bool // the session has ended

	// As a member of shared subscriptions:
	online   atomic.Bool  // it takes messages
	borrowed atomic.Int32 // how many it has of them
	// As a shared subscription:
	waiting atomic.Bool // no member takes messages

	client *client // for the session's own shard
	group  *group  // for the shared subscription's own shard; nil: this is a session
}

// Shard implements shard.Addressee.
func (t *Target) Shard() int { return t.shard }
