package world

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dormouse-mqtt/dormouse/mqttsn"
)

// nodesQoS2 says whether nodes publish and subscribe at QoS 2.
const nodesQoS2 = true

// A nodeActor is an MQTT-SN node with a state of its own. It does one thing
// after the other, repeats what is not answered, and connects again when it is
// told that it is not connected. MQTT-SN has no freshness: a late copy of what a
// node said counts as said again. So the node is quiet for as long as a copy may
// be under way where that would undo what it does next.
type nodeActor struct {
	h     *history
	rec   *subject
	radio *Radio
	name  string
	kept  bool

	state   nodeState
	tasks   []*task
	asking  mqttsn.Packet // repeated until it is answered
	ask     int           // number of the newest question
	tries   int
	quiet   time.Duration // nothing that a late copy could undo before then
	off     bool          // the radio is
	settled bool

	clean   bool // the next CONNECT is
	seq     int
	msgID   uint16
	ids     map[string]uint16
	names   map[uint16]string
	inbound map[uint16]bool
	filters []string
	qos     map[string]byte
	sleep   time.Duration
	wakes   int // left before it connects again
}

type nodeState uint8

const (
	nodeConnecting nodeState = iota
	nodeDeaf                 // after a clean CONNECT, until no late copy can come
	nodeActive
	nodeGoing // to sleep
	nodeAsleep
	nodeAwake
	nodeAway
)

// A task is what a node is to do.
type task struct {
	what    string
	topic   string // or filter
	qos     byte
	d       time.Duration
	n       int
	message *message
	span    *span
	msgID   uint16
	started bool
	taken   bool // PUBREC came
}

const (
	nodeRetry = 400 * time.Millisecond
	nodeTries = 5
	nodePing  = 5 * time.Second
)

// predefinedTopic has a topic id that every node knows.
const (
	predefinedID    = 7
	predefinedTopic = "pre/7"
)

func newNodeActor(h *history, name string, kept bool) *nodeActor {
	a := &nodeActor{h: h, rec: h.subject(name), name: name, kept: kept, qos: map[string]byte{}}
	a.rec.node, a.rec.slack = true, h.world.options.late()
	a.reset()
	a.radio = h.world.Radio(name, a.heard)
	a.clean = !kept
	a.connect()
	return a
}

func (a *nodeActor) w() *World { return a.h.world }

// reset is what a node without a session knows.
func (a *nodeActor) reset() {
	a.ids, a.names, a.inbound = map[string]uint16{}, map[uint16]string{}, map[uint16]bool{}
}

func (a *nodeActor) nextID() uint16 {
	if a.msgID++; a.msgID == 0 {
		a.msgID = 1
	}
	return a.msgID
}

func (a *nodeActor) say(p mqttsn.Packet) {
	if !a.off {
		a.radio.Send(p.AppendTo(nil))
	}
}

// connect asks for a connection, after a silence if it is a clean one.
func (a *nodeActor) connect() {
	a.answered()
	a.state = nodeConnecting
	if !a.kept {
		a.clean = true
	}
	p := &mqttsn.Connect{ProtocolID: 1, Duration: 15, CleanSession: a.clean, ClientID: []byte(a.name)}
	if !a.clean {
		a.question(p)
		return
	}
	a.later(2*a.rec.slack, func() { a.question(p) })
}

// later does f after d, unless something else was asked or answered meanwhile.
func (a *nodeActor) later(d time.Duration, f func()) {
	ask := a.ask
	a.w().After(d, func() {
		if a.ask == ask {
			f()
		}
	})
}

// question sends p until it is answered.
func (a *nodeActor) question(p mqttsn.Packet) {
	a.ask++
	a.asking, a.tries = p, 0
	a.repeat()
}

func (a *nodeActor) repeat() {
	if a.tries++; a.tries > nodeTries && a.state != nodeConnecting {
		if a.state == nodeAwake && a.tries < 3*nodeTries { // it sleeps on, and tries at the next wake
			a.fallAsleep()
			return
		}
		a.connect()
		return
	}
	a.noteSent()
	a.say(a.asking)
	if p, ok := a.asking.(*mqttsn.Publish); ok {
		p.Dup = true
	}
	a.later(nodeRetry, a.repeat)
}

