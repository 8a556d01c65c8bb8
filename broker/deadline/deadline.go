// Package deadline is a heap of deadlines, the earliest first. Time comes in as
// an argument; nothing here reads a clock.
package deadline

import "time"

// Time is monotonic time since the process's epoch.
type Time = time.Duration

// An Item is a place in a heap for a value. Embed it in what has the deadline,
// and do not copy it while it is set. It is in one heap at a time.
type Item[T any] struct {
	Value T
	at    Time
	seq   uint32 // goes round
	place int32  // in the heap, from 1; 0: not in it
}

// At is the deadline; false: none is set.
func (it *Item[T]) At() (Time, bool) { return it.at, it.place > 0 }

// A Heap holds items by their deadlines; equal ones in the order in which they
// were set. Its zero value is empty.
type Heap[T any] struct {
	items []*Item[T]
	seq   uint32
}

const (
	arity  = 4    // flatter than a binary heap: fewer cache misses on the way
	minCap = 1024 // below it the slice does not shrink
)

// Set adds it, or moves it if it is there.
func (h *Heap[T]) Set(it *Item[T], at Time) {
	h.seq++
	it.at, it.seq = at, h.seq
	if it.place == 0 {
		h.items = append(h.items, it)
		it.place = int32(len(h.items))
	}
	h.up(int(it.place) - 1)
	h.down(int(it.place) - 1)
}

// Remove takes it out, if it is there.
func (h *Heap[T]) Remove(it *Item[T]) {
	if it.place == 0 {
		return
	}
	i, last := int(it.place)-1, len(h.items)-1
	it.place = 0
	moved := h.items[last]
	h.items[last] = nil
	h.items = h.items[:last]
	if i != last {
		h.put(i, moved)
		h.up(i)
		h.down(int(moved.place) - 1)
	}
	if len(h.items) < cap(h.items)/4 && cap(h.items) > minCap { // much is free
		h.items = append(make([]*Item[T], 0, cap(h.items)/2), h.items...)
	}
}

// Next is the earliest deadline; false: there is none.
func (h *Heap[T]) Next() (Time, bool) {
	if len(h.items) == 0 {
		return 0, false
	}
	return h.items[0].at, true
}

// Pop takes out the earliest item whose deadline is not after now.
func (h *Heap[T]) Pop(now Time) (*Item[T], bool) {
	if len(h.items) == 0 || h.items[0].at > now {
		return nil, false
	}
	it := h.items[0]
	h.Remove(it)
	return it, true
}

// Len is the number of items.
func (h *Heap[T]) Len() int { return len(h.items) }

func (h *Heap[T]) put(i int, it *Item[T]) {
	h.items[i] = it
	it.place = int32(i + 1)
}

func before[T any](a, b *Item[T]) bool {
	return a.at < b.at || a.at == b.at && int32(a.seq-b.seq) < 0
}

func (h *Heap[T]) up(i int) {
	it := h.items[i]
	for i > 0 {
		parent := (i - 1) / arity
		if !before(it, h.items[parent]) {
			break
		}
		h.put(i, h.items[parent])
		i = parent
	}
	h.put(i, it)
}

func (h *Heap[T]) down(i int) {
	it := h.items[i]
	for {
		first := i*arity + 1
		if first >= len(h.items) {
			break
		}
		least := first
		for j := first + 1; j < min(first+arity, len(h.items)); j++ {
			if before(h.items[j], h.items[least]) {
				least = j
			}
		}
		if !before(h.items[least], it) {
			break
		}
		h.put(i, h.items[least])
		i = least
	}
	h.put(i, it)
}
