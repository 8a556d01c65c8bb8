package local_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync/atomic"
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

// A town is several shards whose rounds the test orders as it likes.
type town struct {
	now      shard.Time
	machines []*local.Machine
	outs     []shard.Out
	inbox    [][]shard.Event
	places   *gateway.PlaceTable
	info     *shard.LinkInfo
	ticket   store.Ticket
}

func newTown(shards int) *town {
	h := &town{outs: make([]shard.Out, shards), inbox: make([][]shard.Event, shards), places: &gateway.PlaceTable{}}
	d := broker.NewDirectory(h.submit)
	h.info = &shard.LinkInfo{MTU: 1000, MaxPacket: 1000, MaxClients: 100, Anonymous: shard.AnonymousOn, Retry: 10 * time.Second, Retries: 3,
		AwakeRetry: time.Second, Roam: shard.RoamAny, Nodes: new(atomic.Int32), Forwarders: true}
	for i := range shards {
		c := broker.New(d, broker.Options{Shard: i, Shards: shards})
		h.machines = append(h.machines, local.New(c, gateway.Options{Shard: i, Shards: shards, Places: h.places}))
		h.inbox[i] = append(h.inbox[i], shard.Event{Kind: shard.LinkUp, Link: link, LinkInfo: h.info})
	}
	return h
}

func (h *town) submit(*store.Batch) store.Ticket { h.ticket++; return h.ticket }

// round has a shard handle n of its events.
func (h *town) round(i, n int) {
	out := &h.outs[i]
	out.BeginRound()
	out.Committed(h.ticket)
	n = min(n, len(h.inbox[i]))
	evs := h.inbox[i][:n]
	h.inbox[i] = h.inbox[i][n:]
	for _, ev := range evs {
		h.machines[i].Handle(h.now, ev, out)
	}
	h.machines[i].Handle(h.now, shard.Event{Kind: shard.Stored, Store: store.Event{Kind: store.Committed, Ticket: h.ticket}}, out)
	if at, ok := h.machines[i].Deadline(); ok && at <= h.now {
		h.machines[i].Advance(h.now, out)
	}
	out.Submit(h.submit)
	for _, p := range slices.Clone(out.Posts) {
		h.inbox[p.To.Shard()] = append(h.inbox[p.To.Shard()], shard.Event{Kind: shard.Posted, Posts: []shard.Post{p}})
	}
	for _, r := range slices.Clone(out.Relays) {
		h.inbox[r.To] = append(h.inbox[r.To], shard.Event{Kind: r.Kind, Link: r.Link, Batch: []radio.Datagram{r.Datagram}, Relayed: true})
	}
}

// settle lets everything that is under way arrive.
func (h *town) settle() {
	for range 200 {
		for i := range h.machines {
			h.round(i, 100)
		}
	}
}

// TestL12PlacesAreGivenBack: nodes that come and go in any order, on all shards at
// once, leave neither a place nor a count behind.
func TestL12PlacesAreGivenBack(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 1))
		h := newTown(3)
		h.settle()
		for range 300 {
			addr := radio.Memory(r.Uint64N(4))
			data := wander(r).AppendTo(nil)
			if r.IntN(4) == 0 {
				data = (&mqttsn.Forward{NodeID: []byte{byte(r.IntN(2))}, Message: data}).AppendTo(nil)
			}
			h.inbox[0] = append(h.inbox[0], shard.Event{Kind: shard.Datagrams, Link: link, Batch: []radio.Datagram{{Addr: addr, Data: data}}})
			for range r.IntN(4) {
				h.round(r.IntN(3), 1+r.IntN(3))
			}
			if r.IntN(10) == 0 {
				h.now += time.Duration(r.IntN(20)) * time.Second
			}
		}
		h.settle()
		nodes := 0
		for _, m := range h.machines {
			nodes += m.Gateway.Stats().Nodes
		}
		require.Equal(t, nodes, h.places.Len(), "seed %d places", seed)
		require.EqualValues(t, nodes, h.info.Nodes.Load(), "seed %d", seed)
		h.now += 48 * time.Hour
		h.settle()
		require.Zero(t, h.places.Len(), "seed %d", seed)
		require.Zero(t, h.info.Nodes.Load())
	}
}

// wander is what a node of five may say that comes and goes.
func wander(r *rand.Rand) mqttsn.Packet {
	id := fmt.Appendf(nil, "n%d", r.IntN(5))
	switch r.IntN(9) {
	case 0, 1:
		return &mqttsn.Connect{ProtocolID: 1, Duration: uint16(r.IntN(100)), CleanSession: r.IntN(2) == 0, ClientID: id}
	case 2, 3:
		return &mqttsn.Pingreq{ClientID: id}
	case 4:
		return &mqttsn.Pingreq{}
	case 5:
		return &mqttsn.Disconnect{}
	case 6, 7:
		return &mqttsn.Disconnect{HasDuration: true, Duration: uint16(1 + r.IntN(30))}
	default:
		return &mqttsn.Subscribe{QoS: 1, MsgID: 3, TopicName: []byte("a")}
	}
}
