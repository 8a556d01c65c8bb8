package core

// Stats count what the shard did since it was made, and what it holds.
type Stats struct {
	Connections, Sessions, Subscriptions, Retained int

	Accepted, Refused, RefusedAnonymous, Malformed uint64
	TakenOver, TimedOut, Evicted                   uint64
	Published, Delivered, Dropped, Wills           uint64
	CrowdedOut                                     uint64 // closed before CONNECT, since there were too many such
	RefusedByStore                                 uint64 // publications that could not be stored
	HeldBack                                       uint64 // times that a client was not read, since the store was behind
	Damaged                                        uint64 // records that could not be read
	Unretained                                     uint64 // not kept, since there are as many as may be
}

// Stats are the counts as of now.
func (c *Core) Stats() Stats {
	s := c.stats
	s.Connections = c.conns.Len()
	s.Sessions = c.clients.Len()
	s.Subscriptions, s.Retained = c.directory.Len()
	return s
}

// Add adds the counts of another shard. What shards share is counted once.
func (s *Stats) Add(o Stats) {
	s.Connections += o.Connections
	s.Sessions += o.Sessions
	s.Subscriptions, s.Retained = o.Subscriptions, o.Retained
	s.Accepted += o.Accepted
	s.Refused += o.Refused
	s.RefusedAnonymous += o.RefusedAnonymous
	s.Malformed += o.Malformed
	s.TakenOver += o.TakenOver
	s.TimedOut += o.TimedOut
	s.Evicted += o.Evicted
	s.Published += o.Published
	s.Delivered += o.Delivered
	s.Dropped += o.Dropped
	s.Wills += o.Wills
	s.CrowdedOut += o.CrowdedOut
	s.RefusedByStore += o.RefusedByStore
	s.HeldBack += o.HeldBack
	s.Unretained += o.Unretained
	s.Damaged += o.Damaged
}
