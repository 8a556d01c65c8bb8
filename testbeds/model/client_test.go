package model

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	"github.com/dormouse-mqtt/dormouse/broker/mqtt"
	"github.com/dormouse-mqtt/dormouse/broker/shard"
)

// A client speaks MQTT, and remembers what it may not forget.
type client struct {
	id     string
	conn   shard.ConnID
	outbox []*outgoing
	seen   map[string]uint16 // messages of QoS 2 and their ids; zero: released
}

// outgoing is a message of QoS 1 or 2 that was not acknowledged to the end.
type outgoing struct {
	packet   mqtt.Publish
	message  message
	conn     shard.ConnID // on which it was sent last
	received bool         // PUBREC came
	released bool         // PUBREL was sent on conn
}

func (c *client) answered(p mqtt.Packet) {
	end := func(id uint16) {
		c.outbox = slices.DeleteFunc(c.outbox, func(o *outgoing) bool { return o.packet.PacketID == id })
	}
	switch p := p.(type) {
	case *mqtt.Connack:
		if !p.SessionPresent {
			c.outbox, c.seen = nil, map[string]uint16{}
		}
	case *mqtt.Puback:
		end(p.PacketID)
	case *mqtt.Pubcomp:
		end(p.PacketID)
	case *mqtt.Pubrec:
		for _, o := range c.outbox {
			if o.packet.PacketID == p.PacketID {
				o.received = true
			}
		}
	}
}

// saw checks that no message of QoS 2 comes twice. What is retained may.
func (c *client) saw(s *session, p published) error {
	for filter := range s.subs {
		if group, _ := shared(filter); group {
			return nil
		}
	}
	if p.qos < 2 || !strings.HasPrefix(p.payload, "m") {
		return nil
	}
	if id, ok := c.seen[p.payload]; ok && id != p.id {
		return fmt.Errorf("%v: the client has it, as %d", p, id)
	}
	c.seen[p.payload] = p.id
	return nil
}

func (c *client) released(id uint16) {
	for payload, known := range c.seen {
		if known == id {
			c.seen[payload] = 0
		}
	}
}

func (c *client) nextID() uint16 {
	for id := uint16(1); ; id++ {
		if !slices.ContainsFunc(c.outbox, func(o *outgoing) bool { return o.packet.PacketID == id }) {
			return id
		}
	}
}

// some draws a client that is connected, or not.
func (w *world) some(t *rapid.T, connected bool) (*client, *session) {
	var all []*client
	for _, c := range w.clients {
		up := c.conn != 0 && w.links[c.conn] != nil && w.links[c.conn].up && !w.links[c.conn].closes
		if up == connected {
			all = append(all, c)
		}
	}
	if len(all) == 0 {
		t.Skip("nobody")
	}
	c := rapid.SampledFrom(all).Draw(t, "client")
	return c, w.model.sessions[c.id]
}

var (
	names   = []string{"a", "a/b", "b"}
	filters = []string{"a", "a/b", "b", "a/+", "a/#", "#", "+/b", "will/+"}
	groups  = []string{"$share/g/a/#", "$share/g/b", "$share/h/will/+"}
)

// filters are those that a client may subscribe to. Those of members of shared
// subscriptions do not overlap, so that it is plain which one a copy came by.
func (c *client) filters() []string {
	if c.id[0] == 'g' {
		return groups
	}
	return filters
}

func seconds(n int) time.Duration { return time.Duration(n) * time.Second }

func yes(t *rapid.T, name string) bool { return rapid.Bool().Draw(t, name) }

func pick[T any](t *rapid.T, name string, from ...T) T { return rapid.SampledFrom(from).Draw(t, name) }

func (w *world) payload(retain bool) string {
	w.count++
	if retain {
		return fmt.Sprint("r", w.count)
	}
	return fmt.Sprint("m", w.count)
}

