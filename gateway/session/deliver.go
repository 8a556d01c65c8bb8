package session

import (
	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/mqttsn"
)

// A stage is how far a delivery has come.
type stage uint8

const (
	registering stage = iota // REGACK is awaited
	publishing               // PUBACK or PUBREC is awaited
	releasing                // PUBCOMP is awaited
)

// A flight is the one message under way to the node (6).
type flight struct {
	Delivery
	stage      stage
	idType     mqttsn.TopicIDType
	registered bool // the node was told the id for this very message (T8)
	doubted    bool // QoS 2: the node has perhaps refused it again (T8)
	id         uint16
	regID      uint16 // message id of the REGISTER
	tries      int
	// held counts the answers that have to leave before what is under way has,
	// itself included; 0: it has left.
	held int32
	due  shard.Time // of the next repetition, once it has left
}

// deliver sends what comes next: one message under way (6), and PINGRESP only
// after the last acknowledgement, for it lets the node switch its radio off
// (6.14, S3).
func (s *Session) deliver(now shard.Time, up Uplink, peer Peer, out *shard.Out) {
	for s.waiting == 0 && s.flight == nil && (s.state == Active || s.state == Awake) {
		if s.state == Awake && s.wokenEnough(now) {
			s.doze(now, up, peer)
			return
		}
		d, more := up.Next(now, s.Conn, out)
		if !more {
			if s.state == Awake {
				s.doze(now, up, peer)
			}
			return
		}
		s.begin(now, d, up, peer, out)
	}
}

// begin starts a delivery, or goes on with one from before a sleep. A message
// that the node can not take or has refused ends here (P10, T3).
func (s *Session) begin(now shard.Time, d Delivery, up Uplink, peer Peer, out *shard.Out) {
	f := &flight{Delivery: d}
	s.flight = f
	s.woken++
	s.wokenOctets += int32(len(d.Payload))
	if d.Release { // the node has it (S19)
		s.launch(now, releasing, d.Mark, peer)
		return
	}
	known := s.name(f)
	switch {
	case s.topics.refused(d.Topic):
		s.giveUp(now, TopicRefused, up, peer, out)
	case !s.fits(publishHeader, len(d.Payload)), !known && !s.fits(registerHeader, len(d.Topic)):
		s.giveUp(now, DoesNotFit, up, peer, out)
	case known:
		s.sendPublish(now, up, peer, out)
	default:
		s.introduce(now, up, peer, out)
	}
}

// Headers of a PUBLISH and a REGISTER in octets, in the short form.
const (
	publishHeader  = 7
	registerHeader = 6
)

// fits says whether a message of this header and content fits the link. Above
// 255 octets its length takes two more.
func (s *Session) fits(header, content int) bool {
	size := header + content
	if size > 255 {
		size += 2
	}
	return size <= int(s.mtu)
}

// giveUp drops the flight's message for the node.
func (s *Session) giveUp(now shard.Time, why Counter, up Uplink, peer Peer, out *shard.Out) {
	peer.Count(why)
	s.land(now, up, out)
}

// name says whether the node knows the flight's topic: by an id that it was
// given and keeps (T5, T9, T10), by a predefined id (T9), or as a short name
// (T10).
func (s *Session) name(f *flight) (known bool) {
	id, told := s.topics.id(f.Topic)
	f.idType, f.id = mqttsn.TopicNormal, id
	if id != 0 {
		return told
	}
	if pre, ok := s.predefined.ID(f.Topic); ok {
		f.idType, f.id = mqttsn.TopicPredefined, pre
		return true
	}
	if len(f.Topic) == 2 {
		f.idType, f.id = mqttsn.TopicShort, mqttsn.ShortID([]byte(f.Topic))
		return true
	}
	return false
}

