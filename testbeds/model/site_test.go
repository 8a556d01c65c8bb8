package model

import (
	"fmt"
	"maps"
	"slices"
	"time"

	broker "github.com/dormouse-mqtt/dormouse/broker/core"
	"github.com/dormouse-mqtt/dormouse/broker/mqtt"
	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/broker/store"
	gateway "github.com/dormouse-mqtt/dormouse/gateway/core"
	"github.com/dormouse-mqtt/dormouse/gateway/local"
	"github.com/dormouse-mqtt/dormouse/mqttsn"
	"github.com/dormouse-mqtt/dormouse/radio"
)

// A site is the machines of one process over a disk, on a perfect network: what
// they have for each other arrives, in order, before an operation is over.
type site struct {
	now       shard.Time    // of the process
	wall      time.Duration // at its time zero
	disk      map[string][]byte
	pending   [][]store.Op // submitted, not durable
	submitted store.Ticket
	committed store.Ticket
	machines  []*local.Machine
	outs      []shard.Out
	inbox     [][]shard.Event
	home      map[shard.ConnID]int
	info      shard.ConnInfo
	said      []said
}

// said is what a client or a node was told, and what was durable by then.
type said struct {
	conn      shard.ConnID // zero: a datagram
	to        radio.Addr
	packet    mqtt.Packet
	datagram  mqttsn.Packet
	closed    bool
	committed store.Ticket
}

const theLink = 1

var linkInfo = shard.LinkInfo{
	Listener: "mqttsn://site", MTU: 1000, MaxPacket: 1000, MaxClients: 1000, Anonymous: shard.AnonymousOn,
	Retry: 10 * time.Second, Retries: 3, AwakeRetry: time.Second,
}

func newSite(shards int) *site {
	s := &site{
		wall: 1e6*time.Hour - boot, disk: map[string][]byte{},
		info:     shard.ConnInfo{ListenerInfo: &shard.ListenerInfo{Listener: "mqtt://site", Anonymous: shard.AnonymousOn, MaxPacket: 1 << 20}},
		machines: make([]*local.Machine, shards),
	}
	s.start()
	return s
}

// boot is how long a process has run when it is ready.
const boot = time.Millisecond

// start begins a process with what is on the disk.
func (s *site) start() {
	n := len(s.machines)
	s.now, s.pending, s.submitted, s.committed = boot, nil, 0, 0
	s.outs, s.inbox, s.home = make([]shard.Out, n), make([][]shard.Event, n), map[shard.ConnID]int{}
	directory, places := broker.NewDirectory(s.submit), &gateway.PlaceTable{}
	cores := make([]*broker.Core, n)
	for i := range cores {
		cores[i] = broker.New(directory, broker.Options{Shard: i, Shards: n})
		o := gateway.Options{Shard: i, Shards: n}
		if n > 1 {
			o.Places = places
		}
		s.machines[i] = local.New(cores[i], o)
	}
	l := broker.NewLoader(cores, s.wall)
	for _, k := range slices.Sorted(maps.Keys(s.disk)) {
		if err := l.Visit([]byte(k), s.disk[k]); err != nil {
			panic(err)
		}
	}
	if l.Damaged > 0 {
		panic(fmt.Sprintf("%d values are damaged", l.Damaged))
	}
	s.outs[0].BeginRound()
	l.Finish(&s.outs[0])
	s.outs[0].Submit(s.submit)
	s.commit(s.submitted)
	s.tell(shard.Event{Kind: shard.Wall, Offset: s.wall})
	info := linkInfo
	s.tell(shard.Event{Kind: shard.LinkUp, Link: theLink, LinkInfo: &info})
	s.settle()
}

// crash ends the process. What was submitted up to the ticket reaches the disk.
// The next one is ready after an outage, of boot at least.
func (s *site) crash(kept store.Ticket, outage time.Duration) {
	s.write(kept)
	s.wall += s.now + outage - boot
	s.start()
}

func (s *site) submit(b *store.Batch) store.Ticket {
	var ops []store.Op
	b.Each(func(op store.Op) {
		ops = append(ops, store.Op{Kind: op.Kind, Key: slices.Clone(op.Key), Value: slices.Clone(op.Value)})
	})
	s.pending = append(s.pending, ops)
	s.submitted++
	return s.submitted
}

// write brings to the disk what was submitted up to the ticket.
func (s *site) write(to store.Ticket) {
	for ; s.committed < to; s.committed++ {
		for _, op := range s.pending[0] {
			switch op.Kind {
			case store.Put:
				s.disk[string(op.Key)] = op.Value
			case store.Delete:
				delete(s.disk, string(op.Key))
			case store.DeleteRange:
				maps.DeleteFunc(s.disk, func(k string, _ []byte) bool { return k >= string(op.Key) && k < string(op.Value) })
			}
		}
		s.pending = s.pending[1:]
	}
}

// commit is write that tells the machines.
func (s *site) commit(to store.Ticket) {
	s.write(to)
	s.tell(shard.Event{Kind: shard.Stored, Store: store.Event{Kind: store.Committed, Ticket: to}})
	s.settle()
}

// commitAll goes on until nothing waits for the store.
func (s *site) commitAll() {
	for s.committed < s.submitted {
		s.commit(s.submitted)
	}
}

