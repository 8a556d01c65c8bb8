package world

import (
	"slices"
	"strconv"
	"time"

	"github.com/dormouse-mqtt/dormouse/broker/mqtt"
)

// A clientActor is an MQTT client with a state of its own, which outlives its
// connections: what it has to publish, packet ids, what it subscribed to.
type clientActor struct {
	h    *history
	rec  *subject
	c    *Client
	mode string // kept, clean or brief
	will bool
	last *message // the will of the newest connection; nil: it has none

	up      bool
	attempt int  // number of the newest connection
	clean   bool // that connection's
	fresh   bool // the next one is clean
	heard   time.Duration
	settled bool

	session  knowledge
	expect   knowledge // before the CONNECT under way
	nextID   uint16
	seq      int
	out      []*outgoing
	inbound  map[uint16]bool
	asks     []*ask
	filters  []string // subscribed, in order
	qos      map[string]byte
	withheld []mqtt.Packet
	withhold bool
}

// knowledge is what a client may be sure of about its session on the server.
type knowledge uint8

const (
	absent knowledge = iota
	perhaps
	present
)

// An outgoing message is not done with.
type outgoing struct {
	*message
	id       uint16
	sent     bool
	released bool // PUBREC came
}

// An ask is a SUBSCRIBE, or with leave an UNSUBSCRIBE, that is not answered.
type ask struct {
	id     uint16
	filter string
	qos    byte
	leave  bool
	span   *span
	sent   bool
}

const (
	clientTimeout = 4 * time.Second // until a server that says nothing is given up
	clientPing    = 5 * time.Second
	clientBack    = 150 * time.Millisecond // until the next attempt
)

func newClientActor(h *history, name string, version mqtt.Version, mode string, will bool) *clientActor {
	a := &clientActor{h: h, rec: h.subject(name), mode: mode, will: will, inbound: map[uint16]bool{}, qos: map[string]byte{}}
	a.c = h.world.Client(name)
	a.c.Version = version
	a.c.Got = a.got
	a.c.Gone = a.gone
	a.connect()
	return a
}

func (a *clientActor) w() *World { return a.h.world }

// connect begins a connection.
func (a *clientActor) connect() {
	a.attempt++
	if a.up {
		a.rec.cuts = append(a.rec.cuts, a.w().now)
		if a.endsWithConnection() { // it is taken over
			a.session = absent
			a.forget()
		}
	}
	a.up, a.withheld = false, nil
	a.clean = a.fresh || a.mode == "clean"
	a.heard = a.w().now
	p := &mqtt.Connect{Version: a.c.Version, CleanStart: a.clean, KeepAlive: 10, ClientID: []byte(a.c.Name)}
	if s := a.expiry(); s > 0 && a.c.Version == mqtt.V5 {
		p.Properties = mqtt.NewProperties(mqtt.AppendUint32(nil, mqtt.SessionExpiryInterval, s))
	}
	if a.will {
		a.addWill(p)
	}
	a.expect = a.session
	if a.clean || a.session == absent { // nobody knows whether it arrives
		a.session = perhaps
	}
	a.c.Connect(p)
	attempt := a.attempt
	a.w().After(clientTimeout, func() {
		if a.attempt == attempt && !a.up {
			a.lost()
		}
	})
}

// expiry is the session's, in seconds.
func (a *clientActor) expiry() uint32 {
	switch a.mode {
	case "kept":
		return 1_000_000
	case "brief":
		return 4
	default:
		return 0
	}
}

func (a *clientActor) addWill(p *mqtt.Connect) {
	a.seq++
	m := a.h.message(a.c.Name, a.seq, "will/"+a.c.Name, 2, false, false)
	m.will = true
	a.last = m
	a.h.sent(m)
	p.HasWill = true
	p.Will = mqtt.Will{QoS: 2, Topic: []byte(m.topic), Payload: []byte(m.payload)}
}

// lost gives a connection up, and tries again later.
func (a *clientActor) lost() {
	a.drop()
	a.away(clientBack)
}

func (a *clientActor) drop() {
	if a.c.Open {
		a.c.Drop()
	}
}

// gone is told of the stream's end.
func (a *clientActor) gone() { a.away(clientBack) }

// away has no connection for d.
func (a *clientActor) away(d time.Duration) {
	a.attempt++
	a.rec.cuts = append(a.rec.cuts, a.w().now)
	switch {
	case a.mode == "clean" || a.up && a.endsWithConnection():
		a.session = absent
		a.forget()
	case a.mode == "brief" && !a.up: // what was may have ended, and something new begun
		a.fresh = true
	}
	a.up, a.withheld = false, nil
	attempt := a.attempt
	a.w().After(d, func() {
		if a.attempt == attempt {
			a.connect()
		}
	})
}

// endsWithConnection says whether the session of the last connection does.
func (a *clientActor) endsWithConnection() bool {
	return a.mode == "clean" || a.clean && a.c.Version == mqtt.V311
}

