//go:build !race

package local_test

import (
	"fmt"
	"net/netip"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	broker "github.com/dormouse-mqtt/dormouse/broker/core"
	"github.com/dormouse-mqtt/dormouse/broker/mqtt"
	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/broker/store"
	gateway "github.com/dormouse-mqtt/dormouse/gateway/core"
	"github.com/dormouse-mqtt/dormouse/gateway/local"
	"github.com/dormouse-mqtt/dormouse/mqttsn"
	"github.com/dormouse-mqtt/dormouse/radio"
)

// A crowd is clients that connect and then are silent, and a machine that
// serves them. They make no garbage: what is measured is the machine's.
type crowd struct {
	m      *local.Machine
	out    shard.Out
	ticket store.Ticket
	octets []byte
	batch  [1]radio.Datagram

	ids, topics [][]byte
	listener    shard.ListenerInfo
	connect     mqtt.Connect
	subscribe   mqtt.Subscribe
	filter      []byte
	node        mqttsn.Connect
}

// idleClient is a kind of client, and what one may cost: octets that stay,
// octets that were allocated for it and allocations.
type idleClient struct {
	name                   string
	clients                int
	connect                func(c *crowd, i int)
	live, allocated, count float64
}

var idleClients = []idleClient{
	{"connection", 20_000, (*crowd).connects, 425, 430, 4.2},
	{"subscription", 20_000, (*crowd).subscribes, 670, 680, 10.2},
	{"node", 50_000, (*crowd).nodeConnects, 530, 545, 4.3},
}

// TestIdleAllocations bounds what an idle client costs. What was allocated and
// is not live any more counts too: while the heap is small the collector leaves
// it lying about.
func TestIdleAllocations(t *testing.T) {
	for _, k := range idleClients {
		t.Run(k.name, func(t *testing.T) {
			live, allocated, count := k.measure()
			t.Logf("octets live %.0f, allocated %.0f, in %.1f allocations", live, allocated, count)
			require.LessOrEqual(t, live, k.live, "octets live")
			require.LessOrEqual(t, allocated, k.allocated, "octets allocated")
			require.LessOrEqual(t, count, k.count, "allocations")
		})
	}
}

func BenchmarkIdle(b *testing.B) {
	for _, k := range idleClients {
		b.Run(k.name, func(b *testing.B) {
			for b.Loop() {
				live, allocated, count := k.measure()
				b.ReportMetric(live, "live-octets/client")
				b.ReportMetric(allocated, "octets/client")
				b.ReportMetric(count, "allocs/client")
			}
		})
	}
}

// measure connects all and returns what each has cost.
func (k *idleClient) measure() (live, allocated, count float64) {
	c := newCrowd(k.clients)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range k.clients {
		k.connect(c, i)
	}
	runtime.ReadMemStats(&after)
	allocated, count = float64(after.TotalAlloc-before.TotalAlloc), float64(after.Mallocs-before.Mallocs)
	runtime.GC()
	runtime.ReadMemStats(&after)
	live = float64(after.HeapAlloc) - float64(before.HeapAlloc)
	if n := c.m.Broker.Stats().Connections; n != k.clients {
		panic(fmt.Sprintf("%d of %d clients are connected", n, k.clients))
	}
	n := float64(k.clients)
	return live / n, allocated / n, count / n
}

func newCrowd(n int) *crowd {
	c := &crowd{
		octets:    make([]byte, 0, 1<<10),
		listener:  shard.ListenerInfo{Listener: "mqtt://site", Anonymous: shard.AnonymousOn, MaxPacket: 1 << 20},
		connect:   mqtt.Connect{Version: mqtt.V311, CleanStart: true, KeepAlive: 600},
		subscribe: mqtt.Subscribe{PacketID: 1},
		node:      mqttsn.Connect{CleanSession: true, ProtocolID: mqttsn.ProtocolID, Duration: 600},
	}
	for i := range n {
		c.ids = append(c.ids, fmt.Appendf(nil, "sensor-%06d", i))
		c.topics = append(c.topics, fmt.Appendf(nil, "site/sensor-%06d/set", i))
	}
	c.m = local.New(broker.New(broker.NewDirectory(c.commit), broker.Options{}), gateway.Options{Places: &gateway.PlaceTable{}})
	c.round(shard.Event{Kind: shard.LinkUp, Link: link, LinkInfo: &shard.LinkInfo{
		MTU: 1000, MaxPacket: 1000, MaxClients: n, Anonymous: shard.AnonymousOn, Retry: 1, Retries: 3,
	}})
	return c
}

func (c *crowd) commit(*store.Batch) store.Ticket {
	c.ticket++
	return c.ticket
}

func (c *crowd) round(ev shard.Event) {
	c.out.BeginRound()
	c.out.Committed(c.ticket)
	c.out.BeginEvent()
	c.m.Handle(0, ev, &c.out)
	c.out.Submit(c.commit)
}

// connects opens a connection of MQTT.
func (c *crowd) connects(i int) {
	conn := shard.ConnID(i + 1)
	remote := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 1024)
	c.round(shard.Event{Kind: shard.Opened, Conn: conn, Info: &shard.ConnInfo{Remote: remote, ListenerInfo: &c.listener}})
	c.connect.ClientID = c.ids[i]
	c.octets = c.connect.AppendTo(c.octets[:0], mqtt.V311)
	c.round(shard.Event{Kind: shard.Received, Conn: conn, Data: c.octets})
}

// subscribes opens one that subscribes to a topic of its own.
func (c *crowd) subscribes(i int) {
	c.connects(i)
	c.filter = mqtt.AppendFilter(c.filter[:0], string(c.topics[i]), mqtt.SubscribeOptions{QoS: 1})
	c.subscribe.Filters = mqtt.NewFilters(c.filter)
	c.octets = c.subscribe.AppendTo(c.octets[:0], mqtt.V311)
	c.round(shard.Event{Kind: shard.Received, Conn: shard.ConnID(i + 1), Data: c.octets})
}

// nodeConnects connects a node of MQTT-SN.
func (c *crowd) nodeConnects(i int) {
	c.node.ClientID = c.ids[i]
	c.octets = c.node.AppendTo(c.octets[:0])
	c.batch[0] = radio.Datagram{
		Addr:  radio.UDP(netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 1884), 0),
		Local: radio.UDP(netip.MustParseAddrPort("10.1.0.1:1884"), 0),
		Data:  c.octets,
	}
	c.round(shard.Event{Kind: shard.Datagrams, Link: link, Batch: c.batch[:]})
}