// noteSent puts down when the task's packet was sent.
func (a *nodeActor) noteSent() {
	if len(a.tasks) == 0 {
		return
	}
	t := a.tasks[0]
	switch a.asking.(type) {
	case *mqttsn.Publish:
		a.h.sent(t.message)
	case *mqttsn.Subscribe:
		t.span.lastSent = a.w().now
		a.quiet = a.w().now + a.rec.slack
	case *mqttsn.Unsubscribe, *mqttsn.Disconnect:
		a.quiet = a.w().now + a.rec.slack
	}
}

func (a *nodeActor) answered() { a.asking = nil; a.ask++ }

// heard takes a datagram.
func (a *nodeActor) heard(data []byte) {
	if a.off || a.state == nodeAsleep || a.state == nodeDeaf || a.state == nodeAway {
		return
	}
	var d mqttsn.Decoder
	p, _, err := d.Decode(data)
	if err != nil {
		a.h.violate("%s got %x: %v", a.name, data, err)
		return
	}
	if _, ok := p.(*mqttsn.Connack); !ok && a.state == nodeConnecting {
		return
	}
	switch p := p.(type) {
	case *mqttsn.Connack:
		a.connack(p)
	case *mqttsn.Register:
		a.names[p.TopicID] = string(p.TopicName)
		a.ids[string(p.TopicName)] = p.TopicID
		a.say(&mqttsn.Regack{TopicID: p.TopicID, MsgID: p.MsgID})
	case *mqttsn.Publish:
		a.received(p)
	case *mqttsn.Pubrel:
		a.release(p.MsgID)
		a.say(&mqttsn.Pubcomp{MsgID: p.MsgID})
	case *mqttsn.Pingreq:
		a.say(&mqttsn.Pingresp{})
	case *mqttsn.Pingresp:
		a.pingresp()
	case *mqttsn.Disconnect:
		a.disconnected()
	default:
		a.reply(p)
	}
}

func (a *nodeActor) connack(p *mqttsn.Connack) {
	if a.state != nodeConnecting || a.asking == nil {
		return
	}
	a.answered()
	if p.Code != mqttsn.Accepted {
		a.later(time.Second, a.connect)
		return
	}
	if !a.clean {
		a.state = nodeActive
		a.work()
		return
	}
	a.forget()
	a.state = nodeDeaf
	a.clean = false
	a.later(2*a.rec.slack+1, func() { // a copy may be answered again
		if a.kept { // the clean session ends with this connection
			a.connect()
			return
		}
		a.state = nodeActive
		a.work()
	})
}

// forget begins anew: the session of before is gone.
func (a *nodeActor) forget() {
	a.reset()
	a.rec.end(a.w().now)
	var again []*task
	for _, f := range a.filters {
		if !slices.ContainsFunc(a.tasks, func(t *task) bool { return t.what != "publish" && t.topic == f }) {
			again = append(again, &task{what: "subscribe", topic: f, qos: a.qos[f]})
		}
	}
	for _, t := range a.tasks {
		if t.message != nil && t.message.sends > 0 {
			t.message.anew++
		}
		t.started = false
	}
	a.tasks = append(again, a.tasks...)
}

// work does the next task, or rests.
func (a *nodeActor) work() {
	if a.state != nodeActive || a.asking != nil {
		return
	}
	if len(a.tasks) == 0 {
		a.later(nodePing, func() { a.question(&mqttsn.Pingreq{}) })
		return
	}
	a.ask++ // the ping that was to come
	t := a.tasks[0]
	if wait := a.quiet - a.w().now; wait >= 0 && t.what != "publish" {
		a.later(wait+1, a.work)
		return
	}
	switch t.what {
	case "publish":
		a.publish(t)
	case "subscribe":
		a.subscribe(t)
	case "unsubscribe":
		a.unsubscribe(t)
	case "sleep":
		a.state, a.sleep, a.wakes = nodeGoing, t.d, t.n
		a.question(&mqttsn.Disconnect{HasDuration: true, Duration: uint16(t.d / time.Second)})
	case "leave":
		a.state = nodeGoing
		a.question(&mqttsn.Disconnect{})
	}
}