func (a *clientActor) got(p mqtt.Packet) {
	a.heard = a.w().now
	switch p := p.(type) {
	case *mqtt.Connack:
		a.connack(p)
	case *mqtt.Publish:
		a.publish(p)
	case *mqtt.Pubrel:
		delete(a.inbound, p.PacketID)
		a.answer(&mqtt.Pubcomp{PacketID: p.PacketID})
	case *mqtt.Puback:
		a.acked(p.PacketID, 1, p.Code)
	case *mqtt.Pubrec:
		a.acked(p.PacketID, 2, p.Code)
	case *mqtt.Pubcomp:
		a.completed(p.PacketID)
	case *mqtt.Suback:
		a.answered(p.PacketID, p.Codes[0])
	case *mqtt.Unsuback:
		a.answered(p.PacketID, 0)
	}
}

// connack goes on after the server has accepted the connection.
func (a *clientActor) connack(p *mqtt.Connack) {
	if p.Code != 0 {
		a.lost()
		return
	}
	switch {
	case p.SessionPresent && a.clean:
		a.h.violate("%s: CONNECT was clean, and the session is present", a.c.Name)
	case p.SessionPresent && a.expect == absent:
		a.h.violate("%s: a session is present that has ended", a.c.Name)
	case !p.SessionPresent && a.expect == present && !a.clean:
		a.h.violate("%s: the session is lost", a.c.Name)
	}
	a.up, a.fresh = true, false
	if a.last != nil {
		a.last.began = a.w().now
	}
	if !p.SessionPresent {
		a.forget()
	}
	if a.session = present; a.mode != "kept" || a.endsWithConnection() {
		a.session = perhaps
	}
	for _, o := range a.out {
		o.sent = false
	}
	for _, q := range a.asks {
		q.sent = false
	}
	a.work()
	a.ping(a.attempt)
}

// forget is what a client does whose session is gone: it subscribes again, and
// what was not acknowledged is sent as if it were new.
func (a *clientActor) forget() {
	a.rec.end(a.w().now)
	clear(a.inbound)
	out := a.out
	a.out = nil
	for _, o := range out {
		if o.released {
			continue // the server has taken it
		}
		if o.sends > 0 {
			o.anew++
		}
		o.id = 0
		a.out = append(a.out, o)
	}
	asks := a.asks
	a.asks = nil
	for _, f := range a.filters {
		if !slices.ContainsFunc(asks, func(q *ask) bool { return q.filter == f }) {
			a.asks = append(a.asks, &ask{filter: f, qos: a.qos[f]})
		}
	}
	for _, q := range asks {
		q.id = 0
		a.asks = append(a.asks, q)
	}
}

// work sends what was not sent on this connection.
func (a *clientActor) work() {
	if !a.up {
		return
	}
	for _, o := range a.out {
		if !o.sent {
			a.send(o)
		}
	}
	out := a.out[:0]
	for _, o := range a.out {
		if o.qos > 0 {
			out = append(out, o)
		}
	}
	a.out = out
	for _, q := range a.asks {
		if !q.sent {
			a.ask(q)
		}
	}
}

func (a *clientActor) send(o *outgoing) {
	o.sent = true
	if o.released {
		a.answer(&mqtt.Pubrel{PacketID: o.id})
		return
	}
	dup := o.id != 0
	if o.qos > 0 && o.id == 0 {
		o.id = a.freeID()
	}
	a.h.sent(o.message)
	a.c.Send(&mqtt.Publish{Dup: dup, QoS: mqtt.QoS(o.qos), Retain: o.retain, Topic: []byte(o.topic), PacketID: o.id, Payload: []byte(o.payload)})
}

func (a *clientActor) freeID() uint16 {
	few := uint16(len(a.out) + len(a.asks) + 4) // ids are used again soon
	for {
		a.nextID = a.nextID%few + 1
		if !slices.ContainsFunc(a.out, func(o *outgoing) bool { return o.id == a.nextID }) &&
			!slices.ContainsFunc(a.asks, func(q *ask) bool { return q.id == a.nextID }) {
			return a.nextID
		}
	}
}

func (a *clientActor) ask(q *ask) {
	q.sent = true
	if q.id == 0 {
		q.id = a.freeID()
	}
	now := a.w().now
	a.rec.unask(now, q.filter)
	if q.leave {
		a.c.Send(&mqtt.Unsubscribe{PacketID: q.id, Filters: mqtt.NewNames(mqtt.AppendName(nil, q.filter))})
		return
	}
	q.span = a.rec.subscribe(q.filter, q.qos)
	q.span.asked, q.span.lastSent = now, now
	a.c.Subscribe(q.id, q.filter, mqtt.QoS(q.qos))
}

func (a *clientActor) answered(id uint16, code byte) {
	i := slices.IndexFunc(a.asks, func(q *ask) bool { return q.id == id && q.sent })
	if i < 0 {
		return
	}
	q := a.asks[i]
	a.asks = slices.Delete(a.asks, i, i+1)
	now := a.w().now
	a.rec.unack(now, q.filter, q.span)
	if !q.leave {
		if code > 2 {
			a.h.violate("%s: SUBSCRIBE %s refused with %#x", a.c.Name, q.filter, code)
			return
		}
		q.span.acked, q.span.qos = now, code
	}
}

