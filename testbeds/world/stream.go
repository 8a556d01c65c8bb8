package world

import (
	"io"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"github.com/dormouse-mqtt/dormouse/broker/shard"
)

// An Endpoint is the client's end of a Stream.
type Endpoint interface {
	// Receive takes octets as they come.
	Receive(data []byte)
	// Closed tells that the server closed the stream, or took its close.
	Closed()
	// Describe says for the trace what whole packets say, a line for each.
	Describe(data []byte, toServer bool) []string
}

// A Stream is a connection to the broker as TCP would be one: late, in order,
// in pieces.
type Stream struct {
	Name string

	world   *World
	process *process // that has its other end
	loop    *loop    // of that; it changes when the stream moves (L11)
	end     Endpoint
	conn    shard.ConnID
	info    *shard.ConnInfo
	up      shard.Time // when the last octets to the server arrive
	down    shard.Time // when the last octets to the client do
	gone    bool       // the server has closed it, or knows that it is closed
	paused  bool
	moving  bool   // to another shard
	busy    bool   // what was read is not handled yet: one piece at a time
	held    []byte // arrived while the server does not read
	closing bool   // the client has closed it, which the server reads last
	stuck   bool   // the client does not read for the time being
	unread  []byte // by it
	blocked bool   // that is too much, and the server was told
	tell    bool   // it wants to know when nothing is unread
	cut     bool   // nothing comes to the client any more but the end
	ended   bool   // that has come
	broken  bool   // the server is gone, which the client finds out by sending
}

// Dial opens a stream, which shards accept in turn.
func (w *World) Dial(name string, end Endpoint) *Stream {
	w.lastConn++
	s := &Stream{Name: name, world: w, process: w.process, end: end, conn: w.lastConn}
	if !w.Up() { // nobody listens
		s.refused()
		return s
	}
	s.process.streams[s.conn] = s
	s.loop = s.process.shards[int(s.conn)%len(s.process.shards)]
	s.info = &shard.ConnInfo{
		Remote:       netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(s.conn)),
		ListenerInfo: &shard.ListenerInfo{Listener: "mqtt://world", Anonymous: shard.AnonymousOn, MaxPacket: 1 << 20},
	}
	s.toServer(func() { s.deliver(shard.Event{Kind: shard.Opened, Conn: s.conn, Info: s.info}) })
	return s
}

// refused ends a stream that nobody takes.
func (s *Stream) refused() {
	s.gone = true
	s.toClient(s.finish)
}

// breakOff is what becomes of the stream in a crash of the server: of what is on
// its way to the client some arrives, and the client is told of the end, or
// finds out when it sends.
func (s *Stream) breakOff(random *rand.Rand) {
	s.gone = true
	s.stuck, s.unread = false, nil
	s.cut = random.IntN(2) == 0
	if random.IntN(2) == 0 {
		s.broken = true
		return
	}
	s.down += time.Duration(random.Int64N(int64(2 * time.Second)))
	s.toClient(s.finish)
}

// finish tells the client, once, that the stream has ended.
func (s *Stream) finish() {
	if !s.ended {
		s.ended = true
		s.end.Closed()
	}
}

// Send sends whole packets.
func (s *Stream) Send(data []byte) {
	s.world.logPacket(s.Name, "gw", data)
	s.describe(s.Name, "gw", data, true)
	if s.broken {
		s.broken = false
		s.toClient(s.finish)
	}
	s.world.pieces(data, func(piece []byte) { s.toServer(func() { s.arrived(piece) }) })
}

// describe tells the trace's reader of packets.
func (s *Stream) describe(from, to string, data []byte, toServer bool) {
	if s.world.options.Quiet {
		return
	}
	for _, text := range s.end.Describe(data, toServer) {
		s.world.tell(func() Entry { return Entry{From: from, To: to, Text: text} })
	}
}

// Close closes the stream from the client's side.
func (s *Stream) Close() {
	s.world.log(Entry{From: s.Name, To: "gw", Text: "close"})
	s.ended = true
	s.toServer(func() {
		s.closing = true
		s.read()
	})
}

