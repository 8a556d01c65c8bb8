package loop

import (
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/dormouse-mqtt/dormouse/broker/deadline"
	"github.com/dormouse-mqtt/dormouse/broker/shard"
)

// A rest is what few sockets have: output that the peer has not taken, and when a
// socket that is being closed is given up.
type rest struct {
	pieces [][]byte
	octets int
	ours   bool // the last piece is no one else's: it can be appended to
	tell   bool // the machine wants to know when nothing is left
	due    deadline.Item
	of     *socket
}

func (s *socket) own() *rest {
	if s.rest == nil {
		s.rest = &rest{of: s}
	}
	return s.rest
}

// maxVectors is how many pieces one system call writes.
const maxVectors = 64

// send writes what the round left for a connection, once; what the peer does not
// take waits. false: it is not a socket's.
func (p *epoll) send(o *shard.Output) bool {
	if o.Conn&polledConn == 0 || o.Conn.IsInProcess() {
		return false
	}
	s := p.find(o.Conn)
	if s == nil {
		return true
	}
	switch o.Read {
	case shard.ReadPause:
		s.paused = true
		p.watch(s)
	case shard.ReadResume:
		s.paused = false
		p.watch(s)
	}
	if o.Size() > 0 && !s.cut {
		p.write(s, o)
	}
	if o.Tell {
		if s.rest == nil || s.rest.octets == 0 {
			p.loop.post(letter{event: shard.Event{Kind: shard.Drained, Conn: o.Conn}})
		} else {
			s.rest.tell = true
		}
	}
	if o.Close {
		p.hangUp(s)
	}
	return true
}

func (p *epoll) write(s *socket, o *shard.Output) {
	taken := 0
	if s.rest == nil || s.rest.octets == 0 {
		var errno unix.Errno
		if len(o.Large) == 0 {
			taken, errno = writeNow(s.fd, o.Data)
		} else {
			taken, errno = p.writePieces(s.fd, o)
		}
		switch {
		case errno == 0 && taken == o.Size():
			return
		case errno != 0 && errno != unix.EAGAIN: // the reader finds out
			s.cut = true
			return
		}
		taken = max(taken, 0)
	}
	s.own().keep(o, taken)
	if s.rest.octets > highWater && !s.blocked {
		s.blocked = true
		p.loop.post(letter{event: shard.Event{Kind: shard.Blocked, Conn: o.Conn}})
	}
	p.watch(s)
}

// writePieces writes an output without copying what is large in it.
func (p *epoll) writePieces(fd int32, o *shard.Output) (int, unix.Errno) {
	p.vectors = p.vectors[:0]
	o.Pieces(func(b []byte) { p.vectors = appendVector(p.vectors, b) })
	n, errno := writevNow(fd, p.vectors)
	clear(p.vectors)
	return n, errno
}

func appendVector(v []unix.Iovec, b []byte) []unix.Iovec {
	if len(b) == 0 || len(v) == maxVectors {
		return v
	}
	v = append(v, unix.Iovec{Base: unsafe.SliceData(b)})
	v[len(v)-1].SetLen(len(b))
	return v
}

// keep keeps what is left of an output after taken octets: small pieces as a copy,
// large ones as they are.
func (r *rest) keep(o *shard.Output, taken int) {
	from := 0
	small := func(b []byte) {
		skip := min(taken, len(b))
		if taken -= skip; skip == len(b) {
			return
		}
		r.octets += len(b) - skip
		if !r.ours {
			r.pieces, r.ours = append(r.pieces, nil), true
		}
		last := &r.pieces[len(r.pieces)-1]
		*last = append(*last, b[skip:]...)
	}
	for _, large := range o.Large {
		small(o.Data[from:large.At])
		from = large.At
		skip := min(taken, len(large.Data))
		if taken -= skip; skip < len(large.Data) {
			r.octets += len(large.Data) - skip
			r.pieces, r.ours = append(r.pieces, large.Data[skip:]), false
		}
	}
	small(o.Data[from:])
}

// writable writes what waits.
func (p *epoll) writable(s *socket) {
	r := s.rest
	if r == nil || r.octets == 0 {
		return
	}
	p.vectors = p.vectors[:0]
	for _, b := range r.pieces {
		p.vectors = appendVector(p.vectors, b)
	}
	n, errno := writevNow(s.fd, p.vectors)
	clear(p.vectors)
	switch {
	case errno == unix.EAGAIN:
		return
	case errno != 0:
		p.cutOff(s)
		return
	}
	if r.drop(n); r.octets == 0 {
		p.drained(s)
	}
}

// cutOff drops what nobody will take. Whatever the peer has sent is still read.
func (p *epoll) cutOff(s *socket) {
	s.cut = true
	if s.rest != nil && s.rest.octets > 0 {
		s.rest.pieces, s.rest.octets, s.rest.ours = nil, 0, false
		p.drained(s)
	}
}

// drop takes n octets off the front.
func (r *rest) drop(n int) {
	r.octets -= n
	done := 0
	for n > 0 && n >= len(r.pieces[done]) {
		n -= len(r.pieces[done])
		r.pieces[done] = nil
		done++
	}
	r.pieces = r.pieces[done:]
	if n > 0 {
		r.pieces[0] = r.pieces[0][n:]
	}
	if len(r.pieces) == 0 {
		r.pieces, r.ours = nil, false
	}
}

// drained goes on after the peer has taken everything.
func (p *epoll) drained(s *socket) {
	if s.state == socketClosing {
		p.hangUp(s)
		return
	}
	tell := s.blocked || s.rest.tell
	s.blocked, s.rest = false, nil
	p.watch(s)
	if tell { // behind the letter that says Blocked
		p.loop.post(letter{event: shard.Event{Kind: shard.Drained, Conn: s.id()}})
	}
}
