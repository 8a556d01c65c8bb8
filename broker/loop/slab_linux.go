package loop

import (
	"github.com/dormouse-mqtt/dormouse/broker/pages"
	"github.com/dormouse-mqtt/dormouse/broker/shard"
)

// A socket is a connection that the loop reads and writes itself: while it is
// idle this is all that the loop has of it.
type socket struct {
	number  uint64 // how often the slot was used: part of the ConnID
	from    *Listener
	rest    *rest // nil: everything was taken
	fd      int32
	slot    int32
	watched uint32 // what epoll tells of it; 0: nothing
	state   socketState
	paused  bool // by the machine
	held    bool // another shard has too much to do (L10)
	blocked bool // the machine was told that the peer does not take our output
	ended   bool // the peer has: nothing more comes
	cut     bool // epoll says that nothing can be sent either
}

type socketState uint8

// What becomes of a socket: it is the machine's, then writes what is left, then
// waits for the peer to end its half.
const (
	socketFree socketState = iota
	socketOpen
	socketClosing
	socketLingering
)

const (
	slotBits = 20
	maxSlots = 1 << slotBits // of one shard
	// polledConn tells connections of sockets from those of streams.
	polledConn shard.ConnID = 1 << 62
)

// A slab holds sockets in slots that are used again; a ConnID is slot and number,
// and no ConnID comes twice.
type slab struct {
	sockets pages.Slice[socket]
	free    pages.Slice[int32]
	open    int
}

// take gives a free socket; nil: there are as many as can be.
func (b *slab) take() (s *socket) {
	switch slot := b.sockets.Len(); {
	case b.free.Len() > 0:
		s = b.sockets.At(int(b.free.Pop()))
	case slot < maxSlots:
		b.sockets.Push(socket{slot: int32(slot)})
		s = b.sockets.At(slot)
	default:
		return nil
	}
	b.open++
	s.number++
	return s
}

// give takes a socket back.
func (b *slab) give(s *socket) {
	*s = socket{slot: s.slot, number: s.number}
	b.free.Push(s.slot)
	b.open--
}

// find is the socket of a connection that the machine has; nil: it is gone.
func (b *slab) find(id shard.ConnID) *socket {
	slot := int(id & (maxSlots - 1))
	if id&polledConn == 0 || id.IsInProcess() || slot >= b.sockets.Len() {
		return nil
	}
	if s := b.sockets.At(slot); s.state == socketOpen && s.id() == id {
		return s
	}
	return nil
}

// each visits all sockets that are in use.
func (b *slab) each(visit func(*socket)) {
	for slot := range b.sockets.Len() {
		if s := b.sockets.At(slot); s.state != socketFree {
			visit(s)
		}
	}
}

func (s *socket) id() shard.ConnID {
	return polledConn | shard.ConnID(s.number<<slotBits)&(polledConn-1) | shard.ConnID(s.slot)
}
