package bench

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/dormouse-mqtt/dormouse/mqttsn"
)

// A node speaks MQTT-SN. It has one request under way at a time (6), a PUBLISH
// of QoS 1 or 2 among them, and repeats it until it is answered.
type node struct {
	r       *run
	name    string
	socket  *socket
	there   bool // connected; of QoS -1, without a connection
	topic   int
	ledgers []ledger
	stream  *stream

	request []byte // not answered yet
	asked   Time
	tries   int
	flags   int // where the flags of the request are, for DUP; 0: it has none
	msgID   uint16
	pinged  bool  // its answer ends a step
	wake    *wake // of sleepers
}

func newNode(r *run, name string) *node { return &node{r: r, name: name} }

// connect sends CONNECT; CONNACK ends the step. QoS -1 needs no connection (6.8).
func (n *node) connect(i int) (err error) {
	n.socket, err = n.r.engine.dial(n.r.gateway.address, n.r.source(i, n.r.gateway.address.Addr()), true, n)
	return err
}

func (n *node) writable(now Time) {
	if n.r.QoS == -1 {
		n.there = true
		n.r.done()
		return
	}
	p := mqttsn.Connect{
		CleanSession: true, ProtocolID: mqttsn.ProtocolID, ClientID: []byte(n.name),
		Duration: uint16(time.Duration(n.r.KeepAlive) / time.Second),
	}
	n.ask(now, p.AppendTo(nil), false)
}

func (n *node) lost(_ Time, err error) { n.r.lose(n.name, n.there, err) }

func (n *node) ping(Time) {
	if n.there && n.r.QoS >= 0 && n.wake == nil {
		n.leave((&mqttsn.Pingreq{}).AppendTo(n.socket.out))
	}
}

// askPing sends PINGREQ; PINGRESP ends the step.
func (n *node) askPing(now Time) {
	n.pinged = true
	n.ask(now, (&mqttsn.Pingreq{}).AppendTo(n.request[:0]), false)
}

// named is how packets name a topic.
func (r *run) named(topic int) (mqttsn.TopicIDType, uint16) {
	switch r.TopicType {
	case "short":
		return mqttsn.TopicShort, mqttsn.ShortID([]byte(r.name(topic)))
	case "predefined":
		return mqttsn.TopicPredefined, uint16(topic + 1)
	}
	return mqttsn.TopicNormal, 0
}

func (n *node) nextID() uint16 {
	if n.msgID++; n.msgID == 0 {
		n.msgID = 1
	}
	return n.msgID
}

// listen sends SUBSCRIBE; SUBACK ends the step.
func (n *node) listen(topic int, ledgers []ledger) {
	n.topic, n.ledgers = topic, ledgers
	p := mqttsn.Subscribe{QoS: mqttsn.QoS(n.r.QoS), MsgID: n.nextID()}
	if p.TopicIDType, p.TopicID = n.r.named(topic); p.TopicIDType == mqttsn.TopicNormal {
		p.TopicName = []byte(n.r.name(topic))
	}
	n.ask(n.r.now(), p.AppendTo(n.request[:0]), true)
}

// carry registers the topic, if it has to be; REGACK ends the step.
func (n *node) carry(s *stream) {
	n.stream, s.by = s, n
	kind, id := n.r.named(s.topic)
	if kind != mqttsn.TopicNormal {
		n.encode(kind, id)
		return
	}
	p := mqttsn.Register{MsgID: n.nextID(), TopicName: []byte(n.r.name(s.topic))}
	n.ask(n.r.now(), p.AppendTo(n.request[:0]), false)
}

// encode makes the PUBLISH of the stream.
func (n *node) encode(kind mqttsn.TopicIDType, id uint16) {
	s := n.stream
	s.packet = (&mqttsn.Publish{QoS: mqttsn.QoS(n.r.QoS), TopicIDType: kind, TopicID: id, Data: filling(n.r.Size)}).AppendTo(nil)
	s.stampAt = len(s.packet) - n.r.Size
	s.idAt = s.stampAt - 2
	n.r.done()
}

// publish sends the message of s: each is a datagram of its own.
func (n *node) publish(s *stream) {
	if n.r.QoS > 0 {
		binary.BigEndian.PutUint16(s.packet[s.idAt:], n.nextID())
		n.ask(n.r.now(), append(n.request[:0], s.packet...), true)
		return
	}
	n.leave(append(n.socket.out, s.packet...))
}

