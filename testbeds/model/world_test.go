package model

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	"github.com/dormouse-mqtt/dormouse/broker/mqtt"
	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/broker/store"
	"github.com/dormouse-mqtt/dormouse/radio"
)

// A world is a site, the model of it, and the clients of both.
type world struct {
	t       *rapid.T
	site    *site
	model   *model
	states  []state // of the model, since the last one that is durable
	held    bool    // the store commits when it is told to
	clients []*client
	nodes   []*node
	conns   map[shard.ConnID]*client
	links   map[shard.ConnID]*link
	replies []func() // of nodes
	count   int      // makes payloads and connections differ
	log     []string
}

// A state is what the model was when so much had been submitted.
type state struct {
	ticket store.Ticket
	*model
}

func newWorld(t *rapid.T, shards int) *world {
	w := &world{t: t, site: newSite(shards), conns: map[shard.ConnID]*client{}, links: map[shard.ConnID]*link{}}
	w.model = newModel(w.site.wall + w.site.now)
	for _, id := range []string{"c1", "c2", "g1", "g2"} {
		w.clients = append(w.clients, &client{id: id, seen: map[string]uint16{}})
	}
	for i, id := range []string{"n1", "n2"} {
		w.nodes = append(w.nodes, &node{id: id, addr: radio.Memory(uint64(i + 1)), ids: map[uint16]string{}, told: map[uint16]bool{}})
	}
	w.remember()
	return w
}

// do is one operation: act changes the model and tells the site.
func (w *world) do(text string, act func()) {
	w.log = append(w.log, text)
	defer func() { // a panic of the machines fails with the operations
		if p := recover(); p != nil {
			if _, ok := p.(runtime.Error); ok {
				w.log = append(w.log, fmt.Sprint("panic: ", p, "\n", string(debug.Stack())))
				w.fail(fmt.Errorf("panic: %v", p))
			}
			panic(p)
		}
	}()
	w.model.mark, w.model.began = int64(w.site.submitted), w.model.now
	w.model.held = w.site.committed < w.site.submitted
	act()
	w.listenOn()
	if !w.held {
		for w.site.committed < w.site.submitted {
			w.site.commitAll()
			w.listenOn()
		}
	}
	quiet := w.site.committed == w.site.submitted
	if quiet {
		if err := w.rest(); err != nil {
			w.fail(err)
		}
	}
	w.model.forget(quiet)
	w.remember()
}

func (w *world) rest() error {
	for id, l := range w.links {
		if err := l.rest(); err != nil {
			return fmt.Errorf("%s: %w", w.conns[id].id, err)
		}
		if l.closed {
			delete(w.links, id)
		}
	}
	return w.model.rest()
}

// remember keeps the state, for a crash.
func (w *world) remember() {
	for len(w.states) > 1 && w.states[1].ticket <= w.site.committed {
		w.states = w.states[1:]
	}
	if w.site.committed == w.site.submitted {
		w.states = w.states[:0]
	}
	w.states = append(w.states, state{w.site.submitted, w.model.clone()})
}

func (w *world) fail(err error) {
	w.t.Fatalf("%v\nafter these operations:\n  %s", err, strings.Join(w.log, "\n  "))
}

// listenOn is listen until the nodes have nothing more to say.
func (w *world) listenOn() {
	w.site.settle()
	for w.listen(); len(w.replies) > 0; w.listen() {
		reply := w.replies[0]
		w.replies = w.replies[1:]
		w.model.mark = int64(w.site.submitted)
		reply()
	}
}

// listen has the clients hear what was said.
func (w *world) listen() {
	for _, s := range w.site.take() {
		if s.conn == 0 {
			if err := w.receive(s); err != nil {
				w.fail(err)
			}
		} else {
			if err := w.hear(s); err != nil {
				w.fail(fmt.Errorf("%s: %w", w.conns[s.conn].id, err))
			}
		}
	}
}

