package model

import (
	"fmt"
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/dormouse-mqtt/dormouse/mqttsn"
	"github.com/dormouse-mqtt/dormouse/radio"
)

// nodeState is what a gateway remembers of a node besides its session.
type nodeState struct {
	asleep, awake bool // awake: while asleep, it listens
	leaving       bool // it listens until its DISCONNECT is answered
	sleep, until  time.Duration
}

func (n *nodeState) clone() *nodeState { c := *n; return &c }

// slept: it announced to sleep, and did not connect since.
func (s *session) slept() bool { return s.node != nil && s.node.asleep }

// deaf: it has its radio off.
func (s *session) deaf() bool { return s.slept() && !s.node.awake && !s.node.leaving }

// patience is how long a sleeper may say nothing (S15).
func (n *nodeState) patience() time.Duration {
	grace := n.sleep / 2
	if n.sleep > time.Minute {
		grace = n.sleep / 10
	}
	return n.sleep + grace + time.Duration(linkInfo.Retries+1)*linkInfo.AwakeRetry
}

// A node speaks MQTT-SN. It answers at once what it hears.
type node struct {
	id     string
	addr   radio.Addr
	msgID  uint16
	ids    map[uint16]string // topics, for the session's life
	told   map[uint16]bool   // since CONNECT
	forgot bool              // there was a restart since
	asked  map[uint16]string // topics that it awaits an id for, by message id
	byes   int               // DISCONNECTs due
}

func (n *node) nextID() uint16 { n.msgID++; return n.msgID }

// learn checks that an id means one topic, and a topic has one id (T5, T6).
func (n *node) learn(id uint16, name string) error {
	for known, other := range n.ids {
		if (known == id) != (other == name) {
			return fmt.Errorf("%s has topic id %d, and %s has %d", name, id, other, known)
		}
	}
	if id == 0 || id == 0xFFFF {
		return fmt.Errorf("%s has topic id %d", name, id)
	}
	n.ids[id], n.told[id] = name, true
	return nil
}

// receive has a node hear a datagram.
func (w *world) receive(s said) error {
	i := slices.IndexFunc(w.nodes, func(n *node) bool { return n.addr == s.to })
	if i < 0 {
		return nil // to all: ADVERTISE
	}
	n := w.nodes[i]
	w.log = append(w.log, fmt.Sprintf("    %s gets %s %+v", n.id, s.datagram.Type(), s.datagram))
	if err := w.nodeHears(n, s); err != nil {
		return fmt.Errorf("%s: %w", n.id, err)
	}
	return nil
}

func (w *world) nodeHears(n *node, s said) error {
	if _, ok := s.datagram.(*mqttsn.Disconnect); ok && n.byes > 0 {
		n.byes--
		return nil
	}
	ses := w.model.sessions[n.id]
	if ses == nil || ses.link == nil {
		return fmt.Errorf("%T after the end", s.datagram)
	}
	answered := func(text string) error { return ses.link.heardAnswer(text, s.committed) }
	switch p := s.datagram.(type) {
	case *mqttsn.Connack:
		return answered("CONNACK")
	case *mqttsn.Disconnect:
		if ses.slept() {
			ses.node.leaving = false
			w.model.cutOff(ses) // what came in between
		}
		return answered("DISCONNECT")
	case *mqttsn.Pingresp:
		if ses.slept() {
			return w.dozes(ses)
		}
		return answered("PINGRESP")
	case *mqttsn.Puback:
		return answered(fmt.Sprintf("PUBACK %d rc%d", p.MsgID, p.Code))
	case *mqttsn.Pubcomp:
		return answered(fmt.Sprint("PUBCOMP ", p.MsgID))
	case *mqttsn.Unsuback:
		return answered(fmt.Sprint("UNSUBACK ", p.MsgID))
	case *mqttsn.Regack:
		if err := n.learn(p.TopicID, n.asked[p.MsgID]); err != nil {
			return err
		}
		return answered(fmt.Sprint("REGACK ", p.MsgID))
	case *mqttsn.Suback:
		if name := n.asked[p.MsgID]; name != "" {
			if err := n.learn(p.TopicID, name); err != nil {
				return err
			}
		} else if p.TopicID != 0 {
			return fmt.Errorf("a topic id for a filter with wildcards")
		}
		return answered(fmt.Sprintf("SUBACK %d q%d", p.MsgID, p.QoS))
	case *mqttsn.Pubrec:
		w.reply(n, &mqttsn.Pubrel{MsgID: p.MsgID}, func(ses *session) {
			ses.link.answer(w.model.gate(ses.durable), fmt.Sprint("PUBCOMP ", p.MsgID))
		})
		return answered(fmt.Sprint("PUBREC ", p.MsgID))
	case *mqttsn.Register:
		switch {
		case ses.deaf():
			return fmt.Errorf("REGISTER to a sleeper")
		case len(ses.flights) > 0:
			return fmt.Errorf("REGISTER beside a message under way (S2)")
		case n.told[p.TopicID]:
			return fmt.Errorf("REGISTER again since CONNECT (T5)")
		}
		w.reply(n, &mqttsn.Regack{TopicID: p.TopicID, MsgID: p.MsgID}, nil)
		err := n.learn(p.TopicID, string(p.TopicName))
		if ses.slept() && ses.node.leaving { // REGACK may come too late
			delete(n.told, p.TopicID)
			n.forgot = true
		}
		return err
	case *mqttsn.Pubrel:
		w.reply(n, &mqttsn.Pubcomp{MsgID: p.MsgID}, func(ses *session) { ses.acknowledged(p.MsgID) })
		return w.model.heardRelease(ses, p.MsgID, s.committed)
	case *mqttsn.Publish:
		name := n.ids[p.TopicID]
		if name == "" && n.forgot && toldBeforeRegack {
			for _, d := range ses.owed {
				if d.payload == string(p.Data) {
					name = d.topic
				}
			}
		}
		if name == "" || !n.told[p.TopicID] && !n.forgot {
			return fmt.Errorf("topic id %d, which it was not told", p.TopicID)
		}
		switch p.QoS {
		case 1:
			w.reply(n, &mqttsn.Puback{TopicID: p.TopicID, MsgID: p.MsgID}, func(ses *session) { ses.acknowledged(p.MsgID) })
		case 2:
			w.reply(n, &mqttsn.Pubrec{MsgID: p.MsgID}, func(ses *session) { w.model.received(ses, p.MsgID) })
		}
		q := published{topic: name, payload: string(p.Data), qos: byte(p.QoS), retain: p.Retain, dup: p.Dup, id: p.MsgID}
		return w.model.heardPublish(ses, q, s.committed)
	}
	return fmt.Errorf("%T", s.datagram)
}

