package model

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/dormouse-mqtt/dormouse/broker/store"
)

// A model is what a broker has to remember, and what it owes.
type model struct {
	began, now time.Duration // wall clock before and after the operation under way
	mark       int64         // tickets submitted before that operation
	held       bool          // what was owed before it may be on its way, behind the store
	sessions   map[string]*session
	retained   map[string]*message
	groups     map[string][]*delivery // QoS 1 and 2 that no member has, by shared subscription
}

// A message was published.
type message struct {
	from, topic, payload string
	qos                  byte
	retain               bool
	expires              time.Duration // zero: never
	alive                uint32        // Message Expiry Interval; zero: never
}

// A delivery is a message for one session, or for one member of a group.
type delivery struct {
	*message
	qos      byte
	retain   []bool // either is right where the text leaves it open
	ids      []uint32
	since    int64 // the mark when it was owed
	at       time.Duration
	group    string
	left     string // a group that the session left: another member may get it instead
	kept     bool   // it is owed because of a new subscription
	optional bool   // it may be left out
	volatile bool   // its group was not stored when it was published
	again    bool   // it was sent on an earlier connection: DUP, and its id
	loose    bool   // perhaps it was: before a restart, or to another member
	released bool   // PUBREC came for it
	id       uint16 // zero: not sent
}

type subscription struct {
	qos                  byte
	noLocal, asPublished bool
	id                   uint32
}

type will struct {
	message
	delay time.Duration
}

// A session is what a broker remembers of a client (8.2).
type session struct {
	client         string
	expiry         time.Duration
	durable        bool
	subs           map[string]subscription
	was            map[string][]subscription // shared ones, for what is under way by them
	owed           []*delivery               // not sent on this connection, in order
	flights        []*delivery               // sent on it and not finished, in order
	inbound        map[uint16]int64
	will           *will
	willAt, endsAt time.Duration
	link           *link // nil: not connected
	cut            bool  // by a restart, and nothing was heard of it since
	node           *nodeState
}

// A link is a connection with what is due on it.
type link struct {
	window   int
	v5       bool
	up       bool // CONNACK came
	answers  []answer
	releases []answer // PUBREL
	pings    int
	closes   bool
	closed   bool
}

// An answer has to be one of the texts, and not before its gate is durable.
type answer struct {
	texts []string
	gate  int64 // it waits for more than these tickets; negative: for nothing
}

const never = time.Duration(math.MaxInt64 / 4)

// restartGrace is how long a client has to come back after a restart before its
// will leaves (L14).
const restartGrace = 10 * time.Second

func newModel(now time.Duration) *model {
	return &model{now: now, sessions: map[string]*session{}, retained: map[string]*message{}, groups: map[string][]*delivery{}}
}

// clone copies what can change.
func (m *model) clone() *model {
	c := *m
	c.sessions, c.retained, c.groups = map[string]*session{}, maps.Clone(m.retained), map[string][]*delivery{}
	for k, s := range m.sessions {
		t := *s
		t.subs, t.inbound, t.was = maps.Clone(s.subs), maps.Clone(s.inbound), maps.Clone(s.was)
		t.owed, t.flights = cloneAll(s.owed), cloneAll(s.flights)
		if s.node != nil {
			t.node = s.node.clone()
		}
		c.sessions[k] = &t
	}
	for k, g := range m.groups {
		c.groups[k] = cloneAll(g)
	}
	return &c
}

func cloneAll(all []*delivery) (c []*delivery) {
	for _, d := range all {
		e := *d
		c = append(c, &e)
	}
	return c
}

func (m *model) sorted() []*session {
	return slices.SortedFunc(maps.Values(m.sessions), func(a, b *session) int { return cmp.Compare(a.client, b.client) })
}

// gate is the mark to wait for, if there is something to wait for.
func (m *model) gate(waits bool) int64 {
	if waits {
		return m.mark
	}
	return -1
}

func (l *link) answer(gate int64, texts ...string) {
	l.answers = append(l.answers, answer{texts, gate})
}

