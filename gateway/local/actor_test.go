package local_test

import (
	"fmt"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dormouse-mqtt/dormouse/broker/mqtt"
	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/mqttsn"
	"github.com/dormouse-mqtt/dormouse/radio"
)

// A sensor is a node that does as the text says, and remembers what it may not
// forget: topic ids, and the exchanges of QoS 2 on both sides. It publishes as
// many messages as it has rounds: connected, asleep (S14), and connected again
// (C2), and sleeps in between.
type sensor struct {
	c      *conversation
	rounds int

	state  sensorState
	asking mqttsn.Packet // repeated until it is answered
	due    time.Duration // of the next repetition, or of the end of its sleep
	msgID  uint16
	up     uint16            // the id of its own topic
	ids    map[uint16]string // as it was told
	held   map[uint16]bool   // messages that it has not released
	got    []string
	sent   int // messages published, to the last acknowledgement
	resume mqttsn.Packet
}

type sensorState uint8

const (
	sensorConnecting sensorState = iota
	sensorActive
	sensorGoing
	sensorAsleep
	sensorAwake
	sensorDone
)

const (
	sensorRetry = time.Second
	sensorSleep = 20 * time.Second
)

func newSensor(c *conversation, rounds int) *sensor {
	n := &sensor{c: c, rounds: rounds, ids: map[uint16]string{}, held: map[uint16]bool{}}
	n.connect()
	return n
}

func (n *sensor) addr() radio.Addr { return radio.Memory(1) }

func (n *sensor) nextID() uint16 { n.msgID++; return n.msgID }

func (n *sensor) say(p mqttsn.Packet) {
	data := p.AppendTo(nil)
	n.c.note("from node", data)
	if n.c.lost() {
		return
	}
	n.c.later(func() { n.c.site.datagram(n.addr(), data) })
}

func (n *sensor) ask(p mqttsn.Packet) {
	n.asking, n.due = p, n.c.clock+sensorRetry
	n.say(p)
}

// connect keeps what was asked, to ask it again.
func (n *sensor) connect() {
	if _, ok := n.asking.(*mqttsn.Connect); !ok {
		n.resume = n.asking
	}
	n.state = sensorConnecting
	n.ask(&mqttsn.Connect{ProtocolID: 1, Duration: 60, ClientID: []byte("n")})
}

// advance repeats what was not answered, and wakes.
func (n *sensor) advance() {
	if n.state == sensorAsleep {
		if n.sent == 2 { // it wakes by CONNECT
			n.connect()
			return
		}
		n.state = sensorAwake
		n.ask(&mqttsn.Pingreq{ClientID: []byte("n")})
		return
	}
	if p, ok := n.asking.(*mqttsn.Publish); ok {
		p.Dup = true
	}
	n.ask(n.asking)
}

// work does what comes next.
func (n *sensor) work() {
	switch {
	case len(n.got) == 0 && n.msgID == 0:
		n.ask(&mqttsn.Subscribe{QoS: 2, MsgID: n.nextID(), TopicName: []byte("down/+")})
	case n.up == 0:
		n.ask(&mqttsn.Register{MsgID: n.nextID(), TopicName: []byte("up")})
	case n.sent < n.rounds:
		n.ask(&mqttsn.Publish{QoS: 2, TopicID: n.up, MsgID: n.nextID(), Data: fmt.Appendf(nil, "%d", n.sent)})
	default:
		n.sleep()
	}
}

func (n *sensor) sleep() {
	n.state = sensorGoing
	n.ask(&mqttsn.Disconnect{HasDuration: true, Duration: uint16(sensorSleep / time.Second)})
}

func (n *sensor) heard(data []byte) {
	if n.state == sensorAsleep || n.state == sensorDone {
		return // its radio is off
	}
	var d mqttsn.Decoder
	p, _, err := d.Decode(data)
	require.NoError(n.c.t, err)
	switch p := p.(type) {
	case *mqttsn.Connack:
		if n.state == sensorConnecting {
			n.connected()
		}
	case *mqttsn.Suback:
		if q, ok := n.asking.(*mqttsn.Subscribe); ok && q.MsgID == p.MsgID {
			require.Equal(n.c.t, mqttsn.QoS2, p.QoS)
			n.work()
		}
	case *mqttsn.Regack:
		if q, ok := n.asking.(*mqttsn.Register); ok && q.MsgID == p.MsgID {
			n.learn(p.TopicID, "up")
			n.up = p.TopicID
			n.work()
		}
	case *mqttsn.Register:
		n.learn(p.TopicID, string(p.TopicName))
		n.say(&mqttsn.Regack{TopicID: p.TopicID, MsgID: p.MsgID})
	case *mqttsn.Disconnect:
		if n.state == sensorGoing {
			n.state, n.due = sensorAsleep, n.c.clock+sensorSleep
			n.asking = nil
		} else {
			n.connect()
		}
	case *mqttsn.Pingresp:
		n.pingresp()
	default:
		n.exchange(p)
	}
}

// learn checks that an id means one topic for ever.
func (n *sensor) learn(id uint16, name string) {
	if before, ok := n.ids[id]; ok {
		require.Equal(n.c.t, before, name, "topic id %d", id)
	}
	for other, before := range n.ids {
		require.True(n.c.t, other == id || before != name, "%s has the ids %d and %d", name, id, other)
	}
	n.ids[id] = name
}

func (n *sensor) connected() {
	n.state = sensorActive
	switch p := n.resume.(type) {
	case *mqttsn.Disconnect:
		n.sleep()
	case nil, *mqttsn.Pingreq:
		n.work()
	default:
		n.ask(p)
	}
	n.resume = nil
}

