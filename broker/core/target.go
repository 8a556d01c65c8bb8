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

	client *client // for the session's own shard
}

// Shard implements shard.Addressee.
func (t *Target) Shard() int { return t.shard }
