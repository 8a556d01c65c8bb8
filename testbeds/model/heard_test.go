package model

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/dormouse-mqtt/dormouse/broker/store"
)

// published is a PUBLISH that a client got.
type published struct {
	topic, payload string
	qos            byte
	retain, dup    bool
	id             uint16
	ids            []uint32
	left           uint32 // Message Expiry Interval
	hasLeft        bool
}

func (p published) String() string {
	s := fmt.Sprintf("PUBLISH %s %q q%d", p.topic, p.payload, p.qos)
	if p.qos > 0 {
		s += fmt.Sprint(" id ", p.id)
	}
	if p.retain {
		s += " retain"
	}
	if p.dup {
		s += " dup"
	}
	if len(p.ids) > 0 {
		s += fmt.Sprint(" ids ", p.ids)
	}
	if p.hasLeft {
		s += fmt.Sprint(" left ", p.left)
	}
	return s
}

// heardAnswer checks an acknowledgement or the like against what is due: first
// in, first out.
func (l *link) heardAnswer(text string, committed store.Ticket) error {
	due := &l.answers
	switch {
	case text == "PINGRESP":
		if l.pings--; l.pings < 0 {
			return fmt.Errorf("%s: nobody asked", text)
		}
		return nil
	case len(text) > 6 && text[:6] == "PUBREL":
		due = &l.releases
	}
	if len(*due) == 0 {
		return fmt.Errorf("%s: nothing is due", text)
	}
	a := (*due)[0]
	if !slices.Contains(a.texts, text) {
		return fmt.Errorf("%s: due is %s", text, a.texts[0])
	}
	if !durable(a.gate, committed) {
		return fmt.Errorf("%s: before it was durable", text)
	}
	*due = (*due)[1:]
	if text == "CONNACK" || text == "CONNACK present" {
		l.up = true
	}
	return nil
}

// heardRelease is PUBREL, also one that is sent again.
func (m *model) heardRelease(s *session, id uint16, committed store.Ticket) error {
	for i, d := range s.owed {
		if d.released && d.id == id {
			s.owed = slices.Delete(s.owed, i, i+1)
			s.flights = append(s.flights, d)
			return nil
		}
	}
	if err := s.link.heardAnswer(fmt.Sprint("PUBREL ", id), committed); s.node == nil {
		return err
	}
	return nil // a node's may be repeated: it was on its way when the node woke
}

