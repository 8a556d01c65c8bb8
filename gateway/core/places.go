package core

import (
	"hash/maphash"
	"math/bits"
)

// A PlaceTable is Places for one goroutine. It has 8 octets for an address: its
// hash and the shard. Of a million addresses two are taken for one another once
// in 100,000 networks, whatever somebody does to bring that about; the node of
// one of them is a stranger then, until it connects again.
type PlaceTable struct {
	seed  maphash.Seed
	slots []place // each at its home or behind it, without a gap in between
	n     int
}

// A place is the hash of an address above the number of a shard, from 1. Zero:
// the slot is free.
type place uint64

const (
	shardBits = 8
	shardMask = 1<<shardBits - 1
	minPlaces = 64
)

// Len is how many addresses there are.
func (t *PlaceTable) Len() int { return t.n }

// Find implements Places.
func (t *PlaceTable) Find(a Address) (shard int, known bool) {
	if t.n == 0 {
		return 0, false
	}
	p := t.slots[t.at(t.hash(a))]
	return p.shard(), p != 0
}

// Claim implements Places.
func (t *PlaceTable) Claim(a Address, shard int) (before int, had bool) {
	if t.n >= len(t.slots)*13/16 { // above that the runs grow long
		t.resize(max(minPlaces, 2*len(t.slots)))
	}
	hash := t.hash(a)
	p := &t.slots[t.at(hash)]
	if before, had = p.shard(), *p != 0; !had {
		t.n++
	}
	*p = hash | place(shard+1)
	return before, had
}

// Leave implements Places.
func (t *PlaceTable) Leave(a Address, shard int) {
	if at, known := t.Find(a); !known || at != shard {
		return
	}
	gap := t.at(t.hash(a))
	t.slots[gap] = 0
	t.n--
	for i := t.after(gap); t.slots[i] != 0; i = t.after(i) { // it moves up, unless that is before its home
		p := t.slots[i]
		if home := p.home(len(t.slots)); t.distance(home, i) >= t.distance(gap, i) {
			t.slots[gap], t.slots[i] = p, 0
			gap = i
		}
	}
	if len(t.slots) > minPlaces && t.n < len(t.slots)/4 {
		t.resize(len(t.slots) / 2)
	}
}

func (t *PlaceTable) resize(slots int) {
	if t.slots == nil {
		t.seed = maphash.MakeSeed()
	}
	old := t.slots
	t.slots = make([]place, slots)
	for _, p := range old {
		if p != 0 {
			t.slots[t.at(p)] = p
		}
	}
}

// hash is an address's, above a free shard.
func (t *PlaceTable) hash(a Address) place {
	return place(maphash.Comparable(t.seed, a)) &^ shardMask
}

// at is the slot that has the hash of p, or the first free one for it.
func (t *PlaceTable) at(p place) int {
	i := p.home(len(t.slots))
	for t.slots[i] != 0 && (t.slots[i]^p)>>shardBits != 0 {
		i = t.after(i)
	}
	return i
}

func (t *PlaceTable) after(i int) int {
	if i++; i == len(t.slots) {
		return 0
	}
	return i
}

// distance is how many slots j is behind i.
func (t *PlaceTable) distance(i, j int) int {
	if j < i {
		j += len(t.slots)
	}
	return j - i
}

// home is the slot of that many where p is looked for first.
func (p place) home(slots int) int {
	i, _ := bits.Mul64(uint64(p&^shardMask), uint64(slots))
	return int(i)
}

func (p place) shard() int { return int(p&shardMask) - 1 }
