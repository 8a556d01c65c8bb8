package core

import "github.com/dormouse-mqtt/dormouse/broker/shard"

// A hit is one session that messages on a name go to: with the highest QoS of its
// matching subscriptions and all their identifiers [MQTT-3.3.4-2],
// [MQTT-3.3.4-4].
type hit struct {
	target  *Target
	extra   *shard.Extra // the identifiers; nobody changes it
	qos     byte
	retain  bool // a subscription has the flag as published
	durable bool // of one message: the session stores it
}

// A matching is what one match finds.
type matching struct {
	from   string // client id of who publishes
	hits   []hit  // each session once
	places map[*Target]int
	picky  []*Target // that have a subscription with No Local
	local  bool      // the publisher is one of them
	visit  func(*Target, Subscription)
}

// manyHits is from how many sessions on a map finds one again, and from how many
// on that is not kept.
const (
	manyHits = 8
	mostHits = 1024
)

func newMatching() *matching {
	m := &matching{places: map[*Target]int{}}
	m.visit = m.hit
	return m
}

func (m *matching) begin(from string) {
	m.forget()
	m.from, m.local = from, false
}

// forget lets go of what the last match found.
func (m *matching) forget() {
	if len(m.hits)+len(m.picky) == 0 {
		return
	}
	clear(m.hits)
	clear(m.picky)
	m.hits, m.picky = m.hits[:0], m.picky[:0]
	if cap(m.hits) > mostHits {
		m.hits = nil
	}
}

// end gives back what finding places has taken.
func (m *matching) end() {
	switch n := len(m.places); {
	case n > mostHits:
		m.places = map[*Target]int{}
	case n > 0:
		clear(m.places)
	}
}

// hit notes that one subscription matches.
func (m *matching) hit(t *Target, s Subscription) {
	if t.is(isDead) {
		return
	}
	if s.NoLocal {
		if t.clientID() == m.from { // [MQTT-3.8.3-3]
			m.local = true
			return
		}
		m.picky = append(m.picky, t)
	}
	h := m.of(t)
	h.qos = max(h.qos, s.QoS)
	h.retain = h.retain || s.RetainAsPublished
	if s.Identifier != 0 {
		if h.extra == nil {
			h.extra = &shard.Extra{}
		}
		h.extra.Identifiers = append(h.extra.Identifiers, s.Identifier)
	}
}

func (m *matching) of(t *Target) *hit {
	if len(m.hits) < manyHits {
		for i := range m.hits {
			if m.hits[i].target == t {
				return &m.hits[i]
			}
		}
	} else {
		if len(m.places) == 0 {
			for i := range m.hits {
				m.places[m.hits[i].target] = i
			}
		}
		if i, ok := m.places[t]; ok {
			return &m.hits[i]
		}
		m.places[t] = len(m.hits)
	}
	m.hits = append(m.hits, hit{target: t})
	return &m.hits[len(m.hits)-1]
}

// match finds who gets a message on a name, from its route if that still holds.
// The result is valid until the next match.
func (c *Core) match(name, from string, r *route) []hit {
	if r == nil {
		r = c.routes.by[name]
	}
	if r != nil && r.sum == c.epochs.sum(&r.prefixes) && !r.spares(from) {
		r.used = true
		return r.hits
	}
	p, few := prefixesOf(name)
	sum := c.epochs.sum(&p) // before the match: what changes meanwhile is seen the next time
	m := c.matching
	m.begin(from)
	c.directory.Match(name, m.visit)
	m.end()
	if few && !m.local && (r != nil || c.routes.worth(&p)) {
		c.routes.put(r, name, &p, sum, m.hits, m.picky)
	}
	return m.hits
}

// spares says whether the route is not that of a publisher: he has a No Local
// subscription among those that match.
func (r *route) spares(from string) bool {
	for _, t := range r.picky {
		if t.clientID() == from {
			return true
		}
	}
	return false
}
