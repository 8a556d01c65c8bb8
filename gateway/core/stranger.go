package core

import (
	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/mqttsn"
)

// stranger tells a peer that it is not connected, so that it does not go on
// sending into the dark (C13, C14). What asks for no answer gets none.
func (c *Core) stranger(now shard.Time, o *origin, p mqttsn.Packet) {
	c.stats.Unknown++
	switch p.(type) {
	case *mqttsn.Register, *mqttsn.Publish, *mqttsn.Subscribe, *mqttsn.Unsubscribe,
		*mqttsn.Pubrec, *mqttsn.Pubrel, *mqttsn.Pingreq, *mqttsn.Disconnect, *mqttsn.Willtopicupd, *mqttsn.Willmsgupd:
		c.scold(now, o)
	}
}

// scold sends DISCONNECT, at most once a second to each peer.
func (c *Core) scold(now shard.Time, o *origin) {
	if !o.admit || !c.scolded.may(now, o.Address) {
		return
	}
	c.stats.Scolded++
	c.scratch = (&mqttsn.Disconnect{}).AppendTo(c.scratch[:0])
	c.reply(o.Address, o.local, o.ctrl, c.scratch)
}

// maxScolded bounds how many strangers are told off in one second.
const maxScolded = 1024

// scolded remembers who was told off in the present second and, since a second
// of one peer begins in one of these and ends in the next, in the one before.
type scolded struct {
	since         shard.Time
	peers, before map[Address]shard.Time
}

func (s *scolded) may(now shard.Time, a Address) bool {
	if s.peers == nil || now >= s.since+scoldEvery {
		s.since = now
		s.peers, s.before = map[Address]shard.Time{}, s.peers
	}
	for _, peers := range [...]map[Address]shard.Time{s.peers, s.before} {
		if last, done := peers[a]; done && now < last+scoldEvery {
			return false
		}
	}
	if len(s.peers) >= maxScolded {
		return false
	}
	s.peers[a] = now
	return true
}