// connect is CONNECT, also where the client is connected.
func (w *world) connect(t *rapid.T) {
	c := rapid.SampledFrom(w.clients).Draw(t, "client")
	v5, clean := yes(t, "v5"), yes(t, "clean")
	w.count++
	conn := shard.ConnID(2 * w.count)
	p := &mqtt.Connect{Version: mqtt.V311, ClientID: []byte(c.id), CleanStart: clean}
	l := &link{window: 100, v5: v5}
	expiry, text := time.Duration(0), fmt.Sprintf("%s connects, clean %v", c.id, clean)
	var props []byte
	switch {
	case v5:
		conn++
		p.Version = mqtt.V5
		n := pick(t, "expiry", 0, 30, 600)
		expiry = seconds(n)
		props = mqtt.AppendUint32(nil, mqtt.SessionExpiryInterval, uint32(n))
		if l.window = pick(t, "receive maximum", 100, 1, 2); l.window < 100 {
			props = mqtt.AppendUint16(props, mqtt.ReceiveMaximum, uint16(l.window))
		}
		text += fmt.Sprintf(", 5.0, expiry %d, receive maximum %d", n, l.window)
	case !clean:
		expiry = never
	}
	var wl *will
	if (clean || expiry > 0) && yes(t, "will") {
		wl = &will{message: message{from: c.id, topic: "will/" + c.id, payload: w.payload(true), qos: byte(rapid.IntRange(0, 2).Draw(t, "qos")), retain: yes(t, "retain")}}
		p.HasWill, p.Will = true, mqtt.Will{QoS: mqtt.QoS(wl.qos), Retain: wl.retain, Topic: []byte(wl.topic), Payload: []byte(wl.payload)}
		if v5 {
			n := pick(t, "will delay", 0, 5, 60)
			wl.delay, wl.alive = seconds(n), uint32(pick(t, "will expiry", 0, 20))
			b := mqtt.AppendUint32(nil, mqtt.WillDelayInterval, uint32(n))
			if wl.alive > 0 {
				b = mqtt.AppendUint32(b, mqtt.MessageExpiryInterval, wl.alive)
			}
			p.Will.Properties = mqtt.NewProperties(b)
		}
		text += fmt.Sprintf(", will %q q%d retain %v after %v expiry %d", wl.payload, wl.qos, wl.retain, wl.delay, wl.alive)
	}
	p.Properties = mqtt.NewProperties(props)
	w.do(text, func() {
		c.conn = conn
		w.conns[conn], w.links[conn] = c, l
		w.model.attach(c.id, clean, expiry, wl, l)
		w.site.dial(conn)
		w.site.send(conn, p)
	})
}

func (w *world) subscribe(t *rapid.T) {
	c, s := w.some(t, true)
	id := uint16(w.count%1000) + 1000
	p := &mqtt.Subscribe{PacketID: id}
	text := c.id + " subscribes"
	var identifier uint32
	if s.link.v5 {
		if identifier = uint32(rapid.IntRange(0, 2).Draw(t, "identifier")); identifier > 0 {
			p.Properties = mqtt.NewProperties(mqtt.AppendVarint(nil, mqtt.SubscriptionIdentifier, identifier))
		}
	}
	var raw, codes []byte
	var todo []func()
	for range rapid.IntRange(1, 2).Draw(t, "filters") {
		f := rapid.SampledFrom(c.filters()).Draw(t, "filter")
		o := mqtt.SubscribeOptions{QoS: mqtt.QoS(rapid.IntRange(0, 2).Draw(t, "qos"))}
		if group, _ := shared(f); s.link.v5 {
			o.NoLocal, o.RetainAsPublished = !group && yes(t, "no local"), yes(t, "retain as published")
			o.RetainHandling = mqtt.RetainHandling(rapid.IntRange(0, 2).Draw(t, "retain handling"))
		}
		raw, codes = mqtt.AppendFilter(raw, f, o), append(codes, byte(o.QoS))
		text += fmt.Sprintf(" %s %+v", f, o)
		todo = append(todo, func() {
			w.model.subscribe(s, f, subscription{byte(o.QoS), o.NoLocal, o.RetainAsPublished, identifier}, byte(o.RetainHandling))
		})
	}
	p.Filters = mqtt.NewFilters(raw)
	w.do(fmt.Sprint(text, " identifier ", identifier), func() {
		for _, f := range todo {
			f()
		}
		s.link.answer(w.model.gate(s.durable), fmt.Sprint("SUBACK ", id, " ", codes))
		w.site.send(c.conn, p)
	})
}

