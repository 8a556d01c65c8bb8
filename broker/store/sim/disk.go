package sim

import (
	"math/rand/v2"
	"slices"
)

// A Disk is what a store left: when it was closed, killed, or the power went.
type Disk struct{ data []byte }

// sector is what is written whole or not at all. It is smaller than that of a
// real disk, so that small groups are torn too.
const sector = 64

// A platter is the log's file with the system's cache before it.
type platter struct {
	durable  []byte
	unsynced []write // since the last sync that succeeded, in order
}

// A write is of data, which begins at a place of the file.
type write struct {
	at    int
	data  []byte
	state writeState
}

type writeState uint8

const (
	underWay  writeState = iota
	written              // in the cache
	forgotten            // in the cache, but a sync failed: the next one passes it over
	broken
)

// write begins a write, of which data is copied.
func (p *platter) write(at int, data []byte) {
	n := len(p.unsynced)
	if n < cap(p.unsynced) { // the buffer of an old one serves again
		p.unsynced = p.unsynced[:n+1]
	} else {
		p.unsynced = append(p.unsynced, write{})
	}
	w := &p.unsynced[n]
	*w = write{at: at, data: append(w.data[:0], data...)}
}

// settle says how the write under way ended.
func (p *platter) settle(as writeState) {
	if n := len(p.unsynced); n > 0 && p.unsynced[n-1].state == underWay {
		p.unsynced[n-1].state = as
	}
	if as == broken {
		p.limit()
	}
}

// keepBroken is how many failed writes are remembered.
const keepBroken = 8

// limit lets the oldest failed write be absent if there are many.
func (p *platter) limit() {
	n, oldest := 0, 0
	for i := len(p.unsynced) - 1; i >= 0; i-- {
		if p.unsynced[i].state == broken {
			n, oldest = n+1, i
		}
	}
	if n > keepBroken {
		p.unsynced = slices.Delete(p.unsynced, oldest, oldest+1)
	}
}

// forget is a failed sync. As on Linux, the cache takes for clean what it could
// not write, and later syncs say nothing of it.
func (p *platter) forget() {
	for i := range p.unsynced {
		if p.unsynced[i].state == written {
			p.unsynced[i].state = forgotten
		}
	}
}

// sync makes durable what was written since the last sync, failed or not. What
// became of the rest is chance.
func (p *platter) sync(random *rand.Rand) {
	p.durable = p.settled(p.durable, random, func(w writeState) bool { return w == written })
	p.unsynced = p.unsynced[:0]
}

// kill is what the file holds if the process ends now: what it wrote, and
// anything of a write that is under way or failed.
func (p *platter) kill(random *rand.Rand) *Disk {
	safe := func(w writeState) bool { return w == written || w == forgotten }
	return &Disk{p.settled(slices.Clone(p.durable), random, safe)}
}

// crash is what the disk holds if the power goes now: what was synced, and
// anything of what was not.
func (p *platter) crash(random *rand.Rand) *Disk {
	return &Disk{p.settled(slices.Clone(p.durable), random, func(writeState) bool { return false })}
}

// settled adds to data what is safe, and of the other writes what chance says.
func (p *platter) settled(data []byte, random *rand.Rand, safe func(writeState) bool) []byte {
	for i := range p.unsynced {
		w, f := &p.unsynced[i], whole
		if !safe(w.state) {
			f = fates[random.IntN(len(fates))]
		}
		data = w.add(data, f, random)
	}
	return data
}

// A fate is what becomes of a write that nobody waited for.
type fate uint8

const (
	whole fate = iota
	absent
	prefix    // the first sectors
	scattered // some sectors, whatever their order
)

var fates = []fate{whole, absent, prefix, scattered}

// add does to data what the fate lets happen.
func (w *write) add(data []byte, f fate, random *rand.Rand) []byte {
	limit := len(w.data)
	switch f {
	case whole:
		return w.copyTo(data, 0, limit)
	case absent:
		return data
	case prefix:
		limit = random.IntN(limit + 1)
	}
	for from, to := 0, 0; from < len(w.data); from = to {
		to = min(len(w.data), (w.at+from)/sector*sector+sector-w.at)
		if to <= limit && (f == prefix || random.IntN(2) == 0) {
			data = w.copyTo(data, from, to)
		}
	}
	return data
}

// copyTo does a part of the write. A hole reads as zeros.
func (w *write) copyTo(data []byte, from, to int) []byte {
	if missing := w.at + to - len(data); missing > 0 {
		data = append(data, make([]byte, missing)...)
	}
	copy(data[w.at+from:], w.data[from:to])
	return data
}