func (w *world) hear(s said) error {
	c, l := w.conns[s.conn], w.links[s.conn]
	if l == nil {
		return fmt.Errorf("%v on a connection that is over", s)
	}
	if s.closed {
		if l.closed = true; !l.closes || len(l.answers) > 0 {
			return fmt.Errorf("closed")
		}
		return nil
	}
	ses := w.model.sessions[c.id]
	if ses != nil && ses.link != l {
		ses = nil
	}
	if _, ok := s.packet.(*mqtt.Connack); !ok && !l.up {
		return fmt.Errorf("%T before CONNACK", s.packet)
	}
	switch p := s.packet.(type) {
	case *mqtt.Publish:
		w.log = append(w.log, fmt.Sprintf("    %s gets %v", c.id, publication(p)))
		if ses == nil {
			return fmt.Errorf("%v on a connection that is over", publication(p))
		}
		if err := c.saw(ses, publication(p)); err != nil {
			return err
		}
		return w.model.heardPublish(ses, publication(p), s.committed)
	case *mqtt.Pubrel:
		w.log = append(w.log, fmt.Sprintf("    %s gets %s", c.id, answerText(p)))
		c.released(p.PacketID)
		if ses != nil && p.Code == 0 {
			return w.model.heardRelease(ses, p.PacketID, s.committed)
		}
		return l.heardAnswer(answerText(p), s.committed)
	default:
		w.log = append(w.log, fmt.Sprintf("    %s gets %s", c.id, answerText(p)))
		c.answered(p)
		return l.heardAnswer(answerText(p), s.committed)
	}
}

func publication(p *mqtt.Publish) published {
	q := published{
		topic: string(p.Topic), payload: string(p.Payload), qos: byte(p.QoS),
		retain: p.Retain, dup: p.Dup, id: p.PacketID,
	}
	for prop := range p.Properties.All() {
		if prop.ID == mqtt.SubscriptionIdentifier {
			q.ids = append(q.ids, prop.Uint)
		}
	}
	slices.Sort(q.ids)
	q.left, q.hasLeft = p.Properties.Uint32(mqtt.MessageExpiryInterval)
	return q
}

func answerText(p mqtt.Packet) string {
	text := p.Type().String()
	add := func(id uint16, code mqtt.ReasonCode) string {
		if text += fmt.Sprint(" ", id); code != 0 {
			text += fmt.Sprintf(" %#x", byte(code))
		}
		return text
	}
	switch p := p.(type) {
	case *mqtt.Connack:
		if p.Code != 0 {
			text += fmt.Sprintf(" %#x", byte(p.Code))
		}
		if p.SessionPresent {
			text += " present"
		}
	case *mqtt.Suback:
		return fmt.Sprint(text, " ", p.PacketID, " ", p.Codes)
	case *mqtt.Unsuback:
		return fmt.Sprint(text, " ", p.PacketID, " ", p.Codes)
	case *mqtt.Puback:
		return add(p.PacketID, p.Code)
	case *mqtt.Pubrec:
		return add(p.PacketID, p.Code)
	case *mqtt.Pubrel:
		return add(p.PacketID, p.Code)
	case *mqtt.Pubcomp:
		return add(p.PacketID, p.Code)
	case *mqtt.Disconnect:
		text += fmt.Sprintf(" %#x", byte(p.Code))
	}
	return text
}

// crash ends the process with what the store had of it, and begins another one.
func (w *world) crash(kept int, outage time.Duration) {
	s := w.states[kept]
	w.do(fmt.Sprintf("crash: the store has %d of %d batches that it held; down for %v", s.ticket-w.site.committed, w.site.submitted-w.site.committed, outage), func() {
		now := w.model.now + outage
		w.model = s.clone()
		w.links, w.states = map[shard.ConnID]*link{}, nil
		for _, c := range w.clients {
			c.conn = 0
		}
		for _, n := range w.nodes {
			clear(n.told)
			n.byes, n.forgot = 0, true
		}
		w.model.restart(now)
		w.site.crash(s.ticket, outage)
	})
}
