package world

import (
	"io"
	"net/netip"
	"slices"

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

	world  *World
	end    Endpoint
	conn   shard.ConnID
	up     shard.Time // when the last octets to the server arrive
	down   shard.Time // when the last octets to the client do
	gone   bool       // the server has closed it, or knows that it is closed
	paused bool
	held   []byte // arrived while the server does not read
}

// Dial opens a stream.
func (w *World) Dial(name string, end Endpoint) *Stream {
	s := &Stream{Name: name, world: w, end: end, conn: shard.ConnID(len(w.streams) + 1)}
	w.streams[s.conn] = s
	info := &shard.ConnInfo{
		Remote:   netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(s.conn)),
		Listener: "mqtt://world", Anonymous: shard.AnonymousOn, MaxPacket: 1 << 20,
	}
	s.toServer(func() { w.deliver(shard.Event{Kind: shard.Opened, Conn: s.conn, Info: info}) })
	return s
}

// Send sends whole packets.
func (s *Stream) Send(data []byte) {
	for _, text := range s.end.Describe(data, true) {
		s.world.log(Entry{From: s.Name, To: "gw", Text: text})
	}
	s.world.pieces(data, func(piece []byte) { s.toServer(func() { s.arrived(piece) }) })
}

// Close closes the stream from the client's side.
func (s *Stream) Close() {
	s.world.log(Entry{From: s.Name, To: "gw", Text: "close"})
	s.toServer(func() {
		if !s.gone {
			s.gone = true
			s.world.deliver(shard.Event{Kind: shard.Closed, Conn: s.conn, Err: io.EOF})
		}
	})
}

func (s *Stream) arrived(data []byte) {
	switch {
	case s.gone:
	case s.paused:
		s.held = append(s.held, data...)
	default:
		s.world.deliver(shard.Event{Kind: shard.Received, Conn: s.conn, Data: data})
	}
}

// take takes what the machine has for the client.
func (s *Stream) take(o *shard.Output) {
	for _, text := range s.end.Describe(o.Data, false) {
		s.world.log(Entry{From: "gw", To: s.Name, Text: text})
	}
	s.world.pieces(o.Data, func(piece []byte) { s.toClient(func() { s.end.Receive(piece) }) })
	switch o.Read {
	case shard.ReadPause:
		s.paused = true
	case shard.ReadResume:
		held := s.held
		s.paused, s.held = false, nil
		if len(held) > 0 {
			s.world.After(0, func() { s.arrived(held) })
		}
	}
	if o.Close && !s.gone {
		s.gone = true
		s.world.log(Entry{From: "gw", To: s.Name, Text: "close"})
		s.toClient(s.end.Closed)
	}
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
