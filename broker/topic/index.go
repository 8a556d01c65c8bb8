package topic

import "strings"

// An Index finds the subscriptions that match a name. K tells subscribers apart,
// V is what is kept of a subscription. The zero value is empty.
type Index[K comparable, V any] struct {
	root  node[K, V]
	n     int
	epoch uint64
	stack []frame[K, V] // of Match, used again
}

// A node stands for the levels of filters up to it.
type node[K comparable, V any] struct {
	parent *node[K, V]
	level  string
	few    []*node[K, V]          // children by exact level, while they are few
	many   map[string]*node[K, V] // and when they are not
	plus   *node[K, V]            // the child by +
	here   subscribers[K, V]      // of filters that end here
	below  subscribers[K, V]      // of filters that go on with #
}

// fewChildren is how many children are searched one by one.
const fewChildren = 8

func (n *node[K, V]) child(level string) *node[K, V] {
	if level == "+" {
		return n.plus
	}
	return n.exact(level)
}

func (n *node[K, V]) exact(level string) *node[K, V] {
	if n.many != nil {
		return n.many[level]
	}
	for _, c := range n.few {
		if c.level == level {
			return c
		}
	}
	return nil
}

func (n *node[K, V]) add(level string) *node[K, V] {
	c := &node[K, V]{parent: n, level: level}
	switch {
	case level == "+":
		n.plus = c
	case n.many != nil:
		n.many[level] = c
	case len(n.few) < fewChildren:
		n.few = append(n.few, c)
	default:
		n.many = make(map[string]*node[K, V], 2*fewChildren)
		for _, f := range n.few {
			n.many[f.level] = f
		}
		n.many[level] = c
		n.few = nil
	}
	return c
}

// drop removes a child. A map that has emptied gives way to the slice again.
func (n *node[K, V]) drop(c *node[K, V]) {
	switch {
	case n.plus == c:
		n.plus = nil
	case n.many != nil:
		if delete(n.many, c.level); len(n.many) == 0 {
			n.many = nil
		}
	default:
		for i := range n.few {
			if n.few[i] == c {
				last := len(n.few) - 1
				n.few[i], n.few[last] = n.few[last], nil
				if n.few = n.few[:last]; last == 0 {
					n.few = nil
				}
				return
			}
		}
	}
}

func (n *node[K, V]) empty() bool {
	return n.here.len() == 0 && n.below.len() == 0 && n.plus == nil && len(n.few) == 0 && len(n.many) == 0
}

// Insert adds key's subscription to filter, or replaces it, and says whether it
// is new. The index keeps filter's memory.
func (x *Index[K, V]) Insert(filter string, key K, value V) (isNew bool) {
	x.epoch++
	n := &x.root
	for rest, more := filter, true; more; {
		var level string
		if level, rest, more = strings.Cut(rest, "/"); level == "#" && !more {
			return x.count(n.below.set(key, value))
		}
		c := n.child(level)
		if c == nil {
			c = n.add(level)
		}
		n = c
	}
	return x.count(n.here.set(key, value))
}

func (x *Index[K, V]) count(isNew bool) bool {
	if isNew {
		x.n++
	}
	return isNew
}

// Remove ends key's subscription to filter and says whether there was one.
func (x *Index[K, V]) Remove(filter string, key K) bool {
	n, list := &x.root, (*subscribers[K, V])(nil)
	for rest, more := filter, true; more; {
		var level string
		if level, rest, more = strings.Cut(rest, "/"); level == "#" && !more {
			list = &n.below
			break
		}
		if n = n.child(level); n == nil {
			return false
		}
		list = &n.here
	}
	if !list.remove(key) {
		return false
	}
	x.n--
	x.epoch++
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

// Match visits each subscription whose filter matches name. visit must not
// change the index.
func (x *Index[K, V]) Match(name string, visit func(K, V)) {
	stack := append(x.stack[:0], frame[K, V]{&x.root, name, true})
	for len(stack) > 0 {
		f := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		n := f.node
		wild := n.parent != nil || !strings.HasPrefix(name, "$") // [MQTT-4.7.2-1]
		if wild {
			n.below.each(visit)
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
	clear(stack[:cap(stack)])
	x.stack = stack
}
