package sim

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/dormouse-mqtt/dormouse/broker/store"
)

// A reducer finds what of a group must be written. Its slices serve again.
type reducer struct {
	deletes []deletion // in order of keys, then of places
	ranges  []deletion
}

type deletion struct {
	op    store.Op
	place int // in the group
}

// reduce leaves out puts that a later deletion of the group removes, and
// deletions of what is not in the state before it. A deletion stays if there is
// an older value, else that would come back.
func (r *reducer) reduce(to, group *store.Batch, before entries) (puts, dropped int) {
	r.collect(group)
	place := 0
	group.Each(func(op store.Op) {
		switch {
		case op.Kind == store.Put && r.removes(op.Key, place):
			dropped++
		case before.needs(op):
			if op.Kind == store.Put {
				puts++
			}
			to.Add(op)
		}
		place++
	})
	return puts, dropped
}

func (r *reducer) collect(group *store.Batch) {
	r.deletes, r.ranges = r.deletes[:0], r.ranges[:0]
	place := 0
	group.Each(func(op store.Op) {
		switch op.Kind {
		case store.Delete:
			r.deletes = append(r.deletes, deletion{op, place})
		case store.DeleteRange:
			r.ranges = append(r.ranges, deletion{op, place})
		}
		place++
	})
	slices.SortFunc(r.deletes, func(a, b deletion) int {
		return cmp.Or(bytes.Compare(a.op.Key, b.op.Key), cmp.Compare(a.place, b.place))
	})
}

// removes says whether a deletion comes after the put of key at place.
func (r *reducer) removes(key []byte, place int) bool {
	at, _ := slices.BinarySearchFunc(r.deletes, key, func(d deletion, key []byte) int {
		return cmp.Or(bytes.Compare(d.op.Key, key), cmp.Compare(d.place, place))
	})
	if at < len(r.deletes) && bytes.Equal(r.deletes[at].op.Key, key) {
		return true
	}
	return slices.ContainsFunc(r.ranges, func(d deletion) bool {
		return d.place > place && bytes.Compare(d.op.Key, key) <= 0 && bytes.Compare(key, d.op.Value) < 0
	})
}
