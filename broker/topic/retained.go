package topic

import (
	"slices"
	"strings"
)

// Retained holds one value a topic name, in the order of names, so that a
// wildcard read can stop and go on later. The zero value is empty.
type Retained[T any] struct {
	pages []*page[T] // none is empty
	n     int
}

// A page is a run of names in order.
type page[T any] struct {
	names  []string
	values []T
}

// pageSize is how many names a page holds before it is split.
const pageSize = 256

// locate finds where name is or would be.
func (r *Retained[T]) locate(name string) (p, i int, found bool) {
	p, found = slices.BinarySearchFunc(r.pages, name, func(p *page[T], name string) int {
		return strings.Compare(p.names[0], name)
	})
	if !found && p > 0 {
		p--
	}
	if p == len(r.pages) {
		return p, 0, false
	}
	i, found = slices.BinarySearch(r.pages[p].names, name)
	return p, i, found
}

// Set sets the value of a name and returns the one that it had.
func (r *Retained[T]) Set(name string, value T) (old T, had bool) {
	at, i, found := r.locate(name)
	if found {
		v := &r.pages[at].values[i]
		old, *v = *v, value
		return old, true
	}
	r.n++
	if at == len(r.pages) {
		r.pages = append(r.pages, &page[T]{[]string{name}, []T{value}})
		return old, false
	}
	p := r.pages[at]
	p.names = slices.Insert(p.names, i, name)
	p.values = slices.Insert(p.values, i, value)
	if len(p.names) > pageSize {
		half := len(p.names) / 2
		r.pages = slices.Insert(r.pages, at+1, &page[T]{slices.Clone(p.names[half:]), slices.Clone(p.values[half:])})
		p.names, p.values = slices.Clone(p.names[:half]), slices.Clone(p.values[:half])
	}
	return old, false
}

// Delete removes a name and returns the value that it had.
func (r *Retained[T]) Delete(name string) (old T, had bool) {
	at, i, found := r.locate(name)
	if !found {
		return old, false
	}
	r.n--
	p := r.pages[at]
	old = p.values[i]
	p.names = slices.Delete(p.names, i, i+1)
	p.values = slices.Delete(p.values, i, i+1)
	if len(p.names) == 0 {
		r.pages = slices.Delete(r.pages, at, at+1)
	} else if !r.join(at) {
		r.join(at - 1)
	}
	if cap(r.pages) > 4*len(r.pages)+pageSize {
		r.pages = slices.Clone(r.pages)
	}
	return old, true
}

// join makes one page of a page and the next if they have become small, so that
// pages stay filled and memory is returned.
func (r *Retained[T]) join(at int) bool {
	if at < 0 || at+1 >= len(r.pages) {
		return false
	}
	p, q := r.pages[at], r.pages[at+1]
	if len(p.names)+len(q.names) > pageSize/2 {
		return false
	}
	p.names, p.values = slices.Concat(p.names, q.names), slices.Concat(p.values, q.values)
	r.pages = slices.Delete(r.pages, at+1, at+2)
	return true
}

// Get is the value of a name.
func (r *Retained[T]) Get(name string) (value T, ok bool) {
	if at, i, found := r.locate(name); found {
		return r.pages[at].values[i], true
	}
	return value, false
}

// Len is the number of names.
func (r *Retained[T]) Len() int { return r.n }

// A Cursor is where a Scan goes on. The zero value is the beginning.
type Cursor struct{ next string }

// examine is how many names a step of a Scan looks at for each that it may visit.
const examine = 16

// Scan visits at most limit names (at least 1) that match filter, in order, from
// cursor on, until visit says false. It looks at no more than a multiple of
// limit, and says at how many it did, and where to go on, or that it is done.
// Names that come or go between two steps are seen or not; no other is missed or
// comes twice. visit must not change r.
func (r *Retained[T]) Scan(filter string, cursor Cursor, limit int, visit func(name string, value T) bool) (next Cursor, looked int, done bool) {
	limit = max(limit, 1)
	prefix := literal(filter)
	if prefix == filter {
		if value, ok := r.Get(filter); ok {
			visit(filter, value)
		}
		return Cursor{}, 1, true
	}
	at, i, _ := r.locate(max(cursor.next, prefix))
	for most := limit * examine; at < len(r.pages); at, i = at+1, 0 {
		p := r.pages[at]
		for ; i < len(p.names); i++ {
			name := p.names[i]
			if !strings.HasPrefix(name, prefix) {
				return Cursor{}, looked, true
			}
			if looked == most || limit == 0 {
				return Cursor{name}, looked, false
			}
			if looked++; Match(filter, name) {
				if limit--; !visit(name, p.values[i]) {
					limit = 0
				}
			}
		}
	}
	return Cursor{}, looked, true
}

// literal is what every name that filter matches begins with.
func literal(filter string) string {
	i := strings.IndexAny(filter, "+#")
	switch {
	case i < 0:
		return filter
	case filter[i] == '#' && i > 0:
		return filter[:i-1] // a/# matches a
	default:
		return filter[:i]
	}
}
