package topic

// A node stands for the levels of filters up to it. Most have one child or one
// subscriber: what is rare is behind a pointer.
type node[K comparable, V any] struct {
	parent *node[K, V]
	level  string
	few    []*node[K, V]      // children by exact level, while they are few
	many   *children[K, V]    // and when they are not
	plus   *node[K, V]        // the child by +
	here   *subscribers[K, V] // of filters that end here; nil: none
	below  *subscribers[K, V] // of filters that go on with #; nil: none
}

// Children are those of a node that has many.
type children[K comparable, V any] struct {
	by   map[string]*node[K, V]
	most int // how many by has held
}

// fewChildren is how many children are searched one by one.
const fewChildren = 8

func (n *node[K, V]) empty() bool {
	return n.here == nil && n.below == nil && n.plus == nil && len(n.few) == 0 && n.many == nil
}

func (n *node[K, V]) child(level string) *node[K, V] {
	if level == "+" {
		return n.plus
	}
	return n.exact(level)
}

func (n *node[K, V]) exact(level string) *node[K, V] {
	if n.many != nil {
		return n.many.by[level]
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
		n.many.by[level] = c
		n.many.most = max(n.many.most, len(n.many.by))
	case len(n.few) < fewChildren:
		n.few = append(n.few, c)
	default:
		n.many = &children[K, V]{by: make(map[string]*node[K, V], 2*fewChildren)}
		for _, f := range n.few {
			n.many.by[f.level] = f
		}
		n.few = nil
		n.many.by[level] = c
		n.many.most = len(n.many.by)
	}
	return c
}

// drop removes a child.
func (n *node[K, V]) drop(c *node[K, V]) {
	switch {
	case n.plus == c:
		n.plus = nil
	case n.many != nil:
		delete(n.many.by, c.level)
		n.shrink()
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

// shrink gives back what many children held when few are left: a map does not.
func (n *node[K, V]) shrink() {
	left := len(n.many.by)
	switch {
	case left <= fewChildren/2:
		n.few = make([]*node[K, V], 0, fewChildren)
		for _, c := range n.many.by {
			n.few = append(n.few, c)
		}
		n.many = nil
	case left <= n.many.most/4:
		by := make(map[string]*node[K, V], left)
		for level, c := range n.many.by {
			by[level] = c
		}
		n.many = &children[K, V]{by, left}
	}
}
