// Package deadline is a heap of deadlines, the earliest first. Time comes in as
// an argument; nothing here reads a clock.
package deadline

import (
	"time"

	"github.com/dormouse-mqtt/dormouse/broker/pages"
)

// Time is monotonic time since the process's epoch.
type Time = time.Duration

// An Item is a place in a heap, for what has the deadline to hold. It is in one
// heap at a time.
type Item struct {
	place int32 // from 1; 0: in none
}

// A Heap holds values by their deadlines; equal ones in the order in which they
// were set.
type Heap[T any] struct {
	item func(*T) *Item
	due  pages.Slice[due[T]]
	seq  uint32
}

// due is a value with its deadline.
type due[T any] struct {
	at    Time
	value *T
	seq   uint32 // goes round
}

// arity makes it flatter than a binary heap: fewer cache misses on the way.
const arity = 4

// New makes an empty heap of values that each hold the item.
func New[T any](item func(*T) *Item) Heap[T] { return Heap[T]{item: item} }

// Set adds v, or moves it if it is there.
func (h *Heap[T]) Set(v *T, at Time) {
	h.seq++
	d := due[T]{at, v, h.seq}
	it := h.item(v)
	if it.place == 0 {
		h.due.Push(d)
		it.place = int32(h.due.Len())
	}
	h.down(h.up(int(it.place)-1, d), d)
}

// Remove takes v out, if it is there.
func (h *Heap[T]) Remove(v *T) {
	it := h.item(v)
	if it.place == 0 {
		return
	}
	i := int(it.place) - 1
	it.place = 0
	if last := h.due.Pop(); i < h.due.Len() {
		h.down(h.up(i, last), last)
	}
}

// At is the deadline of v; false: it has none.
func (h *Heap[T]) At(v *T) (Time, bool) {
	it := h.item(v)
	if it.place == 0 {
		return 0, false
	}
	return h.due.At(int(it.place) - 1).at, true
}

// Next is the earliest deadline; false: there is none.
func (h *Heap[T]) Next() (Time, bool) {
	if h.due.Len() == 0 {
		return 0, false
	}
	return h.due.At(0).at, true
}

// Pop takes out the earliest whose deadline is not after now; nil: there is none.
func (h *Heap[T]) Pop(now Time) *T {
	if at, ok := h.Next(); !ok || at > now {
		return nil
	}
	v := h.due.At(0).value
	h.Remove(v)
	return v
}

// Len is how many there are.
func (h *Heap[T]) Len() int { return h.due.Len() }

func (h *Heap[T]) put(i int, d due[T]) {
	*h.due.At(i) = d
	h.item(d.value).place = int32(i + 1)
}

func (d *due[T]) before(o *due[T]) bool {
	return d.at < o.at || d.at == o.at && int32(d.seq-o.seq) < 0
}

// up finds the place for d from i upwards: those that are later move down.
func (h *Heap[T]) up(i int, d due[T]) int {
	for i > 0 {
		parent := (i - 1) / arity
		above := h.due.At(parent)
		if !d.before(above) {
			break
		}
		h.put(i, *above)
		i = parent
	}
	return i
}

// down puts d at i or below: those that are earlier move up.
func (h *Heap[T]) down(i int, d due[T]) {
	n := h.due.Len()
	for {
		first := i*arity + 1
		if first >= n {
			break
		}
		least, earliest := first, h.due.At(first)
		for j := first + 1; j < min(first+arity, n); j++ {
			if child := h.due.At(j); child.before(earliest) {
				least, earliest = j, child
			}
		}
		if !earliest.before(&d) {
			break
		}
		h.put(i, *earliest)
		i = least
	}
	h.put(i, d)
}
