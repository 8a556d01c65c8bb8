package session

import (
	"slices"
	"time"

	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/mqttsn"
)

// An inbound is a message of QoS 1 or 2 that was taken from the node: its id and
// what it said, so that its repetition is known for one (P6). The DUP flag says
// nothing (P5).
type inbound struct {
	id    uint16
	open  bool       // QoS 2: the node has not released the id
	hash  uint64     // of the message
	until shard.Time // when it is forgotten, unless it is open
}

// maxInbound is how many messages of a node are remembered, and so how many it
// may have in flight (P8).
const maxInbound = 64

// window is how long a message is remembered: as long as the node may repeat
// it (P6).
func (s *Session) window() time.Duration {
	return time.Duration(s.limits.Retries) * s.limits.Retry
}

// fingerprint is a hash (FNV-1a, 64 bit) of all that a repetition has in common
// with the message.
func fingerprint(p *mqttsn.Publish) uint64 {
	h := uint64(14695981039346656037)
	octet := func(b byte) { h = (h ^ uint64(b)) * 1099511628211 }
	flags := byte(p.QoS)<<4 | byte(p.TopicIDType)<<1
	if p.Retain {
		flags |= 1
	}
	octet(flags)
	octet(byte(p.TopicID >> 8))
	octet(byte(p.TopicID))
	for _, b := range p.Data {
		octet(b)
	}
	return h
}

// repetition finds the message that p repeats: the same id and the same
// content. While an exchange of QoS 2 is open its id alone says so
// [MQTT-4.3.3-10]: duplicates are found by message id (P5), and P6 adds the
// content only where MQTT has forgotten the id. An id of zero is none (P3), but
// QoS 2 cannot do without.
func (s *Session) repetition(p *mqttsn.Publish, hash uint64) *inbound {
	if s.rare == nil {
		return nil
	}
	for i := range s.rare.inbound {
		m := &s.rare.inbound[i]
		if m.id == p.MsgID && (m.hash == hash || m.open && p.QoS == mqttsn.QoS2) {
			return m
		}
	}
	return nil
}

// forget drops what the node cannot repeat any more.
func (s *Session) forget(now shard.Time) {
	if s.rare == nil || len(s.rare.inbound) == 0 {
		return
	}
	s.rare.inbound = slices.DeleteFunc(s.rare.inbound, func(m inbound) bool { return !m.open && now >= m.until })
	if len(s.rare.inbound) == 0 {
		s.rare.inbound = nil
	}
}

// room makes room for one more message; false: the node has too many in flight.
func (s *Session) room() bool {
	if s.waiting >= maxInbound {
		return false
	}
	if s.rare == nil || len(s.rare.inbound) < maxInbound {
		return true
	}
	done := slices.IndexFunc(s.rare.inbound, func(m inbound) bool { return !m.open })
	if done < 0 {
		return false
	}
	s.rare.inbound = slices.Delete(s.rare.inbound, done, done+1)
	return true
}

// remember keeps a message that was taken.
func (s *Session) remember(now shard.Time, p *mqttsn.Publish, hash uint64) {
	r := s.needRare()
	r.inbound = append(r.inbound, inbound{
		id: p.MsgID, open: p.QoS == mqttsn.QoS2, hash: hash, until: now + s.window(),
	})
}

// release ends the exchange of an id: it may be used again, and its repetitions
// are known for a while.
func (s *Session) release(now shard.Time, id uint16) (ok bool) {
	if s.rare == nil {
		return false
	}
	for i := range s.rare.inbound {
		if m := &s.rare.inbound[i]; m.id == id && m.open {
			m.open, m.until = false, now+s.window()
			return true
		}
	}
	return false
}
