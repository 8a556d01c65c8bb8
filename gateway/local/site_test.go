package local_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	broker "github.com/dormouse-mqtt/dormouse/broker/core"
	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/broker/store"
	gateway "github.com/dormouse-mqtt/dormouse/gateway/core"
	"github.com/dormouse-mqtt/dormouse/gateway/local"
	"github.com/dormouse-mqtt/dormouse/mqttsn"
	"github.com/dormouse-mqtt/dormouse/radio"
)

// A site is a machine over a disk, which may crash. Time passes when the test
// says so.
type site struct {
	t       *testing.T
	now     shard.Time    // of the process
	wall    time.Duration // at its time zero
	disk    map[string][]byte
	pending [][]store.Op // submitted, not durable
	tickets store.Ticket // submitted
	out     shard.Out
	machine *local.Machine
	link    *shard.LinkInfo
	noLink  bool // the link does not come up by itself

	// What the machine has for the others.
	datagrams func(to radio.Addr, data []byte)
	octets    func(o *shard.Output)
}

const listener = "mqttsn://site"

func newSite(t *testing.T) *site {
	s := &site{
		t: t, disk: map[string][]byte{}, wall: 1e6 * time.Hour,
		link: &shard.LinkInfo{
			Listener: listener, MTU: 1000, MaxPacket: 1000, MaxClients: 1 << 20, Anonymous: shard.AnonymousOn,
			Forwarders: true, Retry: 10 * time.Second, Retries: 3, AwakeRetry: time.Second,
		},
		datagrams: func(radio.Addr, []byte) {}, octets: func(*shard.Output) {},
	}
	s.start()
	return s
}

// start begins a process with what is on the disk.
func (s *site) start() {
	s.now, s.tickets, s.pending, s.out = 0, 0, nil, shard.Out{}
	c := broker.New(broker.NewDirectory(s.submit), broker.Options{})
	l := broker.NewLoader([]*broker.Core{c}, s.wall)
	for _, k := range slices.Sorted(maps.Keys(s.disk)) {
		require.NoError(s.t, l.Visit([]byte(k), s.disk[k]))
	}
	require.Zero(s.t, l.Damaged)
	s.out.BeginRound()
	l.Finish(&s.out)
	s.out.Submit(s.submit)
	s.apply(len(s.pending))
	s.machine = local.New(c, gateway.Options{})
	s.event(shard.Event{Kind: shard.Wall, Offset: s.wall})
	if !s.noLink {
		s.linkUp()
	}
}

func (s *site) linkUp() {
	s.event(shard.Event{Kind: shard.LinkUp, Link: link, LinkInfo: s.link})
}

// crash ends the process. Of what was submitted the oldest kept batches reach
// the disk. The next one begins after outage.
func (s *site) crash(kept int, outage time.Duration) {
	s.apply(kept)
	s.wall += s.now + outage
	s.start()
}

func (s *site) submit(b *store.Batch) store.Ticket {
	var ops []store.Op
	b.Each(func(op store.Op) {
		ops = append(ops, store.Op{Kind: op.Kind, Key: slices.Clone(op.Key), Value: slices.Clone(op.Value)})
	})
	s.pending = append(s.pending, ops)
	s.tickets++
	return s.tickets
}

// apply brings the oldest n batches to the disk.
func (s *site) apply(n int) {
	for _, op := range slices.Concat(s.pending[:n]...) {
		switch op.Kind {
		case store.Put:
			s.disk[string(op.Key)] = op.Value
		case store.Delete:
			delete(s.disk, string(op.Key))
		case store.DeleteRange:
			maps.DeleteFunc(s.disk, func(k string, _ []byte) bool { return k >= string(op.Key) && k < string(op.Value) })
		}
	}
	s.pending = s.pending[n:]
}

// commit makes durable all that was submitted, and tells the machine.
func (s *site) commit() {
	for len(s.pending) > 0 {
		s.apply(len(s.pending))
		s.event(shard.Event{Kind: shard.Stored, Store: store.Event{Kind: store.Committed, Ticket: s.tickets}})
	}
}

// event is a round of one event.
func (s *site) event(ev shard.Event) {
	s.round(func() {
		if ev.Kind == shard.Stored {
			s.out.Committed(ev.Store.Ticket)
		}
		s.machine.Handle(s.now, ev, &s.out)
	})
}

func (s *site) round(handle func()) {
	s.out.BeginRound()
	s.out.BeginEvent()
	handle()
	if at, ok := s.machine.Deadline(); ok && at <= s.now {
		s.machine.Advance(s.now, &s.out)
	}
	s.out.Submit(s.submit)
	for i := range s.out.Outputs() {
		s.octets(&s.out.Outputs()[i])
	}
	for _, d := range s.out.Outgoing() {
		s.datagrams(d.To, slices.Clone(d.Data))
	}
}

// run lets time pass, and the store keep up.
func (s *site) run(d time.Duration) {
	for end := s.now + d; ; {
		s.commit()
		at, ok := s.machine.Deadline()
		if !ok || at > end {
			s.now = end
			return
		}
		s.now = max(s.now, at)
		s.round(func() {})
	}
}

func (s *site) datagram(from radio.Addr, data []byte) {
	s.event(shard.Event{Kind: shard.Datagrams, Link: link, Batch: []radio.Datagram{{Addr: from, Data: data}}})
}

// A handset is a node by hand: it says what the test says, and keeps what it
// hears.
type handset struct {
	s     *site
	addr  radio.Addr
	heard []mqttsn.Packet
}

func newHandset(s *site) *handset {
	h := &handset{s: s, addr: radio.Memory(1)}
	s.datagrams = func(_ radio.Addr, data []byte) {
		var d mqttsn.Decoder
		p, _, err := d.Decode(data)
		require.NoError(s.t, err)
		h.heard = append(h.heard, p)
	}
	return h
}

// says has the node say something and hear the answers.
func (h *handset) says(p mqttsn.Packet) []mqttsn.Packet {
	h.heard = nil
	h.s.datagram(h.addr, p.AppendTo(nil))
	h.s.commit()
	return h.heard
}

// hears is says with exactly these answers.
func (h *handset) hears(p mqttsn.Packet, want ...mqttsn.Packet) {
	h.s.t.Helper()
	require.Equal(h.s.t, want, h.says(p))
}

func (h *handset) connects(clean bool) {
	h.s.t.Helper()
	h.hears(&mqttsn.Connect{CleanSession: clean, ProtocolID: 1, Duration: 60, ClientID: []byte("n")}, &mqttsn.Connack{})
}

func (h *handset) subscribes(topic string) {
	h.s.t.Helper()
	h.hears(&mqttsn.Subscribe{QoS: 2, MsgID: 1, TopicName: []byte(topic)}, &mqttsn.Suback{QoS: 2, MsgID: 1, TopicID: 1})
}

func (h *handset) sleeps(seconds uint16) {
	h.s.t.Helper()
	h.hears(&mqttsn.Disconnect{HasDuration: true, Duration: seconds}, &mqttsn.Disconnect{})
}

// publish has somebody publish to nodes.
func (s *site) publish(topic, payload string, qos byte) {
	s.round(func() {
		s.machine.Broker.Publish(s.now, 0, broker.Publication{Topic: topic, Payload: []byte(payload), QoS: qos}, &s.out)
	})
	s.commit()
}
