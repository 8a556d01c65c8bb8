package session

import (
	"slices"

	"github.com/dormouse-mqtt/dormouse/broker/shard"
)

// A flight is a message of QoS 1 or 2 that was sent and is not done with.
type flight struct {
	shard.Entry // released: without the message
	message     shard.MessageID
	id          uint16
	again       bool // it was sent on an earlier connection
	released    bool // QoS 2: the client has it; PUBREL is what is to be sent
}

// A Delivery is what is to be sent to the client: a message, or with Release
// the PUBREL of one that the client has received.
type Delivery struct {
	shard.Entry
	PacketID uint16 // 0 at QoS 0
	Dup      bool
	Release  bool
	First    bool // the packet id is new: QoS 2 has it stored before it is used (L4)
}

// Attach begins a connection that takes window unacknowledged messages at once:
// what was in flight is to be sent again, in order [MQTT-4.6.0-1]. PUBREL comes
// first, since the window does not hold it back [MQTT-4.4.0-1].
func (s *Session) Attach(window int) {
	s.window = int32(window)
	if s.busy == nil {
		return
	}
	for i := range s.busy.flights[:s.busy.sent] {
		s.busy.flights[i].again = true
	}
	s.busy.sent = 0
	slices.SortStableFunc(s.busy.flights, func(a, b flight) int {
		switch {
		case a.released == b.released:
			return 0
		case a.released:
			return -1
		default:
			return 1
		}
	})
}

// Next gives what is to be sent next, and takes it as sent. It passes over what
// has expired, as long as it was not sent before; expired is told of it.
func (s *Session) Next(now shard.Time, expired func(shard.Entry)) (d Delivery, ok bool) {
	b := s.busy
	if b == nil {
		return d, false
	}
	if b.sent < len(b.flights) {
		f := &b.flights[b.sent]
		if f.released || b.sent < int(s.window) { // it may be smaller than it was
			b.sent++
			return Delivery{Entry: f.Entry, PacketID: f.id, Dup: f.again, Release: f.released}, true
		}
	}
	for {
		e, ok := s.unqueue()
		if !ok {
			return d, false
		}
		if e.Expired(now) {
			s.Dropped++
			expired(e)
			s.rest()
			continue
		}
		if e.QoS == 0 {
			s.rest()
			return Delivery{Entry: e}, true
		}
		id := s.freeID()
		b.flights = append(b.flights, flight{Entry: e, message: e.ID, id: id})
		b.sent++
		return Delivery{Entry: e, PacketID: id, First: true}, true
	}
}

// find is where the flight of a packet id is.
func (s *Session) find(id uint16) int {
	if s.busy == nil {
		return -1
	}
	return slices.IndexFunc(s.busy.flights, func(f flight) bool { return f.id == id })
}

// Acked ends the flight of a message of QoS 1: PUBACK came. false: there is none.
func (s *Session) Acked(id uint16) (e shard.Entry, ok bool) {
	if i := s.find(id); i >= 0 && s.busy.flights[i].QoS == 1 {
		return s.land(i), true
	}
	return e, false
}

// Received notes that PUBREC came: the client has the message, and from here on
// only its packet id is known. false: there is no such flight; again: it was
// noted before.
func (s *Session) Received(id uint16) (e shard.Entry, again, ok bool) {
	i := s.find(id)
	if i < 0 || s.busy.flights[i].QoS != 2 {
		return e, false, false
	}
	f := &s.busy.flights[i]
	if f.released {
		return e, true, true
	}
	e = f.Entry
	f.released = true
	f.Entry = shard.Entry{QoS: 2}
	return e, false, true
}

// Completed ends the flight of a message of QoS 2: PUBCOMP came. false: there is
// none that was released.
func (s *Session) Completed(id uint16) bool {
	i := s.find(id)
	if i < 0 || !s.busy.flights[i].released {
		return false
	}
	s.land(i)
	return true
}

// Forgo notes that a message in flight has no record any more.
func (s *Session) Forgo(id uint16) {
	if i := s.find(id); i >= 0 {
		s.busy.flights[i].Stored, s.busy.flights[i].Shared = false, false
	}
}

// Renumber gives a message of QoS 1 that is to be sent as a new one another packet
// id, so that late answers to the old one are known as such; 0: it is not in
// flight.
func (s *Session) Renumber(id uint16) (fresh uint16) {
	i := s.find(id)
	if i < 0 || s.busy.flights[i].QoS != 1 {
		return 0
	}
	f := &s.busy.flights[i]
	f.id, f.again = s.freeID(), false
	return f.id
}

// Abandon ends a flight whatever its state: it cannot be sent, or the client
// refused it.
func (s *Session) Abandon(id uint16) (e shard.Entry, ok bool) {
	if i := s.find(id); i >= 0 {
		return s.land(i), true
	}
	return e, false
}

func (s *Session) land(i int) shard.Entry {
	e := s.busy.flights[i].Entry
	s.remove(i)
	s.rest()
	return e
}

func (s *Session) remove(i int) {
	b := s.busy
	b.flights = slices.Delete(b.flights, i, i+1)
	if i < b.sent {
		b.sent--
	}
}

// freeID goes round through 1..65535, past those in flight (L5). The window is
// smaller than that, so there always is one.
func (s *Session) freeID() uint16 {
	for {
		s.lastID++
		if s.lastID != 0 && s.find(s.lastID) < 0 {
			return s.lastID
		}
	}
}

// Flights visits what is in flight, in order; released: the entry is without its
// message.
func (s *Session) Flights(visit func(e shard.Entry, message shard.MessageID, id uint16, released bool)) {
	if s.busy == nil {
		return
	}
	for i := range s.busy.flights {
		f := &s.busy.flights[i]
		visit(f.Entry, f.message, f.id, f.released)
	}
}

// Restore puts a flight of QoS 2 back after a restart, where it was in the order
// of messages; released: e is without its message.
func (s *Session) Restore(e shard.Entry, message shard.MessageID, id uint16, released bool) {
	s.insert(flight{Entry: e, message: message, id: id, again: true, released: released})
}

func (s *Session) insert(f flight) {
	b := s.work()
	i := len(b.flights)
	for i > 0 && b.flights[i-1].message.Compare(f.message) > 0 {
		i--
	}
	b.flights = slices.Insert(b.flights, i, f)
}

// Renew puts a message of QoS 1 that may have been in flight before the restart
// among the flights, as one that was not sent (L5), after all that keep their
// packet ids.
func (s *Session) Renew(e shard.Entry) { s.insert(flight{Entry: e, message: e.ID, id: s.freeID()}) }

// Has says that a message is queued or in flight, unless only its packet id is.
func (s *Session) Has(id shard.MessageID) (found bool) {
	s.Rewrite(func(e *shard.Entry) { found = found || e.Message != nil && e.ID == id })
	return found
}

// Rewrite visits all entries, those in flight first, for changing what the
// caller keeps of them in the store.
func (s *Session) Rewrite(visit func(e *shard.Entry)) {
	if s.busy == nil {
		return
	}
	for i := range s.busy.flights {
		visit(&s.busy.flights[i].Entry)
	}
	for q, seq := &s.busy.queue, s.busy.queue.head; seq != q.next; seq++ {
		visit(q.at(seq))
	}
}