// introduce tells the node the id of the flight's topic, a new one if it has
// none.
func (s *Session) introduce(now shard.Time, up Uplink, peer Peer, out *shard.Out) {
	f, fresh := s.flight, false
	f.id, fresh = s.ownTopics().add(f.Topic, s.predefined.Highest())
	if f.id == 0 {
		s.giveUp(now, TopicsFull, up, peer, out)
		return
	}
	mark := f.Mark
	if fresh {
		mark = max(mark, s.store(now, up, peer, out))
	}
	s.sendRegister(now, mark, peer)
}

// sendRegister tells the node the id of the flight's topic; later messages wait
// (T1). A new id is stored before (L4).
func (s *Session) sendRegister(now shard.Time, mark shard.Mark, peer Peer) {
	s.flight.registered = true
	s.flight.regID = s.ownTopics().nextMsgID()
	s.launch(now, registering, mark, peer)
}

// sendPublish sends the message itself. One of QoS 2 has its id stored before
// (L4), one of QoS 0 is done with.
func (s *Session) sendPublish(now shard.Time, up Uplink, peer Peer, out *shard.Out) {
	s.launch(now, publishing, s.flight.Mark, peer)
	if s.flight.QoS == 0 {
		s.land(now, up, out)
	}
}

// launch sends what a stage of the flight has to say, once mark is durable. It is
// repeated from when it has left.
func (s *Session) launch(now shard.Time, to stage, mark shard.Mark, peer Peer) {
	f := s.flight
	f.stage, f.tries, f.held = to, 0, 0
	f.due = now + s.retry()
	if s.answer(mark, f.packet(f.Dup), peer) {
		f.held = int32(s.waiting)
	}
}

// packet is what the flight's stage has to say.
func (f *flight) packet(dup bool) mqttsn.Packet {
	switch f.stage {
	case registering:
		return &mqttsn.Register{TopicID: f.id, MsgID: f.regID, TopicName: []byte(f.Topic)}
	case releasing:
		return &mqttsn.Pubrel{MsgID: f.MsgID}
	default:
		return &mqttsn.Publish{
			Dup: dup && f.QoS > 0, QoS: mqttsn.QoS(f.QoS), Retain: f.Retain,
			TopicIDType: f.idType, TopicID: f.id, MsgID: f.MsgID, Data: f.Payload,
		}
	}
}

// left notes that an answer that waited has left; it may have been the flight.
func (f *flight) left(now, retry shard.Time) {
	if f == nil || f.held == 0 {
		return
	}
	if f.held--; f.held == 0 {
		f.due = now + retry
	}
}

// isDue says whether the flight is to be repeated.
func (f *flight) isDue(now shard.Time) bool { return f != nil && f.held == 0 && now >= f.due }

func (s *Session) retry() shard.Time {
	if s.state == Awake {
		return s.link.AwakeRetry
	}
	return s.link.Retry
}

// again sends what is under way once more, unless it is yet to leave.
func (s *Session) again(now shard.Time, peer Peer) {
	if f := s.flight; f != nil && f.held == 0 {
		f.due = now + s.retry()
		peer.Send(f.packet(true))
	}
}

// repeat sends what was not acknowledged again. A sleeper that stays silent is
// left alone until it wakes again (S4); an active node is lost.
func (s *Session) repeat(now shard.Time, up Uplink, peer Peer, out *shard.Out) {
	switch {
	case s.flight.tries < s.link.Retries:
		s.flight.tries++
		s.again(now, peer)
	case s.state == Awake:
		s.fallAsleep(now, up)
	default:
		s.lose(now, up, peer, out)
	}
}

// refuse gives the message up, and its topic until the node subscribes or
// connects again (T3).
func (s *Session) refuse(now shard.Time, up Uplink, peer Peer, out *shard.Out) {
	s.topics.refuse(s.flight.Topic)
	s.giveUp(now, TopicRefused, up, peer, out)
}

// land ends the flight: the broker session forgets the message.
func (s *Session) land(now shard.Time, up Uplink, out *shard.Out) {
	if s.flight.QoS > 0 {
		up.Ack(now, s.Conn, s.flight.MsgID, out)
	}
	s.flight = nil
}
