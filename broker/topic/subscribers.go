package topic

// Subscribers are those of one filter, in no particular but a repeatable order.
type subscribers[K comparable, V any] struct {
	list  []subscriber[K, V]
	place map[K]int // in list, once they are many
}

type subscriber[K comparable, V any] struct {
	key   K
	value V
}

// fewSubscribers is how many are searched one by one.
const fewSubscribers = 16

func (s *subscribers[K, V]) find(key K) (int, bool) {
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

func (s *subscribers[K, V]) set(key K, value V) (isNew bool) {
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

func (s *subscribers[K, V]) remove(key K) bool {
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
func (s *subscribers[K, V]) shrink() {
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
func (s *subscribers[K, V]) index() {
	s.place = make(map[K]int, len(s.list))
	for i := range s.list {
		s.place[s.list[i].key] = i
	}
}

// each visits all; nil has none.
func (s *subscribers[K, V]) each(visit func(K, V)) {
	if s == nil {
		return
	}
	for i := range s.list {
		visit(s.list[i].key, s.list[i].value)
	}
}