// done ends the task.
func (a *nodeActor) done() {
	a.answered()
	a.tasks = a.tasks[1:]
	a.work()
}

func (a *nodeActor) publish(t *task) {
	idType, id := mqttsn.TopicNormal, a.ids[t.topic]
	switch {
	case t.taken:
		a.question(&mqttsn.Pubrel{MsgID: t.msgID})
		return
	case len(t.topic) == 2:
		idType, id = mqttsn.TopicShort, mqttsn.ShortID([]byte(t.topic))
	case t.topic == predefinedTopic:
		idType, id = mqttsn.TopicPredefined, predefinedID
	case id == 0:
		a.question(&mqttsn.Register{MsgID: a.nextID(), TopicName: []byte(t.topic)})
		return
	}
	if t.msgID == 0 {
		t.msgID = a.nextID()
	}
	p := &mqttsn.Publish{
		Dup: t.started, QoS: mqttsn.QoS(t.qos), Retain: t.message.retain,
		TopicIDType: idType, TopicID: id, MsgID: t.msgID, Data: []byte(t.message.payload),
	}
	t.started = true
	if t.qos == 0 {
		p.MsgID, p.Dup = 0, false
		a.h.sent(t.message)
		a.say(p)
		a.done()
		return
	}
	a.question(p)
}

func (a *nodeActor) subscribe(t *task) {
	now := a.w().now
	if t.msgID == 0 {
		t.msgID = a.nextID()
	}
	if !t.started {
		t.started = true
		a.rec.unask(now, t.topic)
		t.span = a.rec.subscribe(t.topic, t.qos)
		t.span.asked = now
	}
	p := &mqttsn.Subscribe{QoS: mqttsn.QoS(t.qos), MsgID: t.msgID, TopicName: []byte(t.topic)}
	switch {
	case t.topic == predefinedTopic:
		p.TopicIDType, p.TopicID, p.TopicName = mqttsn.TopicPredefined, predefinedID, nil
	case len(t.topic) == 2:
		p.TopicIDType, p.TopicID, p.TopicName = mqttsn.TopicShort, mqttsn.ShortID([]byte(t.topic)), nil
	}
	a.question(p)
}

func (a *nodeActor) unsubscribe(t *task) {
	if t.msgID == 0 {
		t.msgID = a.nextID()
	}
	a.rec.unask(a.w().now, t.topic)
	p := &mqttsn.Unsubscribe{MsgID: t.msgID, TopicName: []byte(t.topic)}
	switch {
	case t.topic == predefinedTopic:
		p.TopicIDType, p.TopicID, p.TopicName = mqttsn.TopicPredefined, predefinedID, nil
	case len(t.topic) == 2:
		p.TopicIDType, p.TopicID, p.TopicName = mqttsn.TopicShort, mqttsn.ShortID([]byte(t.topic)), nil
	}
	a.question(p)
}

