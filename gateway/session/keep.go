package session

import (
	"time"

	"github.com/dormouse-mqtt/dormouse/broker/shard"
)

// rare is what only some sessions need.
type rare struct {
	lastSub *subscribed
	inbound []inbound // by place; the last one is taken
	record  []byte    // as it was stored last; its buffer serves again
	detail  []byte    // likewise
}

func (s *Session) needRare() *rare {
	if s.rare == nil {
		s.rare = &rare{}
	}
	return s.rare
}

// store writes what is kept of the node with its session, if that is stored:
// one that ends with its connection, and never slept, is not (L4).
func (s *Session) store(now shard.Time, up Uplink, peer Peer, out *shard.Out) shard.Mark {
	if !s.kept {
		return 0
	}
	s.storeNames(up, out)
	return up.Extend(s.Conn, s.encode(now, peer), out)
}

// encode is the session's Record.
func (s *Session) encode(now shard.Time, peer Peer) []byte {
	s.forget(now)
	rare := s.needRare()
	r := Record{
		Asleep: s.state == Asleep || s.state == Awake, Clean: s.clean,
		KeepAlive: s.keepAlive, Sleep: s.sleep,
		Listener: s.link.Listener, Address: peer.Address(),
		topics: *s.topics,
	}
	if s.state == Asleep {
		r.Ends = s.until
	}
	rare.record = r.append(rare.record[:0], peer.Wall())
	return rare.record
}

// recall takes over what was stored of the node's earlier connection: ids that
// it is to be told again (T5). It says whether the record has to be stored anew.
func (s *Session) recall(now shard.Time, ext []byte, details []shard.Detail, wall time.Duration) (changed bool) {
	r, err := ParseRecord(ext, details, wall)
	if err != nil {
		return true
	}
	s.recallTopics(&r)
	s.topics.connected()
	s.recallInbound(now, r.inbound)
	return r.Asleep || r.Clean != s.clean
}

// longest is more than any window: what should be known for longer was stored
// before the wall clock went back, and no time has passed since (L14).
const longest = 10 * time.Minute

func (s *Session) recallTopics(r *Record) {
	if r.topics.last != 0 {
		*s.ownTopics() = r.topics
	}
}

func (s *Session) recallInbound(now shard.Time, list []inbound) {
	if len(list) == 0 {
		return
	}
	for i := range list {
		most := longest
		if list[i].open {
			most = abandoned
		}
		list[i].until = min(list[i].until, now+most)
	}
	s.needRare().inbound = list
	s.forget(now)
}

// Load makes the session of a node that was asleep when the process ended, as
// conn of its loaded broker session. It is asleep, for no less than it announced
// from now on: it is not to suffer from our outage (L14). Its ids are as
// before, and it need not be told them again (T5).
func Load(now shard.Time, conn shard.ConnID, r *Record, clientID string, limits Limits, predefined *Predefined) Session {
	s := Session{
		ClientID: clientID, Conn: conn, state: Asleep, clean: r.Clean, kept: true, heard: true, greeted: true,
		link: limits.LinkInfo, mtu: limits.MTU, keepAlive: r.KeepAlive, sleep: r.Sleep, lastSeen: now,
		topics: &noTopics, predefined: predefined,
	}
	s.recallTopics(r)
	s.recallInbound(now, r.inbound)
	s.until = now + s.patience()
	if r.Ends <= s.until+longest { // else the clock went back
		s.until = max(s.until, r.Ends)
	}
	return s
}

// Place tells a loaded session that its link has come up.
func (s *Session) Place(now shard.Time, limits Limits) {
	s.link, s.mtu = limits.LinkInfo, limits.MTU
	s.until = max(s.until, now+s.patience())
}
