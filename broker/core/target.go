package core

import (
	"sync/atomic"

	"github.com/dormouse-mqtt/dormouse/broker/session"
)

// A Target is where the index sends a message: one session or shared
// subscription, as all shards see it. Whoever publishes reserves the room for a
// message in it and writes the record, then brings the message to the target's
// shard (L6).
type Target struct {
	session.Account
	borrowed atomic.Int32  // how many messages it has of shared subscriptions
	state    atomic.Uint32 // the bits below, and above them the shard
	client   *client       // of its state only the owner's shard may read; what never changes all may
	group    *group        // the same, of a shared subscription; nil: this is a session
}

// shardAbove is how many bits of a target's state are below its shard.
const shardAbove = 8

// Bits of a target's state.
const (
	isDurable uint32 = 1 << iota // what is of QoS 1 or 2 is stored
	isDead                       // it has ended
	isOnline                     // as a member of shared subscriptions: it takes messages
	isWaiting                    // as a shared subscription: no member takes messages
)

func (t *Target) is(bit uint32) bool { return t.state.Load()&bit != 0 }

func (t *Target) set(bit uint32) { t.state.Or(bit) }

func (t *Target) clear(bit uint32) { t.state.And(^bit) }

// turn says whether the target takes messages of shared subscriptions.
func (t *Target) turn(on bool) {
	if on {
		t.set(isOnline)
	} else {
		t.clear(isOnline)
	}
}

// Shard implements shard.Addressee.
func (t *Target) Shard() int { return int(t.state.Load() >> shardAbove) }

// settle says on which shard the target is, before others know it.
func (t *Target) settle(shard int) { t.state.Store(uint32(shard) << shardAbove) }

func (t *Target) instance() uint64 {
	if t.group != nil {
		return t.group.instance
	}
	return t.client.Instance
}

// clientID is the session's; a shared subscription has none.
func (t *Target) clientID() string {
	if t.group != nil {
		return ""
	}
	return t.client.ClientID
}