// reply takes an answer to the question.
func (a *nodeActor) reply(p mqttsn.Packet) {
	switch p := p.(type) {
	case *mqttsn.Regack:
		if q, ok := a.asking.(*mqttsn.Register); ok && q.MsgID == p.MsgID {
			a.answered()
			if p.Code == mqttsn.Accepted {
				a.ids[string(q.TopicName)], a.names[p.TopicID] = p.TopicID, string(q.TopicName)
			}
			a.work()
		}
	case *mqttsn.Suback:
		if q, ok := a.asking.(*mqttsn.Subscribe); ok && q.MsgID == p.MsgID {
			a.subscribed(p, q)
		}
	case *mqttsn.Unsuback:
		if q, ok := a.asking.(*mqttsn.Unsubscribe); ok && q.MsgID == p.MsgID {
			a.rec.unack(a.w().now, a.tasks[0].topic, nil)
			a.done()
		}
	case *mqttsn.Puback:
		if q, ok := a.asking.(*mqttsn.Publish); ok && q.MsgID == p.MsgID {
			a.acked(p.Code)
		}
	case *mqttsn.Pubrec:
		if q, ok := a.asking.(*mqttsn.Publish); ok && q.MsgID == p.MsgID && q.QoS == 2 {
			a.ack(a.tasks[0].message)
			a.tasks[0].taken = true
			a.answered()
			a.work()
		}
	case *mqttsn.Pubcomp:
		if q, ok := a.asking.(*mqttsn.Pubrel); ok && q.MsgID == p.MsgID {
			a.done()
		}
	}
}

func (a *nodeActor) subscribed(p *mqttsn.Suback, q *mqttsn.Subscribe) {
	t := a.tasks[0]
	switch {
	case p.Code == mqttsn.Congestion:
		a.answered()
		a.later(time.Second, a.work)
		return
	case p.Code != mqttsn.Accepted:
		a.h.violate("%s: SUBSCRIBE %s refused with %d", a.name, t.topic, p.Code)
	default:
		t.span.acked, t.span.qos = a.w().now, byte(p.QoS)
		a.rec.unack(a.w().now, t.topic, t.span)
		if q.TopicIDType == mqttsn.TopicNormal && p.TopicID != 0 {
			a.names[p.TopicID] = t.topic
			a.ids[t.topic] = p.TopicID
		}
	}
	a.done()
}

func (a *nodeActor) ack(m *message) {
	if m.acked == never {
		m.acked = a.w().now
	}
}

func (a *nodeActor) acked(code mqttsn.ReturnCode) {
	t := a.tasks[0]
	switch code {
	case mqttsn.Accepted:
		if t.qos == 1 {
			a.ack(t.message)
			a.done()
		}
	case mqttsn.InvalidTopicID: // the gateway has forgotten it
		delete(a.ids, t.topic)
		a.answered()
		a.work()
	case mqttsn.Congestion:
		a.answered()
		a.later(time.Second, a.work)
	default:
		t.message.refused = true
		a.h.violate("%s: %q refused with %d", a.name, t.message.payload, code)
		a.done()
	}
}

// received takes a message.
func (a *nodeActor) received(p *mqttsn.Publish) {
	var topic string
	switch p.TopicIDType {
	case mqttsn.TopicShort:
		b := mqttsn.ShortName(p.TopicID)
		topic = string(b[:])
	case mqttsn.TopicPredefined:
		if p.TopicID == predefinedID {
			topic = predefinedTopic
		}
	default:
		topic = a.names[p.TopicID]
	}
	if topic == "" {
		if p.QoS > 0 {
			a.say(&mqttsn.Puback{TopicID: p.TopicID, MsgID: p.MsgID, Code: mqttsn.InvalidTopicID})
		}
		return
	}
	if p.QoS != 2 || !a.inbound[p.MsgID] {
		a.h.received(a.rec, topic, p.Data, byte(p.QoS), p.Dup, p.Retain)
	}
	switch p.QoS {
	case 1:
		a.say(&mqttsn.Puback{TopicID: p.TopicID, MsgID: p.MsgID})
	case 2:
		a.inbound[p.MsgID] = true
		a.say(&mqttsn.Pubrec{MsgID: p.MsgID})
	}
}

// release forgets a message id once no late copy of its PUBLISH can come.
func (a *nodeActor) release(id uint16) {
	inbound := a.inbound
	a.w().After(a.rec.slack+1, func() { delete(inbound, id) })
}

func (a *nodeActor) pingresp() {
	_, asked := a.asking.(*mqttsn.Pingreq)
	switch {
	case !asked:
	case a.state == nodeAwake:
		a.fallAsleep()
	case a.state == nodeActive:
		a.answered()
		a.work()
	}
}

