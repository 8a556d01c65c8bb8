package topic

import "github.com/dormouse-mqtt/dormouse/broker/table"

// A node stands for the levels of filters up to it. Most have one child or one
// subscriber: what is rare is behind a pointer.
type node[K comparable, V any] struct {
	parent *node[K, V]
	level  string
	first  *node[K, V]        // of the children by exact level, while they are few
	next   *node[K, V]        // of the parent's
	plus   *node[K, V]        // the child by +
	here   *subscribers[K, V] // of filters that end here; nil: none
	rare   *rare[K, V]        // nil: nothing of that
}

// rare is what few nodes have.
type rare[K comparable, V any] struct {
	many  *table.Table[string, node[K, V]] // children, when they are not few
	below *subscribers[K, V]               // of filters that go on with #; nil: none
}

// fewChildren is how many children are searched one by one.
const fewChildren = 8

func (n *node[K, V]) empty() bool {
	return n.here == nil && n.plus == nil && n.first == nil && n.rare == nil
}

func (n *node[K, V]) many() *table.Table[string, node[K, V]] {
	if n.rare == nil {
		return nil
	}
	return n.rare.many
}

func (n *node[K, V]) below() *subscribers[K, V] {
	if n.rare == nil {
		return nil
	}
	return n.rare.below
}

func (n *node[K, V]) needRare() *rare[K, V] {
	if n.rare == nil {
		n.rare = &rare[K, V]{}
	}
	return n.rare
}

// tidy forgets what is rare and has gone.
func (n *node[K, V]) tidy() {
	if n.rare != nil && n.rare.many == nil && n.rare.below == nil {
		n.rare = nil
	}
}

func (n *node[K, V]) child(level string) *node[K, V] {
	if level == "+" {
		return n.plus
	}
	return n.exact(level)
}

func (n *node[K, V]) exact(level string) *node[K, V] {
	if many := n.many(); many != nil {
		return many.Get(level)
	}
	c := n.first
	for c != nil && c.level != level {
		c = c.next
	}
	return c
}

func (n *node[K, V]) add(level string) *node[K, V] {
	c := &node[K, V]{parent: n, level: level}
	switch many := n.many(); {
	case level == "+":
		n.plus = c
	case many != nil:
		many.Put(c)
	default:
		c.next, n.first = n.first, c
		n.spread()
	}
	return c
}

// spread puts children that are not few any more into a table.
func (n *node[K, V]) spread() {
	few := 0
	for c := n.first; c != nil; c = c.next {
		few++
	}
	if few <= fewChildren {
		return
	}
	many := table.New(table.Of[string, node[K, V]]{
		Key:  func(c *node[K, V]) string { return c.level },
		Next: func(c *node[K, V]) **node[K, V] { return &c.next },
	})
	for c := n.first; c != nil; {
		next := c.next
		many.Put(c)
		c = next
	}
	n.first, n.needRare().many = nil, many
}

// drop removes a child.
func (n *node[K, V]) drop(c *node[K, V]) {
	switch many := n.many(); {
	case n.plus == c:
		n.plus = nil
	case many != nil:
		many.Delete(c)
		n.gather()
	default:
		at := &n.first
		for *at != c {
			at = &(*at).next
		}
		*at, c.next = c.next, nil
	}
}

// gather takes children that are few again out of their table.
func (n *node[K, V]) gather() {
	many := n.rare.many
	if many.Len() > fewChildren/2 {
		return
	}
	few := make([]*node[K, V], 0, fewChildren)
	for c := range many.All {
		few = append(few, c)
	}
	for _, c := range few {
		c.next, n.first = n.first, c
	}
	n.rare.many = nil
	n.tidy()
}
