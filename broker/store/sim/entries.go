package sim

import (
	"bytes"
	"slices"

	"github.com/dormouse-mqtt/dormouse/broker/store"
)

// entries are in order of keys. Their octets are never changed, so that answers
// alias them.
type entries []store.Entry

func (e entries) search(key []byte) (at int, found bool) {
	return slices.BinarySearchFunc(e, key, func(x store.Entry, key []byte) int { return bytes.Compare(x.Key, key) })
}

// within gives the places of the entries with from <= key < to.
func (e entries) within(from, to []byte) (first, end int) {
	first, _ = e.search(from)
	end, _ = e.search(to)
	return first, max(first, end)
}

// needs says whether an operation would change anything.
func (e entries) needs(op store.Op) bool {
	switch op.Kind {
	case store.Delete:
		_, found := e.search(op.Key)
		return found
	case store.DeleteRange:
		first, end := e.within(op.Key, op.Value)
		return first < end
	default:
		return true
	}
}

func (e *entries) apply(op store.Op) {
	first, end := e.within(op.Key, op.Value)
	if op.Kind != store.DeleteRange {
		var found bool
		if first, found = e.search(op.Key); found {
			end = first + 1
		} else {
			end = first
		}
	}
	switch {
	case op.Kind != store.Put:
		*e = slices.Delete(*e, first, end)
	case first < end:
		(*e)[first].Value = slices.Clone(op.Value)
	default:
		*e = slices.Insert(*e, first, clone(op))
	}
}

// clone copies key and value with one allocation.
func clone(op store.Op) store.Entry {
	n := len(op.Key)
	data := append(append(make([]byte, 0, n+len(op.Value)), op.Key...), op.Value...)
	return store.Entry{Key: data[:n:n], Value: data[n:]}
}

// read answers a request.
func (e entries) read(r store.ReadRequest) store.Event {
	ev := store.Event{Kind: store.Read, Tag: r.Tag}
	first, end := e.within(r.From, r.To)
	n, octets := 0, 0
	for ; first+n < end; n++ {
		x := e[first+n]
		octets += len(x.Key) + len(x.Value)
		if n == r.MaxEntries || n > 0 && octets > r.MaxOctets {
			ev.More = true
			break
		}
	}
	ev.Entries = slices.Clone(e[first : first+n])
	return ev
}
