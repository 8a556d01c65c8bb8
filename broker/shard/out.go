package shard

import (
	"github.com/dormouse-mqtt/dormouse/broker/store"
	"github.com/dormouse-mqtt/dormouse/radio"
)

// Out is what a round leaves: octets for connections, datagrams, writes for the
// store, and what in-process connections are to be told. It belongs to its
// shard and is used again in every round.
type Out struct {
	// Batch is what this round writes.
	Batch store.Batch
	// Wake tells in-process connections; the composition drains it before the
	// round ends.
	Wake []Wake
	// Posts are for other shards, after the batch was submitted.
	Posts []Post
	// Moves are connections that go to other shards.
	Moves []Move
	// Relays are datagrams for the nodes of other shards.
	Relays []Relay
	// Reads are for the store, behind the batch.
	Reads []store.ReadRequest
	// Notes are for the log.
	Notes []Note

	outputs   []Output
	kept      int // octets that the outputs' buffers hold
	datagrams []Outgoing
	packets   []byte // the data of datagrams
	round     Mark
	event     uint64 // which of the shard's events is being handled
	journal   []touched
	base      base

	submitted []submitted  // rounds whose tickets are under way
	backlog   Backlog      // of what they wrote
	follow    store.Ticket // this round is durable no earlier than that
	followed  Backlog      // what was submitted apart from its batch
	committed store.Ticket
	durable   Mark
}

// An Output is what one connection gets at the end of the round.
type Output struct {
	Conn  ConnID
	Data  []byte
	Large []Large // what is not copied into Data
	Close bool    // after Data
	Tell  bool    // have Drained told once all of it was taken
	Read  ReadControl

	event    uint64
	attached int // octets of Large
	kept     int // of Data, when the round began
}

// Large octets are shared by all who get them, and never changed.
type Large struct {
	At   int // in Data, where they come
	Data []byte
}

// Attach appends octets that never change from here on, without a copy.
func (o *Output) Attach(data []byte) {
	o.Large = append(o.Large, Large{len(o.Data), data})
	o.attached += len(data)
}

// Size is how many octets the output has.
func (o *Output) Size() int { return len(o.Data) + o.attached }

// Pieces visits the octets of the output in their order.
func (o *Output) Pieces(visit func([]byte)) {
	from := 0
	for _, l := range o.Large {
		visit(o.Data[from:l.At])
		visit(l.Data)
		from = l.At
	}
	visit(o.Data[from:])
}

// Octets appends all octets of the output to b, in their order.
func (o *Output) Octets(b []byte) []byte {
	o.Pieces(func(piece []byte) { b = append(b, piece...) })
	return b
}

// ReadControl says whether a connection's input goes on being read.
type ReadControl uint8

// Reading goes on by itself until it is paused.
const (
	ReadUnchanged ReadControl = iota
	ReadPause
	ReadResume
)

// A Dest is where a core keeps the place of a connection's output, so that
// finding it again within a round costs a comparison.
type Dest struct {
	ID    ConnID
	round Mark
	slot  int
}

// An Outgoing datagram.
type Outgoing struct {
	Link      LinkID
	To, Local radio.Addr
	Data      []byte
	from, end int
}

type touched struct {
	slot, size, large int
	close, tell       bool
	read              ReadControl
}

type base struct{ outputs, datagrams, packets, batch, wake, posts, moves, relays, reads int }

type submitted struct {
	round  Mark
	ticket store.Ticket
	wrote  Backlog
}

// A Backlog is what the store was given and has not committed.
type Backlog struct{ Octets, Records int }

// Backlog is what the store has not committed, this round's batch included.
func (o *Out) Backlog() Backlog {
	return Backlog{
		o.backlog.Octets + o.followed.Octets + o.Batch.Size(),
		o.backlog.Records + o.followed.Records + o.Batch.Len(),
	}
}

// To gives the output of a connection in this round, to append to.
func (o *Out) To(d *Dest) *Output {
	if d.round != o.round || d.slot >= len(o.outputs) || o.outputs[d.slot].Conn != d.ID {
		d.round, d.slot = o.round, len(o.outputs)
		if d.slot < cap(o.outputs) { // the slot's buffer serves again
			o.outputs = o.outputs[:d.slot+1]
			o.outputs[d.slot].begin(d.ID)
		} else {
			o.outputs = append(o.outputs, Output{Conn: d.ID})
		}
		out := &o.outputs[d.slot]
		out.event = o.event // a rollback takes it away as a whole
		return out
	}
	out := &o.outputs[d.slot]
	if out.event != o.event {
		o.journal = append(o.journal, touched{d.slot, len(out.Data), len(out.Large), out.Close, out.Tell, out.Read})
		out.event = o.event
	}
	return out
}

// begin has an output serve again. Its fields are set one by one: to write the
// slices anew would cost more than all the rest.
func (o *Output) begin(id ConnID) {
	o.Conn, o.Close, o.Tell, o.Read, o.attached = id, false, false, ReadUnchanged, 0
	o.Data, o.Large = o.Data[:0], o.Large[:0]
}

// Pending is how many octets a connection's output has in this round.
func (o *Out) Pending(d *Dest) int {
	if d.round != o.round || d.slot >= len(o.outputs) || o.outputs[d.slot].Conn != d.ID {
		return 0
	}
	return o.outputs[d.slot].Size()
}