// heardPublish takes what was delivered from what is owed.
func (m *model) heardPublish(s *session, p published, committed store.Ticket) error {
	if s.deaf() {
		return fmt.Errorf("%v: to a sleeper", p)
	}
	if p.qos > 0 && len(s.flights) >= s.link.window {
		return fmt.Errorf("%v: more than Receive Maximum", p)
	}
	if slices.ContainsFunc(s.flights, func(d *delivery) bool { return p.qos > 0 && d.id == p.id }) {
		return fmt.Errorf("%v: the id is in use", p)
	}
	var why error
	inOrder := slices.Clone(s.owed)
	slices.SortStableFunc(inOrder, func(a, b *delivery) int { // of two alike, one that has to come
		return cmp.Compare(btoi(a.optional), btoi(b.optional))
	})
	for _, d := range inOrder {
		i := slices.Index(s.owed, d)
		if err := m.fits(s, d, p); err != nil {
			if why == nil || d.payload == p.payload {
				why = err
			}
			continue
		}
		for _, e := range s.owed[:i] {
			if e.precedes(d) {
				return fmt.Errorf("%v: before %q", p, e.payload)
			}
		}
		if d.qos == 2 && s.durable && !durable(d.since, committed) {
			return fmt.Errorf("%v: before its id was durable", p)
		}
		s.owed = slices.Delete(s.owed, i, i+1)
		if same := func(e *delivery) bool { return e.payload == d.payload }; d.left != "" && slices.ContainsFunc(m.groups[d.left], same) {
			m.groups[d.left] = slices.DeleteFunc(m.groups[d.left], same)
		}
		return s.begun(d, p)
	}
	for group, options := range s.was {
		for _, optional := range []bool{false, true} {
			for i, d := range m.groups[group] {
				for _, sub := range slices.Backward(options) { // 3.x does not tell which it was: the last
					c := d.as(sub, p.qos)
					if boundTakesNewOptions && d.loose && p.dup {
						c.qos = min(d.message.qos, p.qos)
					}
					if d.optional == optional && m.fits(s, c, p) == nil {
						m.groups[group] = slices.Delete(m.groups[group], i, i+1)
						if _, member := s.subs[group]; !member && s.durable { // it had it when it left
							c.group = ""
						}
						return s.begun(c, p)
					}
				}
			}
		}
	}
	if why == nil {
		why = fmt.Errorf("nothing is owed")
	}
	return fmt.Errorf("%v: %w", p, why)
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// as is a group's message as a member gets it: it may have been queued at the
// QoS that the members had then.
func (d *delivery) as(sub subscription, qos byte) *delivery {
	c := *d
	c.qos, c.retain = min(d.message.qos, sub.qos, max(qos, d.qos)), []bool{sub.asPublished && d.message.retain}
	if sub.id > 0 {
		c.ids = []uint32{sub.id}
	}
	return &c
}

// begun notes that a delivery is under way; of QoS 0 it is done with.
func (s *session) begun(d *delivery, p published) error {
	if d.qos > 0 {
		d.id, d.again, d.loose = p.id, false, false
		s.flights = append(s.flights, d)
	}
	return nil
}

// precedes says that e has to be sent before d: retransmissions in their
// order, and messages of one publisher, topic and QoS (8.12).
func (e *delivery) precedes(d *delivery) bool {
	if e.optional || e.released || e.kept != d.kept || e.qos == 0 && d.qos > 0 {
		return false
	}
	if e.again && d.again && !e.loose && !d.loose {
		return true
	}
	return !e.kept && e.group == "" && e.from == d.from && e.topic == d.topic && e.message.qos == d.message.qos && e.qos == d.qos
}

// fits says whether p is this delivery.
func (m *model) fits(s *session, d *delivery, p published) error {
	fail := func(what string, want any) error { return fmt.Errorf("owed is %q with %s %v", d.payload, what, want) }
	changed := boundTakesNewOptions && d.group != "" && (d.loose || d.again) && p.dup
	inUse := slices.ContainsFunc(s.owed, func(e *delivery) bool { return e != d && e.again && !e.loose && e.id == p.id && p.qos > 0 })
	switch {
	case d.topic != p.topic || d.payload != p.payload:
		return fail("topic", d.topic)
	case d.released:
		return fail("PUBREL for", d.id)
	case d.qos != p.qos:
		return fail("QoS", d.qos)
	case !slices.Contains(d.retain, p.retain) && !changed:
		return fail("RETAIN", d.retain)
	case !slices.Equal(d.ids, p.ids) && s.link.v5 && !changed:
		return fail("identifiers", d.ids)
	case inUse:
		return fail("another id than", p.id)
	case d.loose && d.qos == 2 && d.id != 0 && (p.id != d.id || !p.dup): // never twice
		return fail("DUP and id", d.id)
	case !d.loose && d.again && (p.id != d.id || !p.dup):
		return fail("DUP and id", d.id)
	case !d.loose && !d.again && p.dup:
		return fail("DUP", false)
	}
	if s.link.v5 && (p.hasLeft != (d.expires != 0) || p.hasLeft && (p.left < left(d.expires, m.now) || p.left > left(d.expires, max(m.began, d.at)))) {
		return fail("expiry in", left(d.expires, m.now))
	}
	return nil
}

// left is what is left of an interval, in whole seconds.
func left(expires, now time.Duration) uint32 {
	return uint32(max(0, (expires-now+time.Second-1)/time.Second))
}

// rest checks that nothing is due that could have been said: all is durable.
func (m *model) rest() error {
	for _, s := range m.sorted() {
		if s.link == nil {
			continue
		}
		if err := s.link.rest(); err != nil {
			return fmt.Errorf("%s: %w", s.client, err)
		}
		full := len(s.flights) >= s.link.window
		for _, d := range s.owed {
			switch {
			case d.optional, d.expired(m.now), s.node != nil && (s.deaf() || full):
			case d.released:
				return fmt.Errorf("%s: no PUBREL %d", s.client, d.id)
			case d.qos == 0 && d.kept && full: // retained messages come in turn
			case d.qos == 0 || !full:
				return fmt.Errorf("%s: did not get %s %q", s.client, d.topic, d.payload)
			}
		}
	}
	for group, all := range m.groups {
		open, full := false, false
		for _, s := range m.members(group) {
			if s.link != nil && !s.deaf() {
				open = open || len(s.flights) < s.link.window
				full = full || len(s.flights) >= s.link.window
			}
		}
		for _, d := range all {
			if open && !full && !d.optional && !d.expired(m.now) && !d.loose {
				return fmt.Errorf("%s: nobody got %q", group, d.payload)
			}
		}
	}
	return nil
}

func (l *link) rest() error {
	switch {
	case len(l.answers) > 0:
		return fmt.Errorf("no %s", l.answers[0].texts[0])
	case len(l.releases) > 0:
		return fmt.Errorf("no %s", l.releases[0].texts[0])
	case l.pings > 0:
		return fmt.Errorf("no PINGRESP")
	case l.closes != l.closed:
		return fmt.Errorf("closed: %v", l.closed)
	}
	return nil
}

// forget drops what need not be delivered any more after an operation; quiet:
// all that could be said was said.
func (m *model) forget(quiet bool) {
	gone := func(d *delivery) bool { return !d.again && !d.released && !d.loose && d.expired(m.now) }
	for _, s := range m.sessions {
		s.owed = slices.DeleteFunc(s.owed, gone)
		if quiet && s.link != nil && !s.deaf() && len(s.flights) < s.link.window {
			s.owed = nil
		}
		for _, d := range s.owed {
			d.optional = d.optional || d.loose && d.expired(m.now)
		}
	}
	for g := range m.groups {
		m.groups[g] = slices.DeleteFunc(m.groups[g], func(d *delivery) bool { return !d.loose && d.expired(m.now) })
		for _, d := range m.groups[g] { // it may wait for a member's window
			d.optional = d.optional || quiet && d.qos == 0 || d.expired(m.now)
		}
	}
	for topic, p := range m.retained {
		if p.expired(m.now) {
			delete(m.retained, topic)
		}
	}
}