func (n *node) flush() {}

func (n *node) ready() bool { return n.there && n.socket.ready() }

// room is 1 for messages that are acknowledged (6).
func (n *node) room() int {
	if n.r.QoS > 0 {
		return 1
	}
	return 65_535
}

func (n *node) received(now Time, b []byte) int {
	p, _, err := n.r.nodes.Decode(b)
	if err != nil {
		n.r.fail("%s cannot read what the gateway sends: %w", n.name, err)
		return len(b)
	}
	switch p := p.(type) {
	case *mqttsn.Publish:
		switch p.QoS {
		case mqttsn.QoS1:
			n.leave((&mqttsn.Puback{TopicID: p.TopicID, MsgID: p.MsgID}).AppendTo(n.socket.out))
		case mqttsn.QoS2:
			n.leave((&mqttsn.Pubrec{MsgID: p.MsgID}).AppendTo(n.socket.out))
		}
		if n.r.deliver(now, n.ledgers, n.topic, p.Data) && n.wake != nil {
			n.wake.got++
			n.asked, n.tries = now, 1 // the PINGREQ is being answered
		}
	case *mqttsn.Pubrel:
		n.leave((&mqttsn.Pubcomp{MsgID: p.MsgID}).AppendTo(n.socket.out))
	case *mqttsn.Puback:
		n.acked(now, p.MsgID, p.Code)
	case *mqttsn.Pubrec:
		if n.stream != nil && p.MsgID == n.msgID && len(n.request) > 0 {
			n.ask(now, (&mqttsn.Pubrel{MsgID: p.MsgID}).AppendTo(n.request[:0]), false)
		}
	case *mqttsn.Pubcomp:
		n.acked(now, p.MsgID, mqttsn.Accepted)
	case *mqttsn.Register:
		n.leave((&mqttsn.Regack{TopicID: p.TopicID, MsgID: p.MsgID}).AppendTo(n.socket.out))
	default:
		n.control(now, p)
	}
	return len(b)
}

// acked handles the end of a PUBLISH. One of QoS 0 is answered if it is refused.
func (n *node) acked(now Time, id uint16, code mqttsn.ReturnCode) {
	s := n.stream
	switch {
	case s == nil:
	case n.r.QoS <= 0 && code != mqttsn.Accepted:
		n.r.tally.refused++
	case n.r.QoS > 0 && id == n.msgID && len(n.request) > 0 && n.settled():
		n.answered()
		s.acked(now, code != mqttsn.Accepted)
	}
}

// settled: requests from now on are messages.
func (n *node) settled() bool { return n.r.settled }

// control handles the answers to other requests.
func (n *node) control(now Time, p mqttsn.Packet) {
	if len(n.request) == 0 && p.Type() != mqttsn.TypeDisconnect {
		return // the answer to a repetition
	}
	switch p := p.(type) {
	case *mqttsn.Connack:
		if !n.there && n.granted("CONNECT", p.Code) {
			n.there = true
			n.r.done()
		}
	case *mqttsn.Regack:
		if p.MsgID == n.msgID && n.granted("REGISTER", p.Code) {
			n.encode(mqttsn.TopicNormal, p.TopicID)
		}
	case *mqttsn.Suback:
		if p.MsgID == n.msgID && n.granted("SUBSCRIBE", p.Code) {
			n.r.done()
		}
	case *mqttsn.Pingresp:
		if n.wake != nil && n.wake.awake {
			n.answered()
			n.woken(now, true)
		} else if n.pinged {
			n.pinged = false
			n.answered()
			n.r.done()
		}
	case *mqttsn.Disconnect:
		n.disconnected()
	}
}

// granted tells whether a request was, which is over.
func (n *node) granted(request string, code mqttsn.ReturnCode) bool {
	n.answered()
	if code != mqttsn.Accepted {
		n.r.fail("the gateway refuses the %s of %s: %v", request, n.name, code)
	}
	return code == mqttsn.Accepted
}

// disconnected: the gateway has ended the connection, or has answered.
func (n *node) disconnected() {
	if len(n.request) > 0 && n.wake != nil && n.wake.falling {
		n.answered()
		n.wake.falling = false
		n.r.done()
		return
	}
	n.there = false
	n.r.lose(n.name, true, fmt.Errorf("disconnected by the gateway"))
}
