package shard

// A Mark stands for a round of one shard: it is durable when all that rounds up
// to it wrote is on the store. Marks grow; zero is durable from the start.
type Mark uint64

// A Ring keeps packets that must not leave before what they acknowledge is
// durable, first in first out.
type Ring struct {
	entries []waiting
	head    int    // of entries
	data    []byte // the packets of entries, back to back
	start   int    // of the head's packet in data
	tail    Mark   // of the newest entry
}

type waiting struct {
	mark Mark
	conn ConnID
	kind uint8
	size int
	tail []byte
}

// A Released packet may leave now.
type Released struct {
	Conn   ConnID
	Kind   uint8
	Packet []byte // valid until the next Put
	Tail   []byte // of the packet; never changed
}

// Put adds a packet that waits for mark. kind is the owner's. It returns the
// mark that the packet really waits for, which is never before that of an
// older entry: whoever has the packet's followers wait for it keeps the order.
func (r *Ring) Put(mark Mark, conn ConnID, kind uint8, packet []byte) Mark {
	return r.PutTail(mark, conn, kind, packet, nil)
}

// PutTail is Put for a packet whose last octets are never changed, and are not
// copied.
func (r *Ring) PutTail(mark Mark, conn ConnID, kind uint8, packet, tail []byte) Mark {
	if r.head < len(r.entries) {
		mark = max(mark, r.tail)
	}
	r.tail = mark
	r.entries = append(r.entries, waiting{mark, conn, kind, len(packet), tail})
	r.data = append(r.data, packet...)
	return mark
}

// Next takes the oldest packet out if durable has reached its mark.
func (r *Ring) Next(durable Mark) (Released, bool) {
	if r.head == len(r.entries) || r.entries[r.head].mark > durable {
		r.compact()
		return Released{}, false
	}
	e := r.entries[r.head]
	r.entries[r.head].tail = nil
	packet := r.data[r.start : r.start+e.size : r.start+e.size]
	r.head++
	r.start += e.size
	return Released{e.conn, e.kind, packet, e.tail}, true
}

// Filter keeps the packets for which keep says so, in their order. keep must not
// put anything in.
func (r *Ring) Filter(keep func(Released) bool) {
	n, size, at := 0, 0, r.start
	for _, e := range r.entries[r.head:] {
		packet := r.data[at : at+e.size : at+e.size]
		at += e.size
		if keep(Released{e.conn, e.kind, packet, e.tail}) {
			r.entries[n] = e
			size += copy(r.data[size:], packet)
			n++
		}
	}
	clear(r.entries[n:])
	r.entries, r.data = r.entries[:n], r.data[:size]
	r.head, r.start = 0, 0
}

// Len is the number of packets that wait.
func (r *Ring) Len() int { return len(r.entries) - r.head }

// keepRing is how many octets an empty ring may hold on to.
const keepRing = 64 << 10

// compact gives back the room of what has left.
func (r *Ring) compact() {
	switch {
	case r.head == 0:
	case r.head == len(r.entries):
		r.entries, r.data = r.entries[:0], r.data[:0]
		r.head, r.start = 0, 0
		if cap(r.data) > keepRing {
			r.entries, r.data = nil, nil
		}
	case r.head > len(r.entries)/2:
		n := copy(r.entries, r.entries[r.head:])
		clear(r.entries[n:])
		r.entries, r.head = r.entries[:n], 0
		n = copy(r.data, r.data[r.start:])
		r.data, r.start = r.data[:n], 0
	}
}
