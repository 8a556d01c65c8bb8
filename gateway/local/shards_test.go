package local_test

import (
	"fmt"
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

// A house is several shards, of which the first has the link.
type house struct {
	machines []*local.Machine
	outs     []shard.Out
	places   *gateway.PlaceTable
	ticket   store.Ticket
	got      map[radio.Addr][]string // what each address was sent, as type names
}

func newHouse(shards int) *house {
	h := &house{outs: make([]shard.Out, shards), places: &gateway.PlaceTable{}, got: map[radio.Addr][]string{}}
	d := broker.NewDirectory(h.submit)
	info := &shard.LinkInfo{MTU: 1000, MaxPacket: 1000, MaxClients: 100, Anonymous: shard.AnonymousOn, Retry: 10 * time.Second, Retries: 3, AwakeRetry: time.Second}
	for i := range shards {
		c := broker.New(d, broker.Options{Shard: i, Shards: shards})
		h.machines = append(h.machines, local.New(c, gateway.Options{Shard: i, Shards: shards, Places: h.places}))
		h.round(i, shard.Event{Kind: shard.LinkUp, Link: link, LinkInfo: info})
	}
	return h
}

func (h *house) submit(*store.Batch) store.Ticket { h.ticket++; return h.ticket }

// round has a shard handle an event, and then all shards what came of it, until
// there is nothing more. The store commits at once.
func (h *house) round(i int, ev shard.Event) {
	out := &h.outs[i]
	out.BeginRound()
	out.Committed(h.ticket)
	h.machines[i].Handle(0, ev, out)
	out.Submit(h.submit)
	for _, d := range out.Outgoing() {
		var dec mqttsn.Decoder
		p, _, err := dec.Decode(d.Data)
		if err != nil {
			panic(err)
		}
		h.got[d.To] = append(h.got[d.To], p.Type().String())
	}
	posts, relays := append([]shard.Post(nil), out.Posts...), append([]shard.Relay(nil), out.Relays...)
	wrote := len(posts)+len(relays) > 0 || out.Ticket() > 0
	for _, p := range posts {
		h.round(p.To.Shard(), shard.Event{Kind: shard.Posted, Posts: []shard.Post{p}})
	}
	for _, r := range relays {
		h.round(r.To, shard.Event{Kind: r.Kind, Link: r.Link, Batch: []radio.Datagram{r.Datagram}, Relayed: true})
	}
	if wrote {
		for j := range h.machines {
			h.round(j, shard.Event{Kind: shard.Stored, Store: store.Event{Kind: store.Committed, Ticket: h.ticket}})
		}
	}
}

func (h *house) send(from uint64, p mqttsn.Packet) []string {
	addr := radio.Memory(from)
	before := len(h.got[addr])
	h.round(0, shard.Event{Kind: shard.Datagrams, Link: link, Batch: []radio.Datagram{{Addr: addr, Data: p.AppendTo(nil)}}})
	return h.got[addr][before:]
}

// idOn is a client id that belongs to a shard.
func idOn(of, shards, n int) string {
	for i := 0; ; i++ {
		if id := fmt.Sprint("node-", i); shard.Owner(id, shards) == of {
			if n--; n < 0 {
				return id
			}
		}
	}
}

// TestL12NodesLiveWithTheirSessions: whatever shard the link is on, a node's
// datagrams come to the shard of its client id, and its answers come back.
func TestL12NodesLiveWithTheirSessions(t *testing.T) {
	const shards = 3
	h := newHouse(shards)
	for i := range shards {
		id := idOn(i, shards, 0)
		require.Equal(t, []string{"CONNACK"}, h.send(uint64(i+1), &mqttsn.Connect{ProtocolID: 1, Duration: 60, CleanSession: true, ClientID: []byte(id)}))
		require.Equal(t, 1, h.machines[i].Gateway.Stats().Nodes)
		require.Equal(t, []string{"SUBACK"}, h.send(uint64(i+1), &mqttsn.Subscribe{QoS: 1, MsgID: 1, TopicName: []byte("all")}))
	}
	require.Equal(t, []string{"REGACK"}, h.send(1, &mqttsn.Register{MsgID: 2, TopicName: []byte("all")}))
	require.ElementsMatch(t, []string{"PUBACK", "PUBLISH"}, h.send(1, &mqttsn.Publish{QoS: 1, TopicID: 1, MsgID: 3, Data: []byte("x")}))
	for i := range shards {
		require.Contains(t, h.got[radio.Memory(uint64(i+1))], "PUBLISH")
	}
	require.Equal(t, []string{"DISCONNECT"}, h.send(99, &mqttsn.Pingreq{ClientID: []byte(idOn(2, shards, 5))}), "unknown, on whatever shard")
}

// TestL12NewIDAtAnOldAddress: the former node there is lost, on its shard (C4).
func TestL12NewIDAtAnOldAddress(t *testing.T) {
	h := newHouse(2)
	connect := func(from uint64, id string) {
		require.Equal(t, []string{"CONNACK"}, h.send(from, &mqttsn.Connect{ProtocolID: 1, Duration: 60, ClientID: []byte(id)}))
	}
	first, second := idOn(0, 2, 0), idOn(1, 2, 0)
	connect(1, first)
	connect(1, second)
	require.Zero(t, h.machines[0].Gateway.Stats().Nodes)
	require.Equal(t, 1, h.machines[1].Gateway.Stats().Nodes)
	require.Equal(t, []string{"PINGRESP"}, h.send(1, &mqttsn.Pingreq{}))
	connect(1, first)
	require.Equal(t, 1, h.machines[0].Gateway.Stats().Nodes)
	require.Zero(t, h.machines[1].Gateway.Stats().Nodes)
	require.Equal(t, 1, h.places.Len())
}
