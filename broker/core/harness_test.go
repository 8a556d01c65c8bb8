package core

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dormouse-mqtt/dormouse/broker/mqtt"
	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/broker/store"
	"github.com/dormouse-mqtt/dormouse/broker/store/memory"
)

// A rig is a core whose store commits when it is told to.
type rig struct {
	t     *testing.T
	now   shard.Time
	core  *Core
	out   shard.Out
	store *memory.Store
	told  []store.Event // by the store, for the next round
	peers map[shard.ConnID]*peer
}

// A peer is a client's connection.
type peer struct {
	rig     *rig
	id      shard.ConnID
	version mqtt.Version
	in      []byte
	closed  bool
	paused  bool     // it is not read
	stuck   bool     // it does not read; what comes is taken down all the same
	tell    bool     // when it does
	unread  int      // octets
	most    int      // of them
	got     []string // what came, as text

	publishes []mqtt.Publish // among it
}

func newRig(t *testing.T, o Options) *rig {
	r := &rig{t: t, peers: map[shard.ConnID]*peer{}}
	r.store = memory.New(func(ev store.Event) { r.told = append(r.told, ev) }, memory.Options{Hold: true})
	r.core = New(NewDirectory(r.store.Submit), o)
	return r
}

// reload is a restart that finds what was committed.
func (r *rig) reload(o Options) *rig {
	n := &rig{t: r.t, peers: map[shard.ConnID]*peer{}}
	n.store = memory.New(func(ev store.Event) { n.told = append(n.told, ev) }, memory.Options{Hold: true})
	var all store.Batch
	require.NoError(r.t, r.store.Load(func(key, value []byte) error { all.Put(key, value); return nil }))
	n.core = New(NewDirectory(n.store.Submit), o)
	loader := NewLoader([]*Core{n.core}, 0)
	all.Each(func(op store.Op) { require.NoError(r.t, loader.Visit(op.Key, op.Value)) })
	require.Zero(r.t, loader.Damaged)
	n.store.Submit(&all)
	n.out.BeginRound()
	loader.Finish(&n.out)
	n.out.Submit(n.store.Submit)
	n.commit()
	n.advance(0)
	return n
}

// round handles events and what is due, and sends what was said.
func (r *rig) round(events ...shard.Event) {
	r.out.BeginRound()
	for _, ev := range r.told {
		if ev.Kind == store.Committed {
			r.out.Committed(ev.Ticket)
		}
		events = append(events, shard.Event{Kind: shard.Stored, Store: ev})
	}
	r.told = nil
	for _, ev := range events {
		r.core.Handle(r.now, ev, &r.out)
	}
	if at, ok := r.core.Deadline(); ok && at <= r.now {
		r.core.Advance(r.now, &r.out)
	}
	r.out.Submit(r.store.Submit)
	for _, q := range r.out.Reads {
		r.store.Request(q)
	}
	var next []shard.Event
	if len(r.out.Posts) > 0 {
		next = append(next, shard.Event{Kind: shard.Posted, Posts: slices.Clone(r.out.Posts)})
	}
	for _, o := range r.out.Outputs() {
		if p := r.peers[o.Conn]; p != nil {
			p.receive(o.Octets(nil))
			p.unread += o.Size()
			p.most = max(p.most, p.unread)
			switch p.tell = p.tell || o.Tell; {
			case p.stuck && !p.tell && p.unread > r.core.options.MaxOutput:
				p.tell = true
				next = append(next, shard.Event{Kind: shard.Blocked, Conn: o.Conn})
			case p.stuck:
			case p.tell:
				next = append(next, shard.Event{Kind: shard.Drained, Conn: o.Conn})
				fallthrough
			default:
				p.tell, p.unread = false, 0
			}
			p.closed = p.closed || o.Close
			p.paused = o.Read == shard.ReadPause || p.paused && o.Read != shard.ReadResume
		}
	}
	if len(next) > 0 {
		r.round(next...)
	}
	if at, ok := r.core.Deadline(); ok && at <= r.now {
		r.round()
	}
}

func (r *rig) commit() { r.store.Commit(-1); r.round() }

func (r *rig) advance(d time.Duration) { r.now += d; r.round() }

// tell has the store say something that it does not say by itself.
func (r *rig) tell(ev store.Event) { r.told = append(r.told, ev); r.round() }

