package session

import (
	"time"

	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/mqttsn"
)

// disconnect is the node's goodbye, or the beginning of its sleep (6.12, 6.14).
func (s *Session) disconnect(now shard.Time, p *mqttsn.Disconnect, up Uplink, peer Peer, out *shard.Out) {
	if p.Duration == 0 { // also a duration of zero (C12)
		peer.Send(&mqttsn.Disconnect{})
		s.state = Gone
		s.flight = nil
		up.Close(now, s.Conn, false, out)
		return
	}
	s.sleep = time.Duration(p.Duration) * time.Second
	s.fallAsleep(now, up)
	mark := up.Keep(s.Conn, s.topics.append(nil), out)
	if peer.Gate(mark, &mqttsn.Disconnect{}) {
		s.waiting++
	}
}

// fallAsleep begins or goes on with a sleep. What the node has not acknowledged
// stays first in the queue, under its message id (S19).
func (s *Session) fallAsleep(now shard.Time, up Uplink) {
	s.state = Asleep
	s.flight = nil
	s.woken = 0
	up.Pause(s.Conn)
	s.sleepEnds = now + s.sleep + grace(s.sleep) + time.Duration(s.limits.Retries+1)*s.limits.AwakeRetry
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
		s.woken = 0
		up.Resume(s.Conn)
		s.deliver(now, up, peer, out)
	case Awake: // not a new flush: the one under way is sent again (S5)
		if s.flight != nil {
			s.sendFlight(now, true, peer)
		}
	default:
		peer.Send(&mqttsn.Pingresp{})
	}
}

// Roam moves a sleeper to a new address; it need not repeat its registrations.
func (s *Session) Roam(limits Limits) { s.limits = limits }
