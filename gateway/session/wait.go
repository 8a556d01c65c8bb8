package session

import (
	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/mqttsn"
)

// maxWaiting is how many answers to one node may wait for the store.
const maxWaiting = 64

// A request is the last one of the node, apart from messages. While its answer
// waits its repetition needs no second one.
type request struct {
	kind   mqttsn.Type
	id     uint16
	hash   uint32
	answer uint32 // as Session.gated counts
}

// Waits says that an answer is held back until the broker or the store is done.
func (s *Session) Waits() bool { return s.state == Connecting || s.waiting > 0 }

// answer sends p when mark is durable, and holds deliveries until then (T16).
func (s *Session) answer(mark shard.Mark, p mqttsn.Packet, peer Peer) (waits bool) {
	if waits = peer.Gate(mark, p); waits {
		s.waiting++
		s.gated++
	}
	return waits
}

// Tell sends p at once, but not before CONNACK (L8).
func (s *Session) Tell(p mqttsn.Packet, peer Peer) {
	switch {
	case s.greeted:
		peer.Send(p)
	case s.waiting < maxWaiting:
		s.answer(0, p, peer)
	default:
		peer.Count(Unheard)
	}
}

// tooBusy says that a request is not looked at: its like is about to be
// answered, or too many answers wait already.
func (s *Session) tooBusy(r request, peer Peer) bool {
	asked := s.asked
	repeats := r.kind == asked.kind && r.id == asked.id && r.hash == asked.hash && s.unreleased(asked.answer)
	if repeats || s.waiting >= maxWaiting {
		peer.Count(Unheard)
		return true
	}
	return false
}

// released counts the answers that have left after they waited.
func (s *Session) released() uint32 { return s.gated - uint32(s.waiting) }

// unreleased says that an answer, as gated counted it, is yet to leave.
func (s *Session) unreleased(answer uint32) bool { return int32(answer-s.released()) > 0 }

// describe is what a repetition of a request has in common with it; asks: it is
// one, and gets an answer that may have to wait.
func describe(p mqttsn.Packet) (r request, asks bool) {
	r.kind = p.Type()
	switch p := p.(type) {
	case *mqttsn.Register:
		r.id, r.hash = p.MsgID, hashOf(p.TopicName, 0)
	case *mqttsn.Subscribe:
		r.id, r.hash = p.MsgID, hashOf(p.TopicName, p.TopicID)
	case *mqttsn.Unsubscribe:
		r.id, r.hash = p.MsgID, hashOf(p.TopicName, p.TopicID)
	case *mqttsn.Disconnect:
		r.id = p.Duration
		return r, p.Duration > 0
	case *mqttsn.Pubrel:
		r.id = p.MsgID
	case *mqttsn.Pubrec:
		r.id = p.MsgID
	case *mqttsn.Pingreq, *mqttsn.Willtopicupd, *mqttsn.Willmsgupd:
	default:
		return r, false
	}
	return r, true
}

// hashOf is a hash (FNV-1a, 32 bit) of a topic, however it is named.
func hashOf(name []byte, id uint16) uint32 {
	h := uint32(2166136261)
	for _, b := range name {
		h = (h ^ uint32(b)) * 16777619
	}
	return (h ^ uint32(id)) * 16777619
}
