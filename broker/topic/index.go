package topic

import "strings"

// An Index finds the subscriptions that match a name. K tells subscribers apart,
// V is what is kept of a subscription. The zero value is empty.
type Index[K comparable, V any] struct {
	root  node[K, V]
	n     int
	epoch uint64
	stack []frame[K, V] // of Match, used again
	steps int           // that the last Match took; the tests bound them
}

// longFilter is what a node may hold on to of a filter, whose other levels may
// be gone: levels of longer ones are copied.
const longFilter = 256

// Insert adds key's subscription to filter, or replaces it, and says whether it
// is new. filter is a legal one, without $share/NAME/. Unless it is long, the
// index keeps its memory.
func (x *Index[K, V]) Insert(filter string, key K, value V) (isNew bool) {
	n := &x.root
	list := &n.here
	for rest, more := filter, true; more; {
		var level string
		if level, rest, more = strings.Cut(rest, "/"); level == "#" && !more {
			list = &n.needRare().below
			break
		}
		c := n.child(level)
		if c == nil {
			if len(filter) > longFilter {
				level = strings.Clone(level)
			}
			c = n.add(level)
		}
		n, list = c, &c.here
	}
	x.epoch++
	if isNew = set(list, key, value); isNew {
		x.n++
	}
	return isNew
}

// Remove ends key's subscription to filter and says whether there was one.
func (x *Index[K, V]) Remove(filter string, key K) bool {
	n := &x.root
	list := &n.here
	for rest, more := filter, true; more; {
		var level string
		if level, rest, more = strings.Cut(rest, "/"); level == "#" && !more {
			if n.rare == nil {
				return false
			}
			list = &n.rare.below
			break
		}
		if n = n.child(level); n == nil {
			return false
		}
		list = &n.here
	}
	if !remove(list, key) {
		return false
	}
	x.n--
	x.epoch++
	n.tidy()
	for n.parent != nil && n.empty() {
		n.parent.drop(n)
		n = n.parent
	}
	return true
}

// Len is the number of subscriptions.
func (x *Index[K, V]) Len() int { return x.n }

// Epoch grows with every change: what was matched at the same epoch still holds.
func (x *Index[K, V]) Epoch() uint64 { return x.epoch }

// A frame is a node whose levels matched, and what is left of the name.
type frame[K comparable, V any] struct {
	node *node[K, V]
	rest string
	more bool // there is a rest, which may be an empty level
}

// deepStack is how many frames are kept from one Match to the next.
const deepStack = 256

// Match visits each subscription whose filter matches name, in an order that
// the history of the index determines. It meets no node twice. visit must not
// change the index; it may match again.
func (x *Index[K, V]) Match(name string, visit func(K, V)) {
	stack := append(x.stack[:0], frame[K, V]{&x.root, name, true})
	x.stack = nil // a Match within visit takes its own
	x.steps = 0
	for len(stack) > 0 {
		top := len(stack) - 1
		f := stack[top]
		stack[top] = frame[K, V]{} // holds on to nothing
		stack = stack[:top]
		n := f.node
		x.steps++
		wild := n.parent != nil || !strings.HasPrefix(name, "$") // [MQTT-4.7.2-1]
		if wild {
			n.below().each(visit)
		}
		if !f.more {
			n.here.each(visit)
			continue
		}
		level, rest, more := strings.Cut(f.rest, "/")
		if n.plus != nil && wild {
			stack = append(stack, frame[K, V]{n.plus, rest, more})
		}
		if c := n.exact(level); c != nil {
			stack = append(stack, frame[K, V]{c, rest, more})
		}
	}
	if cap(stack) <= deepStack {
		x.stack = stack
	}
}
