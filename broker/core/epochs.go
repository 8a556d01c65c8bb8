package core

import (
	"strings"
	"sync/atomic"
)

// Epochs tell without a lock whether the subscriptions that match a name may have
// changed. Each change counts for the literal prefix of its filter: the levels
// before the first wildcard. A name can only be matched by filters whose literal
// prefix is one of its own prefixes. Prefixes share counters by their hashes,
// which costs a match that were not needed, now and then.
type Epochs struct {
	of [epochSlots]atomic.Uint64
}

const (
	epochSlots = 4096
	// maxPrefixes is how many prefixes a name may have, the empty one and the
	// whole name included.
	maxPrefixes = 16
)

// FNV-1a.
const (
	hashBasis uint32 = 2166136261
	hashPrime uint32 = 16777619
)

func slot(hash uint32) uint16 { return uint16((hash ^ hash>>12) % epochSlots) }

// changed counts a change of a subscription. It is called when the index has
// it, and before SUBACK leaves.
func (e *Epochs) changed(filter string) {
	if i := strings.IndexAny(filter, "+#"); i >= 0 {
		filter = filter[:max(i-1, 0)]
	}
	h := hashBasis
	for i := range len(filter) {
		h = (h ^ uint32(filter[i])) * hashPrime
	}
	e.of[slot(h)].Add(1)
}

// Prefixes are where the prefixes of a name are counted.
type prefixes struct {
	slots [maxPrefixes]uint16
	n     uint8
	hash  uint32 // of the name
}

// prefixesOf says false if there are too many.
func prefixesOf(name string) (p prefixes, ok bool) {
	h := hashBasis
	p.slots[0], p.n = slot(h), 1
	for i := range len(name) {
		if name[i] == '/' {
			if p.n == maxPrefixes-1 {
				return p, false
			}
			p.slots[p.n] = slot(h)
			p.n++
		}
		h = (h ^ uint32(name[i])) * hashPrime
	}
	p.slots[p.n] = slot(h)
	p.n++
	p.hash = h
	return p, true
}

// sum is the same again as long as nothing has changed that may match the name.
func (e *Epochs) sum(p *prefixes) (n uint64) {
	for _, s := range p.slots[:p.n] {
		n += e.of[s].Load()
	}
	return n
}
