package session

import "slices"

// Begin notes the packet id of a PUBLISH of QoS 2 from the client. false: it is
// known, the message is a repetition [MQTT-4.3.3-10].
func (s *Session) Begin(id uint16) (fresh bool) {
	b := s.work()
	i, found := slices.BinarySearch(b.inbound, id)
	if !found {
		b.inbound = slices.Insert(b.inbound, i, id)
	}
	return !found
}

// End forgets a packet id: PUBREL came. false: it was not known.
func (s *Session) End(id uint16) bool {
	if s.busy == nil {
		return false
	}
	i, found := slices.BinarySearch(s.busy.inbound, id)
	if found {
		s.busy.inbound = slices.Delete(s.busy.inbound, i, i+1)
		s.rest()
	}
	return found
}

// Inbound is the packet ids that the client has yet to release, in their order.
func (s *Session) Inbound() []uint16 {
	if s.busy == nil {
		return nil
	}
	return s.busy.inbound
}

// Knows says that the client has yet to release the packet id.
func (s *Session) Knows(id uint16) bool {
	_, found := slices.BinarySearch(s.Inbound(), id)
	return found
}