func (w *world) unsubscribe(t *rapid.T) {
	c, s := w.some(t, true)
	f := rapid.SampledFrom(append(slices.Clone(c.filters()), slices.Sorted(maps.Keys(s.subs))...)).Draw(t, "filter")
	w.do(c.id+" unsubscribes "+f, func() {
		had := w.model.unsubscribe(s, f)
		text := "UNSUBACK 7 []"
		if s.link.v5 {
			if text = "UNSUBACK 7 [0]"; !had {
				text = "UNSUBACK 7 [17]"
			}
		}
		s.link.answer(w.model.gate(s.durable && had), text)
		w.site.send(c.conn, &mqtt.Unsubscribe{PacketID: 7, Filters: mqtt.NewNames(mqtt.AppendName(nil, f))})
	})
}

func (w *world) publish(t *rapid.T) {
	c, s := w.some(t, true)
	m := message{from: c.id, topic: rapid.SampledFrom(names).Draw(t, "topic"), qos: byte(rapid.IntRange(0, 2).Draw(t, "qos")), retain: yes(t, "retain")}
	if !m.retain || rapid.IntRange(0, 3).Draw(t, "delete") > 0 {
		m.payload = w.payload(m.retain)
	}
	if s.link.v5 {
		m.alive = uint32(pick(t, "expiry", 0, 0, 10, 100))
	}
	o := &outgoing{message: m, packet: mqtt.Publish{QoS: mqtt.QoS(m.qos), Retain: m.retain, Topic: []byte(m.topic), Payload: []byte(m.payload)}}
	if m.alive > 0 {
		o.packet.Properties = mqtt.NewProperties(mqtt.AppendUint32(nil, mqtt.MessageExpiryInterval, m.alive))
	}
	if m.qos > 0 {
		o.packet.PacketID = c.nextID()
		c.outbox = append(c.outbox, o)
	}
	w.send(c, s, o)
}

// send gives a message to the site, perhaps again.
func (w *world) send(c *client, s *session, o *outgoing) {
	m, p := o.message, &o.packet
	if !s.link.v5 { // it has no words for it
		m.alive = 0
	}
	text := fmt.Sprintf("%s publishes %s %q q%d id %d", c.id, m.topic, m.payload, m.qos, p.PacketID)
	if p.Dup = o.conn != 0 && m.qos > 0; p.Dup {
		text += " dup"
	}
	if m.retain {
		text += " retain"
	}
	w.do(fmt.Sprint(text, " expiry ", m.alive), func() {
		o.conn = c.conn
		if m.alive > 0 {
			m.expires = w.model.now + time.Duration(m.alive)*time.Second
		}
		switch m.qos {
		case 0:
			w.model.publish(&m)
		case 1:
			matched, waits := w.model.publish(&m)
			s.link.answer(w.model.gate(waits), accepted("PUBACK", p.PacketID, matched, s.link.v5)...)
		case 2:
			gate, matched := w.model.take(s, &m, p.PacketID)
			s.link.answer(gate, accepted("PUBREC", p.PacketID, matched, s.link.v5)...)
		}
		w.site.send(c.conn, p)
	})
}

// accepted is an answer to a message, which may say that nobody gets it.
func accepted(name string, id uint16, matched, v5 bool) []string {
	text := fmt.Sprint(name, " ", id)
	if matched || !v5 {
		return []string{text}
	}
	return []string{text, text + " 0x10"}
}

