package topic

// Subscribers are those of one filter, at least one, in no particular but a
// repeatable order. Most filters have one.
type subscribers[K comparable, V any] struct {
	only subscriber[K, V]
	all  *several[K, V] // nil: there is only one
}

type subscriber[K comparable, V any] struct {
	key   K
	value V
}

// Several subscribers of one filter.
type several[K comparable, V any] struct {
	list  []subscriber[K, V]
	place map[K]int // in list, once they are many
}

// fewSubscribers is how many are searched one by one.
const fewSubscribers = 16

// set adds a subscriber to those at s, or replaces it.
func set[K comparable, V any](s **subscribers[K, V], key K, value V) (isNew bool) {
	switch old := *s; {
	case old == nil:
		*s = &subscribers[K, V]{only: subscriber[K, V]{key, value}}
		return true
	case old.all != nil:
		return old.all.set(key, value)
	case old.only.key == key:
		old.only.value = value
		return false
	default:
		old.all = &several[K, V]{list: []subscriber[K, V]{old.only, {key, value}}}
		old.only = subscriber[K, V]{}
		return true
	}
}

// remove takes a subscriber from those at s.
func remove[K comparable, V any](s **subscribers[K, V], key K) bool {
	switch old := *s; {
	case old == nil:
		return false
	case old.all == nil:
		if old.only.key != key {
			return false
		}
		*s = nil
		return true
	case !old.all.remove(key):
		return false
	case len(old.all.list) == 1:
		old.only, old.all = old.all.list[0], nil
	}
	return true
}

// each visits all; nil has none.
func (s *subscribers[K, V]) each(visit func(K, V)) {
	switch {
	case s == nil:
	case s.all == nil:
		visit(s.only.key, s.only.value)
	default:
		for i := range s.all.list {
			visit(s.all.list[i].key, s.all.list[i].value)
		}
	}
}

func (s *several[K, V]) find(key K) (int, bool) {
	if s.place != nil {
		i, ok := s.place[key]
		return i, ok
	}
	for i := range s.list {
		if s.list[i].key == key {
			return i, true
		}
	}
	return 0, false
}

func (s *several[K, V]) set(key K, value V) (isNew bool) {
	if i, ok := s.find(key); ok {
		s.list[i].value = value
		return false
	}
	s.list = append(s.list, subscriber[K, V]{key, value})
	switch {
	case s.place != nil:
		s.place[key] = len(s.list) - 1
	case len(s.list) > fewSubscribers:
		s.index()
	}
	return true
}

func (s *several[K, V]) remove(key K) bool {
	i, ok := s.find(key)
	if !ok {
		return false
	}
	last := len(s.list) - 1
	s.list[i] = s.list[last]
	s.list[last] = subscriber[K, V]{}
	s.list = s.list[:last]
	if s.place != nil {
		if delete(s.place, key); i != last {
			s.place[s.list[i].key] = i
		}
	}
	s.shrink()
	return true
}

// shrink returns memory that is mostly unused: neither slices nor maps do.
func (s *several[K, V]) shrink() {
	if cap(s.list) > fewSubscribers && len(s.list) <= cap(s.list)/4 {
		s.list = append(make([]subscriber[K, V], 0, cap(s.list)/2), s.list...)
		if s.place != nil {
			s.index()
		}
	}
	if len(s.list) <= fewSubscribers/2 {
		s.place = nil
	}
}

// index notes the place of each.
func (s *several[K, V]) index() {
	s.place = make(map[K]int, len(s.list))
	for i := range s.list {
		s.place[s.list[i].key] = i
	}
}