// dozes is the end of a wake: PINGRESP, when nothing is owed any more (S3).
func (w *world) dozes(s *session) error {
	if s.link.pings--; s.link.pings < 0 {
		return fmt.Errorf("PINGRESP: nobody asked")
	}
	if len(s.flights) > 0 {
		return fmt.Errorf("PINGRESP before the last acknowledgement")
	}
	for _, d := range s.owed {
		if !d.optional && !d.expired(w.model.now) {
			return fmt.Errorf("PINGRESP before %q", d.payload)
		}
	}
	s.owed = slices.DeleteFunc(s.owed, func(d *delivery) bool { return !d.kept })
	s.node.awake, s.node.until = false, w.model.now+s.node.patience()
	return nil
}

// reply has a node answer, if it still has its session by then.
func (w *world) reply(n *node, p mqttsn.Packet, then func(*session)) {
	w.replies = append(w.replies, func() {
		s := w.model.sessions[n.id]
		if s == nil || s.link == nil {
			return
		}
		w.log = append(w.log, fmt.Sprintf("    %s answers %s %+v", n.id, p.Type(), p))
		if then != nil {
			then(s)
		}
		w.tell(n, p)
	})
}

// tell sends what a node says; it may come in anywhere, and is a sign of life.
func (w *world) tell(n *node, p mqttsn.Packet) {
	if s := w.model.sessions[n.id]; s != nil && s.slept() {
		s.node.until = w.model.now + s.node.patience()
	}
	w.count++
	w.site.datagram(w.count, n.addr, p)
}

func (w *world) someNode(t *rapid.T) (*node, *session) {
	n := rapid.SampledFrom(w.nodes).Draw(t, "node")
	s := w.model.sessions[n.id]
	if s == nil || s.link == nil || !s.link.up || s.slept() && s.node.leaving {
		t.Skip("not connected, or about to sleep")
	}
	return n, s
}

func (w *world) nodeConnects(t *rapid.T) {
	n, clean := rapid.SampledFrom(w.nodes).Draw(t, "node"), yes(t, "clean")
	if s := w.model.sessions[n.id]; s != nil && s.link != nil && !s.link.up {
		t.Skip("it waits for CONNACK")
	}
	w.count++
	w.do(fmt.Sprintf("%s connects, clean %v", n.id, clean), func() {
		l, expiry := &link{window: 1}, never
		if clean {
			expiry = 0
		}
		before := w.model.sessions[n.id]
		s := w.model.attach(n.id, clean, expiry, nil, l)
		l.answers[0].texts = []string{"CONNACK"}
		if n.told, n.forgot, n.byes = map[uint16]bool{}, false, 0; s != before {
			n.ids = map[uint16]string{}
		}
		n.asked = map[uint16]string{}
		s.node = &nodeState{}
		w.tell(n, &mqttsn.Connect{ProtocolID: 1, CleanSession: clean, Duration: uint16(60_000 + w.count%5_000), ClientID: []byte(n.id)})
	})
}