// dial opens a connection without a CONNECT.
func (r *rig) dial(v mqtt.Version) *peer {
	p := &peer{rig: r, id: shard.ConnID(len(r.peers) + 1), version: v}
	r.peers[p.id] = p
	r.round(shard.Event{Kind: shard.Opened, Conn: p.id, Info: &shard.ConnInfo{ListenerInfo: &shard.ListenerInfo{Anonymous: shard.AnonymousOn, MaxPacket: 1 << 20}}})
	return p
}

// kept connects with a session that is kept, volatile with one that is not.
// Both have their CONNACK when they return.
func (r *rig) kept(id string, v mqtt.Version) *peer {
	p := r.dial(v)
	p.send(connect(id, v, false, 600))
	r.commit()
	return p.connected()
}

func (r *rig) volatile(id string, v mqtt.Version) *peer {
	p := r.dial(v)
	p.send(connect(id, v, true, 0))
	r.commit()
	return p.connected()
}

func connect(id string, v mqtt.Version, clean bool, expiry uint32) *mqtt.Connect {
	p := &mqtt.Connect{Version: v, ClientID: []byte(id), CleanStart: clean}
	if v == mqtt.V5 && expiry > 0 {
		p.Properties = mqtt.NewProperties(mqtt.AppendUint32(nil, mqtt.SessionExpiryInterval, expiry))
	}
	return p
}

func (p *peer) connected() *peer {
	require.Len(p.rig.t, p.got, 1)
	require.Contains(p.rig.t, p.take(), "CONNACK")
	return p
}

func (p *peer) send(packets ...mqtt.Packet) {
	var b []byte
	for _, q := range packets {
		b = q.AppendTo(b, p.version)
	}
	p.rig.round(shard.Event{Kind: shard.Received, Conn: p.id, Data: b})
}

func (p *peer) subscribe(filter string, qos mqtt.QoS) {
	raw := mqtt.AppendFilter(nil, filter, mqtt.SubscribeOptions{QoS: qos})
	p.send(&mqtt.Subscribe{PacketID: 1, Filters: mqtt.NewFilters(raw)})
	p.rig.commit()
	require.Contains(p.rig.t, p.take(), "SUBACK")
}

// reads has a peer that was stuck read all that it has.
func (p *peer) reads() {
	p.stuck, p.unread = false, 0
	if p.tell {
		p.tell = false
		p.rig.round(shard.Event{Kind: shard.Drained, Conn: p.id})
	}
}

func (p *peer) drop() { p.rig.round(shard.Event{Kind: shard.Closed, Conn: p.id}) }

func (p *peer) receive(data []byte) {
	p.in = append(p.in, data...)
	for {
		n, err := mqtt.Frame(p.in, 0)
		require.NoError(p.rig.t, err)
		if n == 0 {
			return
		}
		d := mqtt.Decoder{From: mqtt.FromServer}
		q, err := d.Decode(slices.Clone(p.in[:n]), p.version)
		require.NoError(p.rig.t, err)
		p.got = append(p.got, text(q))
		if q, ok := q.(*mqtt.Publish); ok {
			p.publishes = append(p.publishes, *q)
		}
		p.in = p.in[n:]
	}
}

// take is all that came since the last call, a packet a line.
func (p *peer) take() (all string) {
	for i, s := range p.got {
		if i > 0 {
			all += "\n"
		}
		all += s
	}
	p.got = nil
	return all
}

func text(p mqtt.Packet) string {
	s := p.Type().String()
	code := func(id uint16, c mqtt.ReasonCode) string {
		if c != 0 {
			return fmt.Sprintf("%s %d %#x", s, id, byte(c))
		}
		return fmt.Sprintf("%s %d", s, id)
	}
	switch p := p.(type) {
	case *mqtt.Connack:
		if p.Code != 0 {
			s += fmt.Sprintf(" %#x", byte(p.Code))
		}
		if p.SessionPresent {
			s += " present"
		}
	case *mqtt.Publish:
		s += fmt.Sprintf(" %s %s q%d", p.Topic, p.Payload, p.QoS)
		if p.Dup {
			s += " dup"
		}
	case *mqtt.Puback:
		return code(p.PacketID, p.Code)
	case *mqtt.Pubrec:
		return code(p.PacketID, p.Code)
	case *mqtt.Pubrel:
		return code(p.PacketID, p.Code)
	case *mqtt.Pubcomp:
		return code(p.PacketID, p.Code)
	case *mqtt.Disconnect:
		s += fmt.Sprintf(" %#x", byte(p.Code))
	}
	return s
}

func message(topic, payload string, qos mqtt.QoS, id uint16) *mqtt.Publish {
	return &mqtt.Publish{Topic: []byte(topic), Payload: []byte(payload), QoS: qos, PacketID: id}
}
