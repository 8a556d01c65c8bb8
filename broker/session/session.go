// Package session is one client's session: what is queued for it, what is in
// flight, its packet ids. It only decides: a connection, of either protocol,
// pulls what is to be sent with Next and reports what was acknowledged with Ack.
package session

import (
	"time"

	"github.com/dormouse-mqtt/dormouse/broker/shard"
)

// Limits bound a session. The zero value takes the defaults.
type Limits struct {
	MaxQueued      int // messages queued; zero: 10,000
	MaxQueuedBytes int // octets of topics and payloads queued; zero: 16 MiB
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
	// Expiry is how long the session outlives its connection; zero: not at all.
	Expiry time.Duration
	// Written is the newest mark at which the session wrote to the store: its
	// answers wait for it (L4).
	Written shard.Mark
	// Extension belongs to the connection's protocol and is stored with the
	// session: topic ids and sleep state of an MQTT-SN node.
	Extension []byte
	// Stored says that the session has a record in the store.
	Stored bool
	lastID uint16
	// Dropped counts messages lost at the queue's bound.
	Dropped uint32

	limits  *Limits // shared by all sessions
	queue   *queue  // nil while nothing is queued
	flights []flight
	sent    int32 // how many of flights were sent on this connection
	window  int32 // how many may be in flight
}

// A flight is a QoS 1 message that waits for its acknowledgement.
type flight struct {
	Entry
	id    uint16
	again bool // it was sent on an earlier connection
}

// New makes an empty session within limits, which it keeps.
func New(clientID string, instance uint64, limits *Limits) *Session {
	return &Session{ClientID: clientID, Instance: instance, limits: limits}
}

// Attach begins a connection that takes window unacknowledged messages at once:
// what was in flight is to be sent again, in order [MQTT-4.6.0-1].
func (s *Session) Attach(window int) {
	s.window = int32(window)
	for i := range s.flights[:s.sent] {
		s.flights[i].again = true
	}
	s.sent = 0
}

// Queued is the number of messages that wait to be sent for the first time.
func (s *Session) Queued() int {
	if s.queue == nil {
		return 0
	}
	return s.queue.len()
}

// InFlight is the number of messages that were sent and not acknowledged.
func (s *Session) InFlight() int { return len(s.flights) }

// Idle says that nothing waits, neither to be sent nor for an acknowledgement.
func (s *Session) Idle() bool { return s.queue == nil && len(s.flights) == 0 }

// A Delivery is a message on its way to the client.
type Delivery struct {
	Entry
	PacketID uint16 // 0 at QoS 0
	Dup      bool
}

// Next gives what is to be sent next, and takes it as sent. It passes over what
// has expired, as long as it was not sent before.
func (s *Session) Next(now shard.Time) (Delivery, bool) {
	if int(s.sent) < len(s.flights) {
		f := &s.flights[s.sent]
		s.sent++
		return Delivery{Entry: f.Entry, PacketID: f.id, Dup: f.again}, true
	}
	for s.queue != nil {
		e, ok := s.queue.front()
		if ok && e.QoS > 0 && len(s.flights) >= int(s.window) {
			return Delivery{}, false
		}
		if !ok {
			s.queue = nil
			break
		}
		s.queue.pop()
		if s.queue.len() == 0 {
			s.queue = nil
		}
		if e.Message.Expired(now) {
			s.Dropped++
			continue
		}
		if e.QoS == 0 {
			return Delivery{Entry: e}, true
		}
		id := s.freeID()
		s.flights = append(s.flights, flight{Entry: e, id: id})
		s.sent++
		return Delivery{Entry: e, PacketID: id}, true
	}
	return Delivery{}, false
}

// Ack ends the flight of packet id; false: there is none.
func (s *Session) Ack(id uint16) (Entry, bool) {
	for i := range s.flights {
		if f := s.flights[i]; f.id == id {
			s.flights = append(s.flights[:i], s.flights[i+1:]...)
			if i < int(s.sent) {
				s.sent--
			}
			if len(s.flights) == 0 {
				s.flights = nil
			}
			return f.Entry, true
		}
	}
	return Entry{}, false
}

// freeID goes round through 1..65535, past those in flight. The window is
// smaller than that, so there always is one.
func (s *Session) freeID() uint16 {
	for {
		s.lastID++
		if s.lastID != 0 && !s.flying(s.lastID) {
			return s.lastID
		}
	}
}

func (s *Session) flying(id uint16) bool {
	for i := range s.flights {
		if s.flights[i].id == id {
			return true
		}
	}
	return false
}