// nodeAsks is REGISTER, SUBSCRIBE or UNSUBSCRIBE.
func (w *world) nodeAsks(t *rapid.T) {
	n, s := w.someNode(t)
	id := n.nextID()
	name, qos := rapid.SampledFrom(filters).Draw(t, "filter"), rapid.IntRange(0, 2).Draw(t, "qos")
	plain := slices.Contains(names, name)
	switch {
	case plain && yes(t, "register"):
		w.do(fmt.Sprintf("%s registers %s", n.id, name), func() {
			n.asked[id] = name
			s.link.answer(-1, fmt.Sprint("REGACK ", id))
			w.tell(n, &mqttsn.Register{MsgID: id, TopicName: []byte(name)})
		})
	case yes(t, "unsubscribe"):
		w.do(fmt.Sprintf("%s unsubscribes %s", n.id, name), func() {
			had := w.model.unsubscribe(s, name)
			s.link.answer(w.model.gate(had && s.durable), fmt.Sprint("UNSUBACK ", id))
			w.tell(n, &mqttsn.Unsubscribe{MsgID: id, TopicName: []byte(name)})
		})
	default:
		w.do(fmt.Sprintf("%s subscribes %s q%d", n.id, name, qos), func() {
			if plain {
				n.asked[id] = name
			}
			w.model.subscribe(s, name, subscription{qos: byte(qos)}, 0)
			s.link.answer(w.model.gate(s.durable), fmt.Sprintf("SUBACK %d q%d", id, qos))
			w.tell(n, &mqttsn.Subscribe{MsgID: id, QoS: mqttsn.QoS(qos), TopicName: []byte(name)})
		})
	}
}

func (w *world) nodePublishes(t *rapid.T) {
	n, s := w.someNode(t)
	var known []uint16
	for _, name := range names {
		for id, other := range n.ids {
			if name == other {
				known = append(known, id)
			}
		}
	}
	id := rapid.SampledFrom(append(known, 9999)).Draw(t, "topic id")
	m := &message{from: n.id, topic: n.ids[id], qos: byte(rapid.IntRange(0, 2).Draw(t, "qos")), retain: yes(t, "retain")}
	m.payload = w.payload(m.retain)
	p := &mqttsn.Publish{QoS: mqttsn.QoS(m.qos), Retain: m.retain, TopicID: id, Data: []byte(m.payload)}
	if m.qos > 0 {
		p.MsgID = n.nextID()
	}
	w.do(fmt.Sprintf("%s publishes %d (%s) %q q%d id %d retain %v", n.id, id, m.topic, m.payload, m.qos, p.MsgID, m.retain), func() {
		if m.topic == "" { // T7
			s.link.answer(-1, fmt.Sprintf("PUBACK %d rc2", p.MsgID))
		} else {
			_, waits := w.model.publish(m)
			switch gate := w.model.gate(waits || s.durable); m.qos {
			case 1:
				s.link.answer(gate, fmt.Sprintf("PUBACK %d rc0", p.MsgID))
			case 2:
				s.link.answer(gate, fmt.Sprint("PUBREC ", p.MsgID))
			}
		}
		w.tell(n, p)
	})
}

// nodeSleeps is DISCONNECT, with a duration or without.
func (w *world) nodeSleeps(t *rapid.T) {
	n, s := w.someNode(t)
	if s.slept() && s.node.awake {
		t.Skip("it is awake")
	}
	d := pick(t, "duration", 0, 20, 200)
	w.do(fmt.Sprintf("%s disconnects for %d s", n.id, d), func() {
		if d == 0 {
			n.byes++
			w.model.detach(s)
			w.tell(n, &mqttsn.Disconnect{})
			return
		}
		w.model.cutOff(s)
		s.durable = true
		s.node.asleep, s.node.leaving, s.node.sleep = true, true, seconds(d)
		s.link.answer(w.model.gate(true), "DISCONNECT")
		w.tell(n, &mqttsn.Disconnect{HasDuration: true, Duration: uint16(d)})
	})
}

// nodePings wakes one that sleeps.
func (w *world) nodePings(t *rapid.T) {
	n, s := w.someNode(t)
	if s.slept() && s.node.awake {
		t.Skip("it is awake")
	}
	w.do(n.id+" pings", func() {
		s.link.pings++
		if s.slept() {
			s.node.awake = true
		}
		w.tell(n, &mqttsn.Pingreq{ClientID: []byte(n.id)})
	})
}