// publish takes a message.
func (a *clientActor) publish(p *mqtt.Publish) {
	if p.QoS == 2 {
		if a.inbound[p.PacketID] {
			a.answer(&mqtt.Pubrec{PacketID: p.PacketID})
			return
		}
		a.inbound[p.PacketID] = true
	}
	a.h.received(a.rec, string(p.Topic), p.Payload, byte(p.QoS), p.Dup, p.Retain)
	switch p.QoS {
	case 1:
		a.answer(&mqtt.Puback{PacketID: p.PacketID})
	case 2:
		a.answer(&mqtt.Pubrec{PacketID: p.PacketID})
	}
}

// answer sends an acknowledgement, unless they are withheld.
func (a *clientActor) answer(p mqtt.Packet) {
	if a.withhold {
		a.withheld = append(a.withheld, p)
		return
	}
	a.c.Send(p)
}

func (a *clientActor) find(id uint16) int {
	return slices.IndexFunc(a.out, func(o *outgoing) bool { return o.id == id })
}

func (a *clientActor) acked(id uint16, qos byte, code mqtt.ReasonCode) {
	i := a.find(id)
	if i < 0 || a.out[i].qos != qos {
		return
	}
	o := a.out[i]
	if code >= 0x80 {
		o.refused = true
		if !a.h.disk {
			a.h.violate("%s: %q refused with %#x", a.c.Name, o.payload, byte(code))
		}
	} else if o.acked == never {
		o.acked = a.w().now
	}
	if qos == 2 && code < 0x80 {
		o.released = true
		a.answer(&mqtt.Pubrel{PacketID: id})
		return
	}
	a.out = slices.Delete(a.out, i, i+1)
}

func (a *clientActor) completed(id uint16) {
	if i := a.find(id); i >= 0 && a.out[i].released {
		a.out = slices.Delete(a.out, i, i+1)
	}
}

// ping finds out whether the server is still there.
func (a *clientActor) ping(attempt int) {
	a.w().After(clientPing, func() {
		switch {
		case a.attempt != attempt:
		case a.w().now-a.heard > clientPing+clientTimeout:
			a.lost()
		default:
			a.c.Send(&mqtt.Pingreq{})
			a.ping(attempt)
		}
	})
}

// do is told what to do next.
func (a *clientActor) do(what string, args []string) {
	switch what {
	case "publish":
		a.seq++
		m := a.h.message(a.c.Name, a.seq, args[0], args[1][0]-'0', slices.Contains(args, "retain"), slices.Contains(args, "empty"))
		a.out = append(a.out, &outgoing{message: m})
		a.work()
	case "subscribe":
		a.want(args[0], args[1][0]-'0', true)
	case "unsubscribe":
		a.want(args[0], 0, false)
	case "drop":
		if a.up && a.last != nil {
			a.last.due = a.w().now
		}
		a.drop()
		a.away(duration(args[0]))
	case "vanish": // the server is told nothing
		if a.c.Open {
			a.c.Vanish()
		}
		a.away(duration(args[0]))
	case "leave":
		if a.up {
			a.c.Send(&mqtt.Disconnect{})
			if a.last != nil {
				a.last.revoked = a.w().now
			}
		}
		a.drop()
		a.away(duration(args[0]))
	case "takeover":
		if a.up {
			a.connect()
		}
	case "fresh":
		if a.up {
			a.fresh = true
			a.lost()
		}
	case "stall":
		if a.c.Open {
			a.c.Stall(duration(args[0]))
		}
	case "withhold":
		a.hush(duration(args[0]))
	}
}

// want subscribes or unsubscribes.
func (a *clientActor) want(filter string, qos byte, in bool) {
	i := slices.Index(a.filters, filter)
	if !in && i < 0 || slices.ContainsFunc(a.asks, func(q *ask) bool { return q.filter == filter }) {
		return
	}
	if in && i < 0 {
		a.filters = append(a.filters, filter)
	} else if !in {
		a.filters = slices.Delete(a.filters, i, i+1)
	}
	a.qos[filter] = qos
	a.asks = append(a.asks, &ask{filter: filter, qos: qos, leave: !in})
	a.work()
}

// hush withholds acknowledgements for d, if the connection lives so long.
func (a *clientActor) hush(d time.Duration) {
	if a.settled {
		return
	}
	a.withhold = true
	a.w().After(d, a.speak)
}

func (a *clientActor) speak() {
	a.withhold = false
	held := a.withheld
	a.withheld = nil
	if a.up {
		for _, p := range held {
			a.c.Send(p)
		}
	}
}

func (a *clientActor) settle() { a.settled = true; a.speak() }

func (a *clientActor) idle() bool { return a.up && len(a.out) == 0 && len(a.asks) == 0 }

func (a *clientActor) stuck() string {
	switch {
	case !a.up:
		return "not connected"
	case len(a.out) > 0:
		return "publishing " + strconv.Quote(a.out[0].payload)
	default:
		return "subscribing to " + a.asks[0].filter
	}
}

func duration(s string) time.Duration {
	d, err := time.ParseDuration(s)
	if err != nil {
		panic(err)
	}
	return d
}