// attach connects a client (8.1).
func (m *model) attach(client string, clean bool, expiry time.Duration, w *will, l *link) *session {
	s, present, waits := m.sessions[client], false, expiry > 0
	if s != nil {
		waits = waits || s.durable
		if s.link != nil {
			m.takeOver(s, clean)
		}
		if s = m.sessions[client]; s != nil && clean {
			m.end(s)
			s = nil
		}
		present = s != nil
	}
	if s == nil {
		s = &session{client: client, subs: map[string]subscription{}, was: map[string][]subscription{}, inbound: map[uint16]int64{}}
		m.sessions[client] = s
	}
	s.link, s.expiry, s.will, s.cut = l, expiry, w, false
	s.durable = s.durable || expiry > 0
	text := "CONNACK"
	if present {
		text += " present"
	}
	l.answer(m.gate(waits), text)
	return s
}

// takeOver ends a connection in favour of another one. The will of the old one
// is cancelled by the new one, unless it is due at once (8.4).
func (m *model) takeOver(s *session, clean bool) {
	old := s.link
	if clean && s.will != nil {
		w := *s.will // an earlier state may have it
		w.delay, s.will = 0, &w
	}
	m.detach(s)
	if old.v5 && old.up {
		old.answer(-1, "DISCONNECT 0x8e")
	}
}

// detach ends a connection. Its will, if it still has one, is due.
func (m *model) detach(s *session) {
	s.link.closes = true
	s.link.answers, s.link.releases = nil, nil // what waited for the store is dropped
	s.link = nil
	if s.node != nil {
		s.node.asleep, s.node.awake, s.node.leaving = false, false, false
	}
	s.endsAt, s.willAt = m.now+s.expiry, m.now
	if s.will != nil {
		s.willAt += min(s.will.delay, s.expiry)
	}
	m.cutOff(s)
	m.due(m.now)
}

// cutOff makes what was under way what is owed.
func (m *model) cutOff(s *session) {
	if s.node != nil && s.link != nil {
		s.link.releases = nil // PUBREL is owed like the rest
	}
	if m.held {
		for _, d := range s.owed {
			d.loose = d.loose || !d.again
		}
		for g, options := range s.was {
			lost := slices.ContainsFunc(options, func(o subscription) bool { return o.qos == 0 })
			for _, d := range m.groups[g] {
				d.loose, d.optional = true, d.optional || lost || d.qos == 0
			}
		}
	}
	for _, d := range s.flights {
		d.again = !d.loose || d.qos == 2
	}
	all := append(s.flights, s.owed...)
	s.flights, s.owed = nil, nil
	for _, d := range all {
		switch {
		case d.group != "" && d.qos == 1:
			m.giveBack(d)
		default: // QoS 0 may be kept (8.2)
			d.optional = d.optional || d.qos == 0
			s.owed = append(s.owed, d)
		}
	}
}

// giveBack has another member get a message, unless there is none (8.8).
func (m *model) giveBack(d *delivery) {
	if len(m.members(d.group)) > 0 {
		m.groups[d.group] = append(m.groups[d.group], &delivery{message: d.message, qos: d.qos, group: d.group, loose: true, volatile: d.volatile, optional: d.optional})
	}
}

func (m *model) members(group string) (all []*session) {
	for _, s := range m.sorted() {
		if _, ok := s.subs[group]; ok {
			all = append(all, s)
		}
	}
	return all
}

// end deletes a session. A will that is still due leaves.
func (m *model) end(s *session) {
	if w := s.will; w != nil {
		s.will = nil
		m.sendWill(w)
	}
	groups := slices.Collect(maps.Keys(s.subs))
	delete(m.sessions, s.client)
	for _, d := range append(s.flights, s.owed...) {
		if d.group != "" && d.qos == 1 {
			m.giveBack(d)
		}
	}
	for _, g := range groups {
		m.left(g)
	}
}

// left ends a group without members. What was meant for one may still come.
func (m *model) left(group string) {
	if len(m.members(group)) == 0 {
		for _, d := range m.groups[group] {
			d.optional = true
		}
	}
}

func (m *model) sendWill(w *will) {
	c := w.message
	if c.alive > 0 {
		c.expires = m.now + time.Duration(c.alive)*time.Second
	}
	m.publish(&c)
}

// due sends the wills and ends the sessions whose time has come by then.
func (m *model) due(by time.Duration) {
	for {
		var first *session
		at := by
		for _, s := range m.sorted() {
			if t := s.next(); t <= at && (first == nil || t < at) {
				first, at = s, t
			}
		}
		if first == nil {
			m.now = by
			return
		}
		m.now = max(m.now, at)
		if first.link != nil { // a sleeper that did not wake is lost (S17)
			m.detach(first)
		} else if w := first.will; w != nil && first.willAt <= m.now {
			first.will, first.cut = nil, false
			m.sendWill(w)
		} else {
			m.end(first)
		}
	}
}