// disconnected is told that the gateway does not, or no longer, know the node.
func (a *nodeActor) disconnected() {
	if a.state != nodeGoing {
		a.connect()
		return
	}
	t := a.tasks[0]
	a.tasks = a.tasks[1:]
	if t.what == "sleep" {
		a.fallAsleep()
		return
	}
	a.rest(t.d)
}

// rest is away for d.
func (a *nodeActor) rest(d time.Duration) {
	a.answered()
	a.state = nodeAway
	a.later(d, a.connect)
}

func (a *nodeActor) fallAsleep() {
	a.answered()
	if a.wakes--; a.wakes < 0 || a.settled && a.kept {
		a.connect()
		return
	}
	a.state = nodeAsleep
	a.later(a.sleep, a.wake)
}

func (a *nodeActor) wake() {
	a.state = nodeAwake
	a.question(&mqttsn.Pingreq{ClientID: []byte(a.name)})
}

// do is told what to do next.
func (a *nodeActor) do(what string, args []string) {
	switch what {
	case "publish":
		qos := args[1][0] - '0'
		if !nodesQoS2 {
			qos = min(qos, 1)
		}
		a.seq++
		m := a.h.message(a.name, a.seq, args[0], qos, slices.Contains(args, "retain"), slices.Contains(args, "empty"))
		m.node = true
		a.add(&task{what: what, topic: args[0], qos: qos, message: m})
	case "subscribe", "unsubscribe":
		a.want(what, args)
	case "sleep":
		n, _ := strconv.Atoi(args[1])
		a.add(&task{what: what, d: duration(args[0]), n: n})
	case "leave":
		a.add(&task{what: what, d: duration(args[0])})
	case "move":
		a.radio.Move()
	case "silent":
		a.off = true
		a.w().After(duration(args[0]), func() { a.off = false })
	case "reboot":
		a.clean = true
		a.rest(2*a.rec.slack + duration(args[0]))
	}
}

func (a *nodeActor) want(what string, args []string) {
	filter := args[0]
	i := slices.Index(a.filters, filter)
	pending := slices.ContainsFunc(a.tasks, func(t *task) bool { return t.what != "publish" && t.topic == filter })
	if pending || what == "unsubscribe" && i < 0 {
		return
	}
	t := &task{what: what, topic: filter}
	if what == "subscribe" {
		t.qos = args[1][0] - '0'
		if !nodesQoS2 {
			t.qos = min(t.qos, 1)
		}
		a.qos[filter] = t.qos
		if i < 0 {
			a.filters = append(a.filters, filter)
		}
	} else {
		a.filters = slices.Delete(a.filters, i, i+1)
	}
	a.add(t)
}

func (a *nodeActor) add(t *task) {
	a.tasks = append(a.tasks, t)
	if len(a.tasks) == 1 {
		a.work()
	}
}

// settle ends what would take long.
func (a *nodeActor) settle() {
	a.settled, a.off = true, false
	a.tasks = slices.DeleteFunc(a.tasks, func(t *task) bool { return !t.started && (t.what == "sleep" || t.what == "leave") && t != a.tasks[0] })
	switch a.state {
	case nodeAsleep:
		a.sleep, a.wakes = 2*time.Second, 4
		a.ask++
		a.wake()
	case nodeAway:
		a.connect()
	case nodeAwake, nodeGoing:
		a.sleep, a.wakes = 2*time.Second, 4
	case nodeActive:
		if a.asking == nil && len(a.tasks) == 0 {
			a.question(&mqttsn.Pingreq{})
		}
	}
}

func (a *nodeActor) idle() bool { return a.state == nodeActive && len(a.tasks) == 0 }

func (a *nodeActor) stuck() string {
	var b strings.Builder
	fmt.Fprintf(&b, "state %d", a.state)
	if len(a.tasks) > 0 {
		fmt.Fprintf(&b, ", to %s %s", a.tasks[0].what, a.tasks[0].topic)
	}
	return b.String()
}
