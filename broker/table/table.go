// Package table finds entries by a key that they hold themselves: a map that
// costs an entry two words, and the entry has one of them.
package table

import (
	"hash/maphash"

	"github.com/dormouse-mqtt/dormouse/broker/pages"
)

// Of says how a Table reads its entries.
type Of[K comparable, E any] struct {
	// Key is the entry's. It does not change while the entry is in a table.
	Key func(*E) K
	// Next is a field for the table: who comes next in the same bucket.
	Next func(*E) **E
	// Hash is of a key that nobody chooses. Nil: one that nobody can foresee.
	Hash func(K) uint64
}

// A Table holds entries by their keys. It grows and shrinks by linear hashing,
// one bucket with each entry: no change has to wait until all entries have
// moved, and none leaves garbage.
type Table[K comparable, E any] struct {
	of      Of[K, E]
	buckets pages.Slice[*E] // the first entry of each
	mask    uint64          // of the hash: the least that gives as many buckets as there are, or more
	n       int
}

// New makes an empty table.
func New[K comparable, E any](of Of[K, E]) *Table[K, E] {
	t := &Table[K, E]{of: of}
	if of.Hash == nil {
		t.of.Hash = unforeseeable[K]()
	}
	t.buckets.Push(nil)
	return t
}

// unforeseeable is a hash of its own for each table.
func unforeseeable[K comparable]() func(K) uint64 {
	seed := maphash.MakeSeed()
	if ofStrings, ok := any(func(s string) uint64 { return maphash.String(seed, s) }).(func(K) uint64); ok {
		return ofStrings // it is faster
	}
	return func(key K) uint64 { return maphash.Comparable(seed, key) }
}

// Len is the number of entries.
func (t *Table[K, E]) Len() int { return t.n }

// Get is the entry with the key; nil: there is none.
func (t *Table[K, E]) Get(key K) *E {
	e := *t.bucket(key)
	for e != nil && t.of.Key(e) != key {
		e = *t.of.Next(e)
	}
	return e
}

// Put adds an entry, in place of the one that has its key.
func (t *Table[K, E]) Put(e *E) {
	key := t.of.Key(e)
	at := t.find(key)
	if old := *at; old != nil {
		if old != e {
			*at, *t.of.Next(e) = e, *t.of.Next(old)
			*t.of.Next(old) = nil
		}
		return
	}
	first := t.bucket(key)
	*first, *t.of.Next(e) = e, *first
	if t.n++; t.n > t.buckets.Len() {
		t.grow()
	}
}

// Delete takes e out, unless it is not there, or another with its key is.
func (t *Table[K, E]) Delete(e *E) {
	at := t.find(t.of.Key(e))
	if *at != e {
		return
	}
	*at, *t.of.Next(e) = *t.of.Next(e), nil
	t.n--
	for range 2 { // it shrinks faster than entries go, to get there
		if t.buckets.Len() > t.n+t.n/2+1 {
			t.shrink()
		}
	}
}

// All visits the entries, in an order that is another each time: whoever makes
// decisions sorts them. visit must not change the table.
func (t *Table[K, E]) All(visit func(*E) bool) {
	for i := range t.buckets.Len() {
		for e := *t.buckets.At(i); e != nil; e = *t.of.Next(e) {
			if !visit(e) {
				return
			}
		}
	}
}

// find is where the entry with the key is, or where its bucket ends.
func (t *Table[K, E]) find(key K) **E {
	at := t.bucket(key)
	for *at != nil && t.of.Key(*at) != key {
		at = t.of.Next(*at)
	}
	return at
}

// bucket is where the first entry of the key's bucket is.
func (t *Table[K, E]) bucket(key K) **E { return t.buckets.At(t.index(key)) }

func (t *Table[K, E]) index(key K) int {
	i := t.of.Hash(key) & t.mask
	if i >= uint64(t.buckets.Len()) { // it has not been split off yet
		i &= t.mask >> 1
	}
	return int(i)
}

// grow splits off one bucket more from the one that has had its entries.
func (t *Table[K, E]) grow() {
	fresh := t.buckets.Len()
	if uint64(fresh) > t.mask {
		t.mask = t.mask<<1 | 1
	}
	t.buckets.Push(nil)
	from, to := t.buckets.At(fresh&int(t.mask>>1)), t.buckets.At(fresh)
	for *from != nil {
		e := *from
		if t.index(t.of.Key(e)) != fresh {
			from = t.of.Next(e)
			continue
		}
		*from = *t.of.Next(e)
		*to, *t.of.Next(e) = e, *to
	}
}

// shrink gives the last bucket's entries back to the one that it was split from.
func (t *Table[K, E]) shrink() {
	entries := t.buckets.Pop()
	end := t.buckets.At(t.buckets.Len() & int(t.mask>>1))
	for *end != nil {
		end = t.of.Next(*end)
	}
	*end = entries
	if uint64(t.buckets.Len()) <= t.mask>>1+1 {
		t.mask >>= 1
	}
}
