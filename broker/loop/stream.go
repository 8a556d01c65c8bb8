package loop

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dormouse-mqtt/dormouse/broker/shard"
)

// A stream is one connection: a goroutine that reads it, one chunk at a time,
// and a writer that is there only while the peer does not take what we have.
type stream struct {
	id      shard.ConnID
	loop    *Loop
	info    *shard.ConnInfo
	conn    net.Conn
	onClose func()
	credits chan struct{} // one: the reader may go on
	ending  atomic.Bool   // what comes in is thrown away
	read    atomic.Bool   // the reader has ended

	paused bool // by the machine; the credit is held back
	owed   bool // a credit that is held back

	mu      sync.Mutex
	pending []byte // what the writer has not taken
	writing bool
	closing bool // once pending is written
	blocked bool // the machine was told
	tell    bool // it wants to know when nothing is pending
}

const (
	// chunk is how much one read takes, in octets.
	chunk = 16 << 10
	// highWater is how much may wait for a peer before the machine is told to
	// hold back, and the peer's own packets are not read any more.
	highWater = 64 << 10
	// lastWords is how long a peer may take to read what ends its connection.
	lastWords = 5 * time.Second
	// linger is how long we read, and throw away, after our last octet, so that
	// the peer gets it before it sees a reset.
	linger = time.Second
)

var chunks = sync.Pool{New: func() any { b := make([]byte, chunk); return &b }}

// AddConn hands a connection to the shard, which closes it in the end and then
// calls onClose. It returns false if the loop has ended.
func (l *Loop) AddConn(conn net.Conn, info *shard.ConnInfo, onClose func()) bool {
	id := l.nextConn()
	s := &stream{id: id, loop: l, info: info, conn: conn, onClose: onClose, credits: make(chan struct{}, 1)}
	if !l.employ(1, letter{event: shard.Event{Kind: shard.Opened, Conn: id, Info: info}, stream: s}) {
		conn.Close()
		onClose()
		return false
	}
	go s.readAll()
	return true
}

// readAll reads until the connection ends.
func (s *stream) readAll() {
	defer s.loop.workers.Done()
	defer s.onClose()
	err := s.readChunks()
	s.mu.Lock()
	s.read.Store(true)
	done := s.closing && !s.writing
	s.mu.Unlock()
	if done {
		s.conn.Close()
		return
	}
	s.loop.post(letter{event: shard.Event{Kind: shard.Closed, Conn: s.id, Err: err}})
}

func (s *stream) readChunks() error {
	for {
		buffer, n, err := readChunk(s.conn)
		if n > 0 && !s.ending.Load() {
			posted := s.loop.post(letter{
				event:  shard.Event{Kind: shard.Received, Conn: s.id, Data: (*buffer)[:n]},
				stream: s,
			})
			if !posted {
				return net.ErrClosed
			}
			<-s.credits
		} else if buffer != nil {
			chunks.Put(buffer)
		}
		if err != nil {
			return err
		}
		if n == 0 {
			return io.EOF
		}
	}
}

// handled takes the chunk back and lets the reader go on, unless the peer does
// not read what we have for it.
func (s *stream) handled(data []byte) {
	data = data[:cap(data)]
	chunks.Put(&data)
	s.owed = true
	s.pay()
}

// handedOver is handled for a stream that another shard has by now.
func (s *stream) handedOver(data []byte) {
	data = data[:cap(data)]
	chunks.Put(&data)
	s.credits <- struct{}{}
}

func (s *stream) pay() {
	if !s.owed || s.paused || s.isBlocked() && !s.ending.Load() {
		return
	}
	s.owed = false
	s.credits <- struct{}{}
}

func (s *stream) isBlocked() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.blocked
}

// send writes what the round left for the connection: at once, as far as the
// peer takes it, the rest by a writer.
func (s *stream) send(o *shard.Output) {
	switch o.Read {
	case shard.ReadPause:
		s.paused = true
	case shard.ReadResume:
		s.paused = false
		s.pay()
	}
	s.mu.Lock()
	data := o.Data
	if len(o.Large) > 0 {
		data = o.Octets(nil)
	}
	if !s.writing && !s.closing && len(data) > 0 {
		n, err := tryWrite(s.conn, data)
		if data = data[n:]; err != nil {
			data = nil // the reader finds out
		}
	}
	if !s.closing {
		s.pending = append(s.pending, data...)
	}
	s.closing = s.closing || o.Close
	if s.tell = s.tell || o.Tell; s.tell && !s.writing && len(s.pending) == 0 {
		s.tell = false
		s.loop.post(letter{event: shard.Event{Kind: shard.Drained, Conn: s.id}})
	}
	tell := !s.blocked && len(s.pending) > highWater
	s.blocked = s.blocked || tell
	if tell { // before a writer can say that it has drained it
		s.loop.post(letter{event: shard.Event{Kind: shard.Blocked, Conn: s.id}})
	}
	s.drive()
	s.mu.Unlock()
	if o.Close {
		delete(s.loop.streams, s.id)
		s.discard()
	}
}

// drive starts a writer if there is something to write, or closes. s.mu is held.
func (s *stream) drive() {
	switch {
	case s.writing:
		if s.closing { // the writer may be stuck already
			s.conn.SetWriteDeadline(time.Now().Add(lastWords))
		}
	case len(s.pending) > 0:
		s.writing = true
		if s.closing {
			s.conn.SetWriteDeadline(time.Now().Add(lastWords))
		}
		s.loop.workers.Add(1)
		go s.writeAll()
	case s.closing:
		s.hangUp()
	}
}

// writeAll writes until nothing is pending.
func (s *stream) writeAll() {
	defer s.loop.workers.Done()
	var spare []byte
	for {
		s.mu.Lock()
		if len(s.pending) == 0 {
			break
		}
		data := s.pending
		s.pending = spare[:0]
		s.mu.Unlock()
		_, err := s.conn.Write(data)
		if spare = data; err != nil {
			s.mu.Lock()
			s.pending = nil
			if s.closing { // its time is over, or it has gone: nothing to linger for
				s.conn.Close()
			}
			break
		}
	}
	s.writing = false
	s.pending = nil
	drained := s.blocked || s.tell
	s.blocked, s.tell = false, false
	s.drive()
	if drained {
		s.loop.post(letter{event: shard.Event{Kind: shard.Drained, Conn: s.id}, stream: s})
	}
	s.mu.Unlock()
}

// hangUp ends our half, so that the peer reads our last octets before it sees
// the end, and leaves the rest to the reader. s.mu is held.
func (s *stream) hangUp() {
	half, ok := s.conn.(interface{ CloseWrite() error })
	if s.read.Load() || !ok || half.CloseWrite() != nil {
		s.conn.Close()
		return
	}
	s.conn.SetReadDeadline(time.Now().Add(linger))
}

// discard has the reader throw away what still comes in.
func (s *stream) discard() {
	s.ending.Store(true)
	s.paused = false
	s.pay()
}

// end closes the connection within the given time, whatever the peer does.
func (s *stream) end(within time.Duration) {
	s.conn.SetReadDeadline(time.Now().Add(within))
	s.send(&shard.Output{Conn: s.id, Close: true})
	s.conn.SetWriteDeadline(time.Now().Add(within)) // not lastWords
}