// goOn is what the client's side of its own messages does next: PUBREL, and on
// a new connection all again.
func (w *world) goOn(t *rapid.T) {
	c, s := w.some(t, true)
	if len(c.outbox) == 0 {
		t.Skip("nothing to go on with")
	}
	o := rapid.SampledFrom(c.outbox).Draw(t, "message")
	id := o.packet.PacketID
	switch {
	case o.received && (!o.released || o.conn != c.conn):
		w.do(fmt.Sprint(c.id, " sends PUBREL ", id), func() {
			o.released, o.conn = true, c.conn
			since, known := s.inbound[id]
			_ = since
			text := fmt.Sprint("PUBCOMP ", id)
			if delete(s.inbound, id); !known && s.link.v5 {
				text += " 0x92"
			}
			s.link.answer(w.model.gate(known && s.durable), text)
			w.site.send(c.conn, &mqtt.Pubrel{PacketID: id})
		})
	case o.conn != c.conn:
		w.send(c, s, o)
	default:
		t.Skip("it waits for an answer")
	}
}

// acknowledge goes on with a message that the client got.
func (w *world) acknowledge(t *rapid.T) {
	c, s := w.some(t, true)
	if len(s.flights) == 0 {
		t.Skip("nothing to acknowledge")
	}
	d := rapid.SampledFrom(s.flights).Draw(t, "message")
	refuse := s.link.v5 && !d.released && rapid.IntRange(0, 9).Draw(t, "refuse") == 0
	var p mqtt.Packet
	switch code := mqtt.ReasonCode(0); {
	case refuse:
		code = mqtt.UnspecifiedError
		if p = mqtt.Packet(&mqtt.Puback{PacketID: d.id, Code: code}); d.qos == 2 {
			p = &mqtt.Pubrec{PacketID: d.id, Code: code}
		}
	case d.qos == 1:
		p = &mqtt.Puback{PacketID: d.id}
	case !d.released:
		p = &mqtt.Pubrec{PacketID: d.id}
	case len(s.link.releases) > 0:
		t.Skip("PUBREL did not come")
	case yes(t, "repeat"):
		p = &mqtt.Pubrec{PacketID: d.id}
	default:
		p = &mqtt.Pubcomp{PacketID: d.id}
	}
	w.do(c.id+" sends "+answerText(p), func() {
		if _, ok := p.(*mqtt.Pubrec); ok && !refuse {
			w.model.received(s, d.id)
		} else {
			s.acknowledged(d.id)
		}
		w.site.send(c.conn, p)
	})
}

func (w *world) ping(t *rapid.T) {
	c, s := w.some(t, true)
	w.do(c.id+" pings", func() {
		s.link.pings++
		w.site.send(c.conn, &mqtt.Pingreq{})
	})
}

func (w *world) goodbye(t *rapid.T) {
	c, s := w.some(t, true)
	p, expiry := &mqtt.Disconnect{}, s.expiry
	text := c.id + " says goodbye"
	if s.link.v5 {
		if yes(t, "with will") {
			p.Code = mqtt.DisconnectWithWill
			text += " with will"
		}
		if expiry > 0 && yes(t, "new expiry") {
			n := pick(t, "expiry", 0, 50)
			expiry = seconds(n)
			p.Properties = mqtt.NewProperties(mqtt.AppendUint32(nil, mqtt.SessionExpiryInterval, uint32(n)))
			text += fmt.Sprint(", expiry ", n)
		}
	}
	w.do(text, func() {
		if s.expiry = expiry; p.Code == 0 {
			s.will = nil
		}
		w.model.detach(s)
		w.site.send(c.conn, p)
		c.conn = 0
	})
}

// drop breaks a connection, also one without CONNACK.
func (w *world) drop(t *rapid.T) {
	var all []*client
	for _, c := range w.clients {
		if l := w.links[c.conn]; c.conn != 0 && l != nil && !l.closes {
			all = append(all, c)
		}
	}
	if len(all) == 0 {
		t.Skip("nobody")
	}
	c := rapid.SampledFrom(all).Draw(t, "client")
	w.do(c.id+" is cut off", func() {
		s := w.model.sessions[c.id]
		w.model.detach(s)
		w.site.conn(c.conn, shard.Event{Kind: shard.Closed})
		w.site.settle()
		c.conn = 0
	})
}
