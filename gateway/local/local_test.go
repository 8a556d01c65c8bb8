package local_test

import (
	"fmt"
	"runtime"
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

func submit(*store.Batch) store.Ticket { return 0 }

const link shard.LinkID = 1

// newMachine is a shard with one link.
func newMachine(out *shard.Out) *local.Machine {
	m := local.New(broker.New(broker.NewDirectory(submit), broker.Options{}), gateway.Options{})
	out.BeginRound()
	m.Handle(0, shard.Event{Kind: shard.LinkUp, Link: link, LinkInfo: &shard.LinkInfo{
		MTU: 1000, MaxPacket: 1000, MaxClients: 1 << 20, Retry: 10 * time.Second, Retries: 3, AwakeRetry: time.Second,
	}}, out)
	return m
}

// receive brings one message to the machine in a round of its own.
func receive(m *local.Machine, out *shard.Out, from uint64, p mqttsn.Packet) {
	out.BeginRound()
	d := radio.Datagram{Addr: radio.Memory(from), Data: p.AppendTo(nil)}
	m.Handle(0, shard.Event{Kind: shard.Datagrams, Link: link, Batch: []radio.Datagram{d}}, out)
}

func TestConnectIsAnsweredInItsRound(t *testing.T) {
	var out shard.Out
	m := newMachine(&out)
	receive(m, &out, 1, &mqttsn.Connect{CleanSession: true, ProtocolID: 1, Duration: 60, ClientID: []byte("n")})
	require.Len(t, out.Outgoing(), 1)
	require.Equal(t, (&mqttsn.Connack{}).AppendTo(nil), out.Outgoing()[0].Data)
	at, ok := m.Deadline()
	require.True(t, ok)
	require.Equal(t, time.Minute, at, "keep alive")
}

// TestKeptSessionWaits: CONNACK of a session that is to be kept leaves when its
// record is durable (L4).
func TestKeptSessionWaits(t *testing.T) {
	var out shard.Out
	m := newMachine(&out)
	receive(m, &out, 1, &mqttsn.Connect{ProtocolID: 1, Duration: 60, ClientID: []byte("n")})
	require.Empty(t, out.Outgoing())
	require.False(t, out.Batch.Empty())
	out.Submit(func(*store.Batch) store.Ticket { return 1 })
	out.BeginRound()
	out.Committed(1)
	m.Handle(0, shard.Event{Kind: shard.Stored}, &out)
	require.Len(t, out.Outgoing(), 1)
}

// BenchmarkIdleNode reports what one idle node costs of the heap.
func BenchmarkIdleNode(b *testing.B) {
	const n = 20_000
	for b.Loop() {
		var before, after runtime.MemStats
		var out shard.Out
		m := newMachine(&out)
		runtime.GC()
		runtime.ReadMemStats(&before)
		for i := range uint64(n) {
			receive(m, &out, i, &mqttsn.Connect{CleanSession: true, ProtocolID: 1, Duration: 60, ClientID: fmt.Appendf(nil, "node-%06d", i)})
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/n, "octets/node")
		runtime.KeepAlive(m)
	}
}