// pingresp: all that waited has come, and is done with.
func (n *sensor) pingresp() {
	if n.state != sensorAwake {
		return
	}
	require.Empty(n.c.t, n.held, "PINGRESP comes after the last PUBCOMP (S3)")
	n.state, n.due = sensorAsleep, n.c.clock+sensorSleep
	n.asking = nil
	switch {
	case n.c.over():
		n.state = sensorDone
	case n.sent < n.rounds:
		n.state = sensorActive // as far as it knows
		n.work()
	}
}

// exchange is QoS 2 both ways.
func (n *sensor) exchange(p mqttsn.Packet) {
	switch p := p.(type) {
	case *mqttsn.Publish:
		name, ok := n.ids[p.TopicID]
		require.True(n.c.t, ok, "a topic id that the node was not told")
		if !n.held[p.MsgID] {
			n.held[p.MsgID] = true
			n.got = append(n.got, name+" "+string(p.Data))
		}
		n.say(&mqttsn.Pubrec{MsgID: p.MsgID})
	case *mqttsn.Pubrel:
		delete(n.held, p.MsgID)
		n.say(&mqttsn.Pubcomp{MsgID: p.MsgID})
	case *mqttsn.Pubrec:
		if q, ok := n.asking.(*mqttsn.Publish); ok && q.MsgID == p.MsgID {
			n.ask(&mqttsn.Pubrel{MsgID: p.MsgID})
		}
	case *mqttsn.Pubcomp:
		if q, ok := n.asking.(*mqttsn.Pubrel); ok && q.MsgID == p.MsgID {
			n.sent++
			n.sleep()
		}
	case *mqttsn.Puback:
		require.Fail(n.c.t, "refused", "%+v", p)
	}
}

// A dashboard is an MQTT client with a session of its own: it writes to the node
// and reads what the node says.
type dashboard struct {
	c    *conversation
	conn shard.ConnID
	in   []byte

	subscribed bool

	waits  map[uint16]mqtt.Packet // what is repeated on a new connection
	order  []uint16
	lastID uint16
	acked  []string // messages that were accepted
	held   map[uint16]bool
	got    []string
}

func newDashboard(c *conversation) *dashboard {
	d := &dashboard{c: c, waits: map[uint16]mqtt.Packet{}, held: map[uint16]bool{}}
	d.connect()
	return d
}

// connect begins a connection, and repeats what is not done with.
func (d *dashboard) connect() {
	d.conn++
	d.in = nil
	conn := d.conn
	d.c.later(func() {
		d.c.site.event(shard.Event{Kind: shard.Opened, Conn: conn, Info: &shard.ConnInfo{ListenerInfo: &shard.ListenerInfo{
			Listener: "mqtt://site", Anonymous: shard.AnonymousOn, MaxPacket: 1 << 20,
		}}})
	})
	d.send(&mqtt.Connect{Version: mqtt.V311, ClientID: []byte("dashboard")})
	if !d.subscribed {
		filter := mqtt.AppendFilter(nil, "up", mqtt.SubscribeOptions{QoS: 2})
		d.send(&mqtt.Subscribe{PacketID: 60_000, Filters: mqtt.NewFilters(filter)})
	}
	for _, id := range d.order {
		p := d.waits[id]
		if p, ok := p.(*mqtt.Publish); ok {
			p.Dup = true
		}
		d.send(p)
	}
}

func (d *dashboard) send(p mqtt.Packet) {
	conn, data := d.conn, p.AppendTo(nil, mqtt.V311)
	d.c.later(func() { d.c.site.event(shard.Event{Kind: shard.Received, Conn: conn, Data: data}) })
}

// write publishes a message.
func (d *dashboard) write(topic, payload string) {
	d.lastID++
	p := &mqtt.Publish{QoS: 2, PacketID: d.lastID, Topic: []byte(topic), Payload: []byte(payload)}
	d.waits[p.PacketID] = p
	d.order = append(d.order, p.PacketID)
	d.send(p)
}

func (d *dashboard) receive(conn shard.ConnID, data []byte) {
	if conn != d.conn {
		return
	}
	d.in = append(d.in, data...)
	for {
		n, err := mqtt.Frame(d.in, 0)
		require.NoError(d.c.t, err)
		if n == 0 {
			return
		}
		decoder := mqtt.Decoder{From: mqtt.FromServer}
		p, err := decoder.Decode(d.in[:n:n], mqtt.V311)
		require.NoError(d.c.t, err)
		d.in = d.in[n:]
		d.packet(p)
	}
}

func (d *dashboard) packet(p mqtt.Packet) {
	switch p := p.(type) {
	case *mqtt.Suback:
		d.subscribed = true
	case *mqtt.Publish:
		if !d.held[p.PacketID] {
			d.held[p.PacketID] = true
			d.got = append(d.got, string(p.Payload))
		}
		d.send(&mqtt.Pubrec{PacketID: p.PacketID})
	case *mqtt.Pubrel:
		delete(d.held, p.PacketID)
		d.send(&mqtt.Pubcomp{PacketID: p.PacketID})
	case *mqtt.Pubrec:
		if q, ok := d.waits[p.PacketID].(*mqtt.Publish); ok {
			d.acked = append(d.acked, string(q.Topic)+" "+string(q.Payload))
			d.waits[p.PacketID] = &mqtt.Pubrel{PacketID: p.PacketID}
		}
		d.send(&mqtt.Pubrel{PacketID: p.PacketID})
	case *mqtt.Pubcomp:
		if _, ok := d.waits[p.PacketID]; ok {
			delete(d.waits, p.PacketID)
			d.order = d.order[1:]
		}
	}
}
