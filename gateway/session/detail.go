package session

import (
	"cmp"
	"encoding/binary"
	"slices"
	"time"

	"github.com/dormouse-mqtt/dormouse/broker/shard"
)

// What changes by itself is stored by itself, as a detail of the broker session:
// what is written for a message does not depend on how many topics the node has.
const (
	detailTopic   = 1 << 16 // and the id: the topic's name
	detailInbound = 2 << 16 // and the place: a message from the node
)

// Flags of a message from the node. A place that was given up has none.
const (
	inboundTaken = 1 << iota
	inboundOpen
	inboundQoS2
)

// inboundSize is how many octets a message from the node takes.
const inboundSize = 1 + 2 + 8 + 8

func (m *inbound) append(b []byte, wall time.Duration) []byte {
	if m.qos == 0 {
		return append(b, 0)
	}
	b = append(b, inboundTaken|flag(m.open, inboundOpen)|flag(m.qos == 2, inboundQoS2))
	b = binary.BigEndian.AppendUint16(b, m.id)
	b = binary.BigEndian.AppendUint64(b, m.hash)
	return binary.BigEndian.AppendUint64(b, uint64(m.until+wall))
}

// parseInbound decodes what append made; what is none is a free place.
func parseInbound(b []byte, wall time.Duration) inbound {
	c := cutter{b: b}
	f := c.flags(inboundTaken | inboundOpen | inboundQoS2)
	m := inbound{
		qos: 1, open: f&inboundOpen != 0,
		id: c.uint16(), hash: c.uint64(), until: c.time(wall),
	}
	if f&inboundQoS2 != 0 {
		m.qos = 2
	}
	if c.bad || len(c.b) > 0 || f&inboundTaken == 0 || m.open && m.qos == 1 {
		return inbound{}
	}
	return m
}

// storeInbound stores what is at a place.
func (s *Session) storeInbound(at int, up Uplink, peer Peer, out *shard.Out) shard.Mark {
	if !s.kept {
		return 0
	}
	s.rare.detail = s.rare.inbound[at].append(s.rare.detail[:0], peer.Wall())
	return up.Detail(s.Conn, detailInbound|uint32(at), s.rare.detail, out)
}

// storeNames stores the names of the topics that are new. They never change.
func (s *Session) storeNames(up Uplink, out *shard.Out) {
	t := s.topics
	for ; t.stored < len(t.list); t.stored++ {
		r := &t.list[t.stored]
		up.Detail(s.Conn, detailTopic|uint32(r.id), []byte(r.name), out)
	}
}

// storeDetails stores all of them: the session was not stored until now.
func (s *Session) storeDetails(up Uplink, peer Peer, out *shard.Out) {
	s.storeNames(up, out)
	for at := range s.inbounds() {
		s.storeInbound(at, up, peer, out)
	}
}

// addDetails puts the record together with its details. An id without a name is
// given up.
func (r *Record) addDetails(details []shard.Detail, wall time.Duration) {
	for i := range r.topics.list {
		if d := find(details, detailTopic|uint32(r.topics.list[i].id)); d != nil {
			r.topics.list[i].name = string(d.Value)
			r.topics.octets += len(d.Value)
		}
	}
	r.topics.list = slices.DeleteFunc(r.topics.list, func(t registered) bool { return t.name == "" })
	r.topics.stored = len(r.topics.list)
	for at := range uint32(maxInbound) {
		if d := find(details, detailInbound|at); d != nil {
			if m := parseInbound(d.Value, wall); m.qos > 0 {
				r.inbound = slices.Grow(r.inbound, int(at)+1-len(r.inbound))[:at+1]
				r.inbound[at] = m
			}
		}
	}
}

// find is the detail of a number; details are in their order.
func find(details []shard.Detail, number uint32) *shard.Detail {
	i, ok := slices.BinarySearchFunc(details, number, func(d shard.Detail, n uint32) int { return cmp.Compare(d.Number, n) })
	if !ok {
		return nil
	}
	return &details[i]
}