// next is when something is due of a session by itself.
func (s *session) next() time.Duration {
	if s.link != nil {
		if s.slept() && !s.node.awake {
			return s.node.until
		}
		return 2 * never
	}
	if s.will != nil {
		return min(s.willAt, s.ends())
	}
	return s.ends()
}

func (s *session) ends() time.Duration {
	if s.expiry >= never {
		return 2 * never
	}
	return s.endsAt
}

// publish gives a message to all who subscribed, and keeps it if it is to be
// retained (8.5, 8.6). waits: its acknowledgement has to wait for the store.
func (m *model) publish(p *message) (matched, waits bool) {
	if p.retain {
		waits = true
		for _, s := range m.sessions { // a copy of the old one that was not sent may be left out
			for _, d := range s.owed {
				d.optional = d.optional || d.kept && d.topic == p.topic
			}
		}
		if delete(m.retained, p.topic); p.payload != "" {
			m.retained[p.topic] = p
		}
	}
	groups := map[string]*delivery{}
	for _, s := range m.sorted() {
		var d *delivery
		for _, filter := range slices.Sorted(maps.Keys(s.subs)) {
			sub := s.subs[filter]
			group, plain := shared(filter)
			if !matches(plain, p.topic) || sub.noLocal && p.from == s.client {
				continue
			}
			matched = true
			if group {
				g := groups[filter]
				if g == nil {
					g = &delivery{message: p, group: filter, since: m.mark, at: m.now, volatile: true, optional: true}
					groups[filter] = g
				}
				g.qos = min(max(g.qos, sub.qos), p.qos)
				g.volatile = g.volatile && (!s.durable || sub.qos == 0)
				g.optional = g.optional && g.qos == 0 && (s.link == nil || !s.link.up || s.deaf())
				continue
			}
			if d == nil {
				d = &delivery{message: p, since: m.mark, at: m.now}
			}
			d.qos = max(d.qos, sub.qos)
			d.retain = append(d.retain, sub.asPublished && p.retain)
			if sub.id > 0 {
				d.ids = append(d.ids, sub.id)
			}
		}
		if d == nil {
			continue
		}
		slices.Sort(d.ids)
		if d.qos = min(d.qos, p.qos); d.qos > 0 || s.link != nil {
			s.owe(d)
		}
		waits = waits || d.qos > 0 && s.durable
	}
	for _, g := range slices.Sorted(maps.Keys(groups)) {
		m.groups[g] = append(m.groups[g], groups[g])
		waits = waits || !groups[g].volatile && p.qos > 0
	}
	return matched, waits && p.qos > 0
}

func (s *session) owe(d *delivery) {
	if s.deaf() { // of QoS 0 the latest of a topic (S7)
		for _, e := range s.owed {
			e.optional = e.optional || e.qos == 0 && d.qos == 0 && e.topic == d.topic
		}
	}
	s.owed = append(s.owed, d)
}

// subscribe adds or replaces a subscription.
func (m *model) subscribe(s *session, filter string, sub subscription, handling byte) {
	_, had := s.subs[filter]
	s.subs[filter] = sub
	group, _ := shared(filter)
	if group {
		s.was[filter] = append(slices.Clone(s.was[filter]), sub)
	}
	if group || handling == 2 || handling == 1 && had {
		return
	}
	for _, topic := range slices.Sorted(maps.Keys(m.retained)) {
		p := m.retained[topic]
		if !matches(filter, topic) || p.expired(m.now) {
			continue
		}
		d := &delivery{message: p, qos: min(p.qos, sub.qos), retain: []bool{true}, since: m.mark, at: m.now, kept: true}
		if sub.id > 0 {
			d.ids = []uint32{sub.id}
		}
		s.owe(d)
	}
}

func (m *model) unsubscribe(s *session, filter string) bool {
	sub, had := s.subs[filter]
	delete(s.subs, filter)
	for _, d := range s.owed { // what was not begun may be left out [MQTT-3.10.4-2]
		d.optional = d.optional || d.kept && !d.again && matches(filter, d.topic)
	}
	for _, d := range append(slices.Clone(s.flights), s.owed...) { // what was begun is its own [MQTT-3.10.4-3]
		if d.group == filter && s.durable {
			d.group = ""
		}
	}
	for _, d := range m.groups[filter] { // and what is on its way may be
		if s.durable {
			c := d.as(sub, d.qos)
			c.group, c.left, c.loose, c.optional = "", filter, true, true
			s.owed = append(s.owed, c)
		}
	}
	m.left(filter)
	return had
}

