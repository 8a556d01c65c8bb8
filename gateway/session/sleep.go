package session

import (
	"time"

	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/mqttsn"
)

// What one wake may bring (S6): a busy topic does not keep a node awake.
const (
	wakeMessages = 1000
	wakeOctets   = 256 << 10 // of payloads
	wakeTime     = time.Minute
)

// disconnect is the node's goodbye, or the beginning of its sleep (6.12, 6.14).
func (s *Session) disconnect(now shard.Time, p *mqttsn.Disconnect, up Uplink, peer Peer, out *shard.Out) {
	if p.Duration == 0 { // also a duration of zero (C12)
		peer.Send(&mqttsn.Disconnect{})
		s.End(now, false, up, peer, out)
		return
	}
	s.sleep = p.Duration // restarts it if the node slept (S13)
	s.fallAsleep(now, up)
	kept := s.kept
	s.kept = true // from the first sleep on (L4)
	mark := up.Keep(s.Conn, s.encode(now, peer), out)
	if kept {
		s.storeNames(up, out)
	} else {
		s.storeDetails(up, peer, out)
	}
	s.answer(mark, &mqttsn.Disconnect{}, peer)
}

// fallAsleep begins or goes on with a sleep. What the node has not acknowledged
// stays first in the queue, under its message id (S19).
func (s *Session) fallAsleep(now shard.Time, up Uplink) {
	s.state = Asleep
	s.flight = nil
	up.Pause(s.Conn)
	s.until = now + s.patience()
}

// doze ends a wake: PINGRESP, after all else, lets the node switch its radio off.
func (s *Session) doze(now shard.Time, up Uplink, peer Peer) {
	s.answer(0, &mqttsn.Pingresp{}, peer)
	s.fallAsleep(now, up)
}

// patience is how long a sleeper may say nothing: as long as it announced, and
// what its clock may be wrong by, and a window of awake retries (S15).
func (s *Session) patience() time.Duration {
	sleep := time.Duration(s.sleep) * time.Second
	return sleep + grace(sleep) + time.Duration(s.link.Retries+1)*s.link.AwakeRetry
}

// grace is how late a sleeper may be: 10 % above a minute, else 50 % (7.2).
func grace(sleep time.Duration) time.Duration {
	if sleep > time.Minute {
		return sleep / 10
	}
	return sleep / 2
}

// pingreq answers an active node, and wakes one that sleeps.
func (s *Session) pingreq(now shard.Time, up Uplink, peer Peer, out *shard.Out) {
	switch s.state {
	case Asleep:
		s.state = Awake
		s.woken, s.wokenOctets = 0, 0
		s.until = now + wakeTime
		s.forget(now)
		up.Resume(s.Conn)
		s.deliver(now, up, peer, out)
	case Awake: // not a new flush: the one under way is sent again (S5)
		s.again(now, peer)
	default:
		s.forget(now)
		s.Tell(&mqttsn.Pingresp{}, peer)
	}
}

// wokenEnough says that this wake brings no more (S6).
func (s *Session) wokenEnough(now shard.Time) bool {
	return s.woken >= wakeMessages || s.wokenOctets >= wakeOctets || now >= s.until
}

// Roam moves a sleeper to a new address; it need not repeat its registrations.
func (s *Session) Roam(now shard.Time, limits Limits, up Uplink, peer Peer, out *shard.Out) {
	s.link, s.mtu = limits.LinkInfo, limits.MTU
	s.store(now, up, peer, out)
}
