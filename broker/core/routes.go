package core

import "strings"

// A route is who gets the messages on one name, as it was matched, for the next
// message on it. It is valid while the sum of its prefixes' epochs is the same.
type route struct {
	name  string // empty: none
	place uint16 // in the cache, from 1
	used  bool   // since the hand of the cache last came by
	sum   uint64
	hits  []hit
	picky []*Target // those with a No Local subscription among them
	prefixes
}

// Routes are the cache of a shard. A name is let in when it comes a second time,
// while its hash is remembered, so that names that are used once cost nothing;
// the one goes whose use was longest ago, about. What it holds of sessions that
// have ended goes with it.
type routes struct {
	by    map[string]*route
	all   []*route // in a circle
	hand  int
	held  int // hits of all
	came  [cameSlots]uint32
	limit struct{ routes, hits int }
}

const (
	maxRoutes    = 8192
	maxRouteHits = 1 << 16 // in all routes; half of them in one
	cameSlots    = 8192
)

func newRoutes() *routes {
	r := &routes{by: map[string]*route{}}
	r.limit.routes, r.limit.hits = maxRoutes, maxRouteHits
	return r
}

// recall finds the route of a name, which may have to be matched again, by what
// the publisher said last; nil: there is none. A name that has one was checked.
func (s *routes) recall(k *conn, name string) *route {
	if k.last > 0 {
		if r := s.all[k.last-1]; r.name == name {
			return r
		}
	}
	r := s.by[name]
	if r != nil {
		k.last = r.place
	}
	return r
}

// worth says whether a name without a route is to get one.
func (s *routes) worth(p *prefixes) bool {
	came := &s.came[p.hash%cameSlots]
	again := *came == p.hash
	*came = p.hash
	return again
}

// put keeps what was matched for a name, in r if it has a route. The name may be
// that of a packet.
func (s *routes) put(r *route, name string, p *prefixes, sum uint64, hits []hit, picky []*Target) {
	if r != nil {
		s.held -= len(r.hits)
		clear(r.hits)
		r.hits = r.hits[:0]
	}
	if len(hits) > s.limit.hits/2 {
		s.drop(r)
		return
	}
	if r == nil {
		r = s.room(len(hits))
		r.name = strings.Clone(name)
		s.by[r.name] = r
	} else if s.held+len(hits) > s.limit.hits {
		s.drop(r)
		return
	}
	r.used, r.sum, r.prefixes = true, sum, *p
	r.hits = append(r.hits, hits...)
	clear(r.picky)
	r.picky = append(r.picky[:0], picky...)
	s.held += len(hits)
}

// room is a route without a name, once there is room for so many hits.
func (s *routes) room(hits int) *route {
	for len(s.all) == s.limit.routes || s.held+hits > s.limit.hits {
		r := s.all[s.hand]
		if s.hand++; s.hand == len(s.all) {
			s.hand = 0
		}
		if r.used {
			r.used = false
			continue
		}
		s.drop(r)
		if s.held+hits <= s.limit.hits {
			return r
		}
	}
	r := &route{place: uint16(len(s.all) + 1)}
	s.all = append(s.all, r)
	return r
}

// drop empties a route, and leaves its place to another: the connections that
// remember it compare the name.
func (s *routes) drop(r *route) {
	if r == nil || r.name == "" {
		return
	}
	delete(s.by, r.name)
	s.held -= len(r.hits)
	*r = route{place: r.place}
}
