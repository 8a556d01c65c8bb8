package core

import (
	"github.com/dormouse-mqtt/dormouse/gateway/session"
	"github.com/dormouse-mqtt/dormouse/mqttsn"
)

// Stats count what happened since the Core was made.
type Stats struct {
	Nodes                                       int
	Received, Malformed, Surplus                uint64
	Refused, RefusedAnonymous, Unknown, Scolded uint64
	Lost, Evicted, QoSMinus1, QoSMinus1Refused  uint64
	ForwarderRefused, NodeIDTooLong, TooLarge   uint64
	Relayed                                     uint64                        // to another shard
	FromSleepers                                uint64                        // requests of nodes that did not connect for them (S14)
	TooManyKept                                 uint64                        // CONNECTs refused since too many sessions are kept already
	SleptAway                                   uint64                        // sleeps that a CONNECT with CleanSession ended (C2)
	Counts                                      [session.NumCounters]uint64   // of what happens in sessions
	DropClasses                                 [mqttsn.NumDropClasses]uint64 // malformed, by class
}

// Stats are the counts as of now.
func (c *Core) Stats() Stats {
	s := c.stats
	s.Nodes = c.conns.Len()
	return s
}

// Add adds the counts of another shard.
func (s *Stats) Add(o Stats) {
	s.Nodes += o.Nodes
	s.Received += o.Received
	s.Malformed += o.Malformed
	s.Surplus += o.Surplus
	s.Refused += o.Refused
	s.RefusedAnonymous += o.RefusedAnonymous
	s.Unknown += o.Unknown
	s.Scolded += o.Scolded
	s.Lost += o.Lost
	s.Evicted += o.Evicted
	s.QoSMinus1 += o.QoSMinus1
	s.QoSMinus1Refused += o.QoSMinus1Refused
	s.ForwarderRefused += o.ForwarderRefused
	s.NodeIDTooLong += o.NodeIDTooLong
	s.TooLarge += o.TooLarge
	s.Relayed += o.Relayed
	s.FromSleepers += o.FromSleepers
	s.SleptAway += o.SleptAway
	s.TooManyKept += o.TooManyKept
	for i, n := range o.Counts {
		s.Counts[i] += n
	}
	for i, n := range o.DropClasses {
		s.DropClasses[i] += n
	}
}