func (s *Stream) deliver(ev shard.Event) {
	if s.process == s.world.process {
		s.loop.deliver(ev)
	}
}

func (s *Stream) arrived(data []byte) {
	s.held = append(s.held, data...)
	s.read()
}

// read lets the server have what has arrived, if it reads.
func (s *Stream) read() {
	switch {
	case s.gone || s.paused || s.blocked || s.moving || s.busy:
	case len(s.held) > 0:
		data := s.held
		s.held, s.busy = nil, true
		s.deliver(shard.Event{Kind: shard.Received, Conn: s.conn, Data: data})
	case s.closing:
		s.gone = true
		s.deliver(shard.Event{Kind: shard.Closed, Conn: s.conn, Err: io.EOF})
		delete(s.process.streams, s.conn)
	}
}

// handled lets the server read on.
func (s *Stream) handled() {
	s.busy = false
	s.read()
}

// move brings the stream to another shard: it is opened there, with what was
// read from it already. What arrives meanwhile waits.
func (s *Stream) move(to *loop, read []byte) {
	s.moving = true
	s.process.post(s.loop, to, func() {
		s.loop, s.moving, s.busy = to, false, true
		s.deliver(shard.Event{Kind: shard.Opened, Conn: s.conn, Info: s.info})
		s.deliver(shard.Event{Kind: shard.Received, Conn: s.conn, Data: read})
	})
}

// take takes what the machine has for the client.
func (s *Stream) take(o *shard.Output) {
	octets := o.Octets(nil)
	s.world.logPacket("gw", s.Name, octets)
	s.describe("gw", s.Name, octets, false)
	s.unread = append(s.unread, octets...)
	s.tell = s.tell || o.Tell
	if s.stuck && !o.Close {
		s.fill()
	} else {
		s.drain()
	}
	switch o.Read {
	case shard.ReadPause:
		s.paused = true
	case shard.ReadResume:
		s.paused = false
		s.world.After(0, s.read)
	}
	if o.Close && !s.gone {
		s.gone = true
		delete(s.process.streams, s.conn)
		s.world.log(Entry{From: "gw", To: s.Name, Text: "close"})
		s.toClient(s.finish)
	}
}

// fill has the server know that its client does not read.
func (s *Stream) fill() {
	if !s.blocked && len(s.unread) > s.world.options.Broker.MaxOutput {
		s.blocked = true
		s.deliver(shard.Event{Kind: shard.Blocked, Conn: s.conn})
	}
}

// drain sends what was not read.
func (s *Stream) drain() {
	s.world.pieces(s.unread, func(piece []byte) {
		s.toClient(func() {
			if !s.cut && !s.ended {
				s.end.Receive(piece)
			}
		})
	})
	s.unread = nil
	if s.tell || s.blocked {
		s.tell, s.blocked = false, false
		s.world.After(0, func() {
			s.deliver(shard.Event{Kind: shard.Drained, Conn: s.conn})
			s.read()
		})
	}
}

// Stall has the client not read for d.
func (s *Stream) Stall(d time.Duration) {
	if s.stuck || s.gone {
		return
	}
	s.stuck = true
	s.world.After(d, func() {
		if s.stuck {
			s.stuck = false
			s.drain()
		}
	})
}

func (s *Stream) toServer(f func()) {
	s.up = max(s.up, s.world.now+s.world.draw(s.world.options.Stream))
	s.world.at(s.up, f)
}

func (s *Stream) toClient(f func()) {
	s.down = max(s.down, s.world.now+s.world.draw(s.world.options.Stream))
	s.world.at(s.down, f)
}

// pieces cuts a copy of data if streams are to come in pieces.
func (w *World) pieces(data []byte, visit func([]byte)) {
	data = slices.Clone(data)
	for w.options.Split && len(data) > 1 && w.chance(0.5) {
		n := 1 + w.random.IntN(len(data)-1)
		visit(data[:n:n])
		data = data[n:]
	}
	if len(data) > 0 {
		visit(data)
	}
}
