// Package session is one client's session: what is queued for it, what is in
// flight in both directions, its packet ids. It only decides: a connection, of
// either protocol, pulls what is to be sent with Next and reports what was
// acknowledged.
package session

import (
	"time"

	"github.com/dormouse-mqtt/dormouse/broker/shard"
)

// Limits bound a session. The zero value takes the defaults.
type Limits struct {
	MaxQueued      int // messages queued; zero: 10,000
	MaxQueuedBytes int // octets of topics, payloads and properties queued; zero: 16 MiB
}

const (
	defaultMaxQueued      = 10_000
	defaultMaxQueuedBytes = 16 << 20
)

func (l Limits) messages() int {
	if l.MaxQueued > 0 {
		return l.MaxQueued
	}
	return defaultMaxQueued
}

func (l Limits) octets() int {
	if l.MaxQueuedBytes > 0 {
		return l.MaxQueuedBytes
	}
	return defaultMaxQueuedBytes
}

// NeverExpires is the Session Expiry Interval of a session that does not end
// by itself [MQTT-3.1.2.11.2].
const NeverExpires time.Duration = 0xFFFFFFFF * time.Second

// A Session is what the server keeps for a client id.
type Session struct {
	ClientID string
	// Instance tells this session from an earlier one of the same client id;
	// it is never used twice.
	Instance uint64
	// Written is the newest mark at which the session wrote to the store: its
	// answers wait for it (L4).
	Written shard.Mark
	// Dropped counts messages lost at the queue's bound.
	Dropped uint32
	// Stored says that the session has a record in the store.
	Stored bool

	lastID uint16 // packet id given out last
	expiry uint32 // seconds
	window int32  // how many messages may be in flight
	pool   *Pool
	busy   *busy // nil: nothing is under way
}

// A Pool is what the sessions of one shard share: their limits, and the room
// that one leaves to another.
type Pool struct {
	Limits
	free []*busy
}

const (
	// maxFree is how many rooms wait for the next session that is busy.
	maxFree = 1024
	// maxRoom is how many entries a room may have space for.
	maxRoom = 16
)

// busy is what only a session has that something is under way for.
type busy struct {
	queue   queue
	flights []flight // in the order in which they were first sent
	sent    int      // how many of flights were sent on this connection
	inbound []uint16 // packet ids of QoS 2 that the client has not released
}

// New makes an empty session of a shard.
func New(clientID string, instance uint64, pool *Pool) *Session {
	return &Session{ClientID: clientID, Instance: instance, pool: pool}
}

// Expiry is how long the session outlives its connection; zero: not at all.
func (s *Session) Expiry() time.Duration { return time.Duration(s.expiry) * time.Second }

// SetExpiry sets the Expiry, in whole seconds, at most NeverExpires.
func (s *Session) SetExpiry(d time.Duration) {
	s.expiry = uint32(min(max(d, 0), NeverExpires) / time.Second)
}

// StartIDs has packet ids go on after last (L5).
func (s *Session) StartIDs(last uint16) { s.lastID = last }

// LastID is the packet id that was given out last; 0: none was.
func (s *Session) LastID() uint16 { return s.lastID }

// Queued is the number of messages that wait to be sent for the first time.
func (s *Session) Queued() int {
	if s.busy == nil {
		return 0
	}
	return s.busy.queue.len()
}

// InFlight is the number of messages that were sent and not acknowledged.
func (s *Session) InFlight() int {
	if s.busy == nil {
		return 0
	}
	return len(s.busy.flights)
}

// Waits says that something is to be sent, though the window may be full.
func (s *Session) Waits() bool {
	return s.busy != nil && (s.busy.sent < len(s.busy.flights) || s.busy.queue.len() > 0)
}

// Idle says that nothing waits, neither to be sent nor for an acknowledgement.
func (s *Session) Idle() bool { return s.Queued() == 0 && s.InFlight() == 0 }

func (s *Session) work() *busy {
	if s.busy != nil {
		return s.busy
	}
	if last := len(s.pool.free) - 1; last >= 0 {
		s.busy, s.pool.free[last] = s.pool.free[last], nil
		s.pool.free = s.pool.free[:last]
	} else {
		s.busy = &busy{}
	}
	return s.busy
}

// rest gives back what an idle session does not need.
func (s *Session) rest() {
	b := s.busy
	if b == nil || b.queue.len() > 0 || len(b.flights) > 0 || len(b.inbound) > 0 {
		return
	}
	s.busy = nil
	if len(s.pool.free) < maxFree && len(b.queue.ring) <= maxRoom && cap(b.flights) <= maxRoom && cap(b.inbound) <= maxRoom {
		b.queue.latest, b.sent = nil, 0
		s.pool.free = append(s.pool.free, b)
	}
}