// Datagram sends data, which is copied, by a link. local is the own address that
// the peer knows, zero for any.
func (o *Out) Datagram(link LinkID, to, local radio.Addr, data []byte) {
	from := len(o.packets)
	o.packets = append(o.packets, data...)
	o.datagrams = append(o.datagrams, Outgoing{Link: link, To: to, Local: local, from: from, end: len(o.packets)})
}

// Mark is this round's: it is durable when what the round writes is.
func (o *Out) Mark() Mark { return o.round }

// Durable is the newest mark that is.
func (o *Out) Durable() Mark { return o.durable }

// BeginRound starts the first or the next round. All that the last one left is
// forgotten; its buffers serve again.
func (o *Out) BeginRound() {
	o.round++
	o.event++
	o.Batch.Reset()
	o.Wake = o.Wake[:0]
	clear(o.Posts)
	o.Posts = o.Posts[:0]
	clear(o.Moves)
	o.Moves = o.Moves[:0]
	clear(o.Relays)
	o.Relays = o.Relays[:0]
	clear(o.Reads)
	o.Reads = o.Reads[:0]
	o.follow, o.followed = 0, Backlog{}
	o.Notes = o.Notes[:0]
	for i := range o.outputs {
		x := &o.outputs[i]
		o.kept -= x.kept
		if x.kept = cap(x.Data); o.kept+x.kept > keepOutputs {
			x.Data, x.kept = nil, 0
		}
		o.kept += x.kept
		clear(x.Large)
	}
	o.outputs = o.outputs[:0]
	o.datagrams = o.datagrams[:0]
	o.packets = o.packets[:0]
	if cap(o.packets) > keepPackets {
		o.packets = nil
	}
	o.BeginEvent()
}

// What a round's buffers may hold on to, in octets.
const (
	keepOutputs = 4 << 20 // of all connections
	keepPackets = 1 << 20
)

// BeginEvent remembers where the round stands, for Rollback.
func (o *Out) BeginEvent() {
	o.event++
	o.journal = o.journal[:0]
	o.base = base{len(o.outputs), len(o.datagrams), len(o.packets), o.Batch.Size(), len(o.Wake), len(o.Posts), len(o.Moves), len(o.Relays), len(o.Reads)}
}

// Rollback undoes what was left since BeginEvent: the event panicked (L15).
func (o *Out) Rollback() {
	for _, t := range o.journal {
		o.outputs[t.slot].undo(t)
	}
	o.journal = o.journal[:0]
	o.event++ // what is touched from here on can be rolled back again
	for i := o.base.outputs; i < len(o.outputs); i++ {
		clear(o.outputs[i].Large)
	}
	o.outputs = o.outputs[:o.base.outputs]
	o.datagrams = o.datagrams[:o.base.datagrams]
	o.packets = o.packets[:o.base.packets]
	o.Batch.Truncate(o.base.batch)
	o.Wake = o.Wake[:o.base.wake]
	o.Posts = o.Posts[:o.base.posts]
	o.Moves = o.Moves[:o.base.moves]
	o.Relays = o.Relays[:o.base.relays]
	o.Reads = o.Reads[:o.base.reads]
}

func (o *Output) undo(t touched) {
	for _, l := range o.Large[t.large:] {
		o.attached -= len(l.Data)
	}
	clear(o.Large[t.large:])
	o.Data, o.Large = o.Data[:t.size], o.Large[:t.large]
	o.Close, o.Tell, o.Read = t.close, t.tell, t.read
}

// Follow has this round's mark wait for a ticket that another has: what the
// round says depends on it. wrote is what was submitted with it on this round's
// account.
func (o *Out) Follow(t store.Ticket, wrote Backlog) {
	o.follow = max(o.follow, t)
	o.followed.Octets += wrote.Octets
	o.followed.Records += wrote.Records
}

// Submit hands the round's batch, if there is one, to the store, and notes its
// ticket.
func (o *Out) Submit(submit func(*store.Batch) store.Ticket) {
	t := o.follow
	if !o.Batch.Empty() {
		t = max(t, submit(&o.Batch))
	}
	if t == 0 {
		return
	}
	t = max(t, o.Ticket())
	if t <= o.committed {
		o.durable = o.round
		return
	}
	wrote := Backlog{o.followed.Octets + o.Batch.Size(), o.followed.Records + o.Batch.Len()}
	o.followed = Backlog{}
	o.submitted = append(o.submitted, submitted{o.round, t, wrote})
	o.backlog.Octets += wrote.Octets
	o.backlog.Records += wrote.Records
	o.Batch.Reset() // it is counted
}

// Ticket is what is posted in this round waits for: that of the newest
// submission that is not durable.
func (o *Out) Ticket() store.Ticket {
	if n := len(o.submitted); n > 0 {
		return o.submitted[n-1].ticket
	}
	return 0
}

// Committed notes that all up to t is durable.
func (o *Out) Committed(t store.Ticket) {
	o.committed = max(o.committed, t)
	n := 0
	for n < len(o.submitted) && o.submitted[n].ticket <= t {
		o.durable = o.submitted[n].round
		o.backlog.Octets -= o.submitted[n].wrote.Octets
		o.backlog.Records -= o.submitted[n].wrote.Records
		n++
	}
	o.submitted = o.submitted[:copy(o.submitted, o.submitted[n:])]
}

// Outputs is what connections get, in the order in which they were touched.
func (o *Out) Outputs() []Output { return o.outputs }

// Outgoing is the round's datagrams in order.
func (o *Out) Outgoing() []Outgoing {
	for i := range o.datagrams {
		d := &o.datagrams[i]
		d.Data = o.packets[d.from:d.end]
	}
	return o.datagrams
}