func (s *site) tell(ev shard.Event) {
	for i := range s.inbox {
		s.inbox[i] = append(s.inbox[i], ev)
	}
}

// settle runs rounds until all is quiet.
func (s *site) settle() {
	for rounds, again := 0, true; again; rounds++ {
		if rounds > 10_000 {
			panic("the machines do not come to rest")
		}
		again = false
		for i, m := range s.machines {
			if at, ok := m.Deadline(); len(s.inbox[i]) > 0 || ok && at <= s.now {
				s.round(i)
				again = true
			}
		}
	}
}

func (s *site) round(i int) {
	m, out, events := s.machines[i], &s.outs[i], s.inbox[i]
	s.inbox[i] = nil
	out.BeginRound()
	for _, ev := range events {
		if ev.Kind == shard.Stored {
			out.Committed(ev.Store.Ticket)
		}
	}
	for _, ev := range events {
		out.BeginEvent()
		m.Handle(s.now, ev, out)
	}
	if at, ok := m.Deadline(); ok && at <= s.now {
		m.Advance(s.now, out)
	}
	out.Submit(s.submit)
	for _, p := range out.Posts {
		to := p.To.Shard()
		s.inbox[to] = append(s.inbox[to], shard.Event{Kind: shard.Posted, Posts: []shard.Post{p}})
	}
	for _, v := range out.Moves {
		s.home[v.Conn] = v.To
		s.inbox[v.To] = append(s.inbox[v.To], shard.Event{Kind: shard.Opened, Conn: v.Conn, Info: &s.info},
			shard.Event{Kind: shard.Received, Conn: v.Conn, Data: slices.Clone(v.Data)})
	}
	for _, r := range out.Relays {
		d := radio.Datagram{Addr: r.Addr, Local: r.Local, Data: slices.Clone(r.Data)}
		s.inbox[r.To] = append(s.inbox[r.To], shard.Event{Kind: r.Kind, Link: r.Link, Batch: []radio.Datagram{d}, Relayed: true})
	}
	s.collect(out)
}

// collect decodes what a round has for the clients. Each Output has whole packets.
func (s *site) collect(out *shard.Out) {
	for _, o := range out.Outputs() {
		for data := o.Octets(nil); len(data) > 0; {
			n, err := mqtt.Frame(data, 0)
			if err != nil || n == 0 {
				panic(fmt.Sprint("broken packet: ", data, err))
			}
			s.said = append(s.said, said{conn: o.Conn, packet: nil, committed: s.committed})
			s.said[len(s.said)-1].packet = decode(data[:n], s.version(o.Conn))
			data = data[n:]
		}
		if o.Tell {
			s.conn(o.Conn, shard.Event{Kind: shard.Drained})
		}
		if o.Close {
			s.said = append(s.said, said{conn: o.Conn, closed: true, committed: s.committed})
		}
	}
	for _, d := range out.Outgoing() {
		var dec mqttsn.Decoder
		p, surplus, err := dec.Decode(slices.Clone(d.Data))
		if err != nil || surplus > 0 {
			panic(fmt.Sprint("broken datagram: ", d.Data, err))
		}
		s.said = append(s.said, said{to: d.To, datagram: p, committed: s.committed})
	}
}

func decode(data []byte, v mqtt.Version) mqtt.Packet {
	d := mqtt.Decoder{From: mqtt.FromServer}
	p, err := d.Decode(data, v)
	if err != nil {
		panic(err)
	}
	return p
}

// version is coded into the number of a connection.
func (s *site) version(id shard.ConnID) mqtt.Version {
	if id%2 == 1 {
		return mqtt.V5
	}
	return mqtt.V311
}

// take is what was said since the last call.
func (s *site) take() []said {
	all := s.said
	s.said = nil
	return all
}

func (s *site) dial(id shard.ConnID) {
	s.home[id] = int(id/2) % len(s.machines)
	s.conn(id, shard.Event{Kind: shard.Opened, Info: &s.info})
}

func (s *site) send(id shard.ConnID, p mqtt.Packet) {
	s.conn(id, shard.Event{Kind: shard.Received, Data: p.AppendTo(nil, s.version(id))})
	s.settle()
}

func (s *site) conn(id shard.ConnID, ev shard.Event) {
	ev.Conn = id
	s.inbox[s.home[id]] = append(s.inbox[s.home[id]], ev)
}

// datagram comes in at one of the shards.
func (s *site) datagram(at int, from radio.Addr, p mqttsn.Packet) {
	i := at % len(s.machines)
	d := radio.Datagram{Addr: from, Data: p.AppendTo(nil)}
	s.inbox[i] = append(s.inbox[i], shard.Event{Kind: shard.Datagrams, Link: theLink, Batch: []radio.Datagram{d}})
	s.settle()
}

// pass lets time pass, and the store and the nodes keep up.
func (s *site) pass(d time.Duration, listen func()) {
	for end := s.now + d; ; {
		for listen(); s.committed < s.submitted; listen() {
			s.commitAll()
		}
		next, some := end, false
		for _, m := range s.machines {
			if at, ok := m.Deadline(); ok && at < next {
				next, some = at, true
			}
		}
		s.now = max(s.now, next)
		s.settle()
		if !some {
			listen()
			return
		}
	}
}
