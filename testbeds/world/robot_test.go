package world

import (
	"fmt"
	"slices"
	"time"

	"github.com/dormouse-mqtt/dormouse/mqttsn"
)

// A robot is a node that does as the specification says on a network that does
// not help: it repeats what is not answered, and connects again when it is told
// that it is not connected.
type robot struct {
	world *World
	radio *Radio
	name  string
	sleep time.Duration // between wakes; 0: it never sleeps
	topic string        // publishes to it,
	count int           // so many messages,
	every time.Duration // so far apart

	state  robotState
	asking mqttsn.Packet // repeated until it is answered
	ask    int           // number of the newest question
	tries  int
	msgID  uint16
	id     uint16 // of topic
	next   int    // message to publish

	acked []string // published and acknowledged
	got   []string // received, in the order in which each came first
	names map[uint16]string
}

type robotState uint8

const (
	robotConnecting robotState = iota
	robotSubscribing
	robotRegistering
	robotActive
	robotGoing // to sleep
	robotAsleep
	robotAwake
)

// robotRetry is when a robot repeats a question; the slowest answer takes two
// delays of the network and one of the store.
const robotRetry = 700 * time.Millisecond

func (w *World) robot(name string, topic string, count int, every, sleep time.Duration) *robot {
	r := &robot{world: w, name: name, topic: topic, count: count, every: every, sleep: sleep, names: map[uint16]string{}}
	r.radio = w.Radio(name, r.heard)
	r.connect()
	return r
}

func (r *robot) connect() {
	r.state = robotConnecting
	r.question(&mqttsn.Connect{ProtocolID: 1, Duration: 60, ClientID: []byte(r.name)})
}

func (r *robot) nextID() uint16 { r.msgID++; return r.msgID }

func (r *robot) say(p mqttsn.Packet) { r.radio.Send(p.AppendTo(nil)) }

// question sends p until answered is called.
func (r *robot) question(p mqttsn.Packet) {
	r.ask++
	r.asking, r.tries = p, 0
	r.repeat(r.ask)
}

func (r *robot) repeat(ask int) {
	if r.ask != ask || r.asking == nil {
		return
	}
	if r.tries++; r.tries > 30 && r.state != robotConnecting {
		r.connect() // the gateway has forgotten us
		return
	}
	r.say(r.asking)
	if p, ok := r.asking.(*mqttsn.Publish); ok {
		p.Dup = true
	}
	r.world.After(robotRetry, func() { r.repeat(ask) })
}

func (r *robot) answered() { r.asking = nil; r.ask++ }

func (r *robot) heard(data []byte) {
	if r.state == robotAsleep {
		return // its radio is off
	}
	var d mqttsn.Decoder
	p, _, err := d.Decode(data)
	if err != nil {
		panic(err)
	}
	switch p := p.(type) {
	case *mqttsn.Connack:
		if r.state == robotConnecting {
			r.state = robotSubscribing
			r.question(&mqttsn.Subscribe{QoS: 1, MsgID: r.nextID(), TopicName: []byte("to/" + r.name + "/+")})
		}
	case *mqttsn.Suback:
		if q, ok := r.asking.(*mqttsn.Subscribe); ok && q.MsgID == p.MsgID {
			r.state = robotRegistering
			r.question(&mqttsn.Register{MsgID: r.nextID(), TopicName: []byte(r.topic)})
		}
	case *mqttsn.Regack:
		if q, ok := r.asking.(*mqttsn.Register); ok && q.MsgID == p.MsgID {
			r.id = p.TopicID
			r.answered()
			r.state = robotActive
			r.work()
		}
	case *mqttsn.Register:
		r.names[p.TopicID] = string(p.TopicName)
		r.say(&mqttsn.Regack{TopicID: p.TopicID, MsgID: p.MsgID})
	case *mqttsn.Publish:
		r.received(p)
	case *mqttsn.Puback:
		if q, ok := r.asking.(*mqttsn.Publish); ok && q.MsgID == p.MsgID {
			r.answered()
			r.published(p, q)
		}
	case *mqttsn.Pingreq:
		r.say(&mqttsn.Pingresp{})
	case *mqttsn.Pingresp:
		if r.state == robotAwake {
			r.fallAsleep()
		}
	case *mqttsn.Disconnect:
		switch r.state {
		case robotGoing:
			r.fallAsleep()
		case robotConnecting: // about what was before
		default:
			r.connect()
		}
	}
}

func (r *robot) received(p *mqttsn.Publish) {
	name, ok := r.names[p.TopicID]
	if !ok {
		r.say(&mqttsn.Puback{TopicID: p.TopicID, MsgID: p.MsgID, Code: mqttsn.InvalidTopicID})
		return
	}
	if text := fmt.Sprintf("%s %s", name, p.Data); !slices.Contains(r.got, text) {
		r.got = append(r.got, text)
	}
	r.say(&mqttsn.Puback{TopicID: p.TopicID, MsgID: p.MsgID})
}

func (r *robot) published(p *mqttsn.Puback, q *mqttsn.Publish) {
	switch p.Code {
	case mqttsn.Accepted:
		r.acked = append(r.acked, string(q.Data))
		r.next++
	case mqttsn.InvalidTopicID: // the gateway has forgotten it
		r.state = robotRegistering
		r.question(&mqttsn.Register{MsgID: r.nextID(), TopicName: []byte(r.topic)})
		return
	}
	ask := r.ask
	r.world.After(r.every, func() {
		if r.ask == ask && r.state == robotActive {
			r.work()
		}
	})
}

// work publishes what is left, then goes to sleep or stays.
func (r *robot) work() {
	switch {
	case r.next < r.count:
		r.question(&mqttsn.Publish{QoS: 1, TopicID: r.id, MsgID: r.nextID(), Data: fmt.Appendf(nil, "%s-%d", r.name, r.next)})
	case r.sleep > 0:
		r.state = robotGoing
		r.question(&mqttsn.Disconnect{HasDuration: true, Duration: uint16(r.sleep / time.Second)})
	default:
		r.ping(r.ask)
	}
}

// ping keeps an active node alive.
func (r *robot) ping(ask int) {
	if r.ask == ask && r.state == robotActive {
		r.say(&mqttsn.Pingreq{})
		r.world.After(10*time.Second, func() { r.ping(ask) })
	}
}

func (r *robot) fallAsleep() {
	r.answered()
	r.state = robotAsleep
	ask := r.ask
	r.world.After(r.sleep, func() {
		if r.ask == ask && r.state == robotAsleep {
			r.state = robotAwake
			r.question(&mqttsn.Pingreq{ClientID: []byte(r.name)})
		}
	})
}