// take is PUBLISH of QoS 2: false says that its id is known (8.3).
func (m *model) take(s *session, p *message, id uint16) (gate int64, matched bool) {
	if since, known := s.inbound[id]; known {
		return since, true
	}
	matched, waits := m.publish(p)
	gate = m.gate(waits || s.durable)
	s.inbound[id] = gate
	return gate, matched
}

// acknowledged is PUBACK, PUBCOMP, or a PUBREC that refuses.
func (s *session) acknowledged(id uint16) {
	done := func(d *delivery) bool { return d.id == id }
	s.flights = slices.DeleteFunc(s.flights, done)
	s.owed = slices.DeleteFunc(s.owed, func(d *delivery) bool { return d.released && done(d) }) // of a node that fell asleep
}

// received is PUBREC. PUBREL waits for its record.
func (m *model) received(s *session, id uint16) {
	for _, d := range s.owed { // of a node that fell asleep meanwhile
		d.released = d.released || d.again && d.qos == 2 && d.id == id
	}
	for _, d := range s.flights {
		if d.id == id {
			if !d.released {
				d.released, d.since = true, m.gate(s.durable)
			}
			s.link.releases = append(s.link.releases, answer{[]string{fmt.Sprint("PUBREL ", id)}, d.since})
		}
	}
}

// restart is a crash and the load of what m remembers, at now.
func (m *model) restart(now time.Duration) {
	m.mark = -1
	for _, s := range m.sorted() {
		if !s.durable || s.link != nil && s.expiry == 0 && !s.slept() {
			s.will = nil // it is nowhere
			m.end(s)
			continue
		}
		slept := s.slept()
		s.cut = (s.link != nil || s.cut) && !slept
		if s.link = nil; slept { // L14
			s.link = &link{window: 1, up: true}
			s.node.awake, s.node.leaving, s.node.until = false, false, max(s.node.until, now+s.node.patience())
		}
		for _, d := range append(slices.Clone(s.flights), s.owed...) { // L5
			d.since, d.loose = -1, true
			d.optional = d.optional || d.volatile || d.kept && d.id == 0 && retainedEndWithCrash
		}
		for id := range s.inbound {
			s.inbound[id] = -1
		}
		m.cutOff(s)
		if s.cut { // at each load (L14)
			s.endsAt = now + s.expiry
			if s.will != nil {
				s.willAt = now + max(min(s.will.delay, s.expiry), restartGrace)
				s.endsAt = max(s.endsAt, s.willAt)
			}
		}
	}
	for g, all := range m.groups {
		durable := slices.ContainsFunc(m.members(g), func(s *session) bool { return s.durable })
		m.groups[g] = slices.DeleteFunc(all, func(d *delivery) bool { return d.qos == 0 || !durable })
		for _, d := range m.groups[g] {
			d.since, d.loose, d.optional = -1, true, d.optional || d.volatile
		}
	}
	m.now = now // what is overdue leaves now
	m.due(now)
	for _, s := range m.sessions {
		for _, d := range s.owed {
			d.optional = d.optional || d.qos == 0 // its sleepers may not be there yet
		}
	}
}

func (p *message) expired(now time.Duration) bool { return p.expires != 0 && now >= p.expires }

// matches is 8.7.
func matches(filter, topic string) bool {
	f, t := strings.Split(filter, "/"), strings.Split(topic, "/")
	for i, level := range f {
		switch {
		case level == "#":
			return true
		case i >= len(t) || level != "+" && level != t[i]:
			return false
		}
	}
	return len(f) == len(t)
}

// shared is 8.8.
func shared(filter string) (group bool, plain string) {
	if rest, ok := strings.CutPrefix(filter, "$share/"); ok {
		_, plain, _ = strings.Cut(rest, "/")
		return true, plain
	}
	return false, filter
}

// durable says whether what was submitted after mark is, as far as the store
// had got.
func durable(mark int64, committed store.Ticket) bool { return mark < 0 || int64(committed) > mark }
