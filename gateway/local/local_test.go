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

// TestMessageOutlivesItsDatagram: what waits for a sleeper is no part of what came
// in.
func TestMessageOutlivesItsDatagram(t *testing.T) {
	for _, p := range []*mqttsn.Publish{
		{QoS: mqttsn.QoS0}, {QoS: mqttsn.QoS1}, {QoS: mqttsn.QoS2}, {QoS: mqttsn.QoS0, Retain: true},
	} {
		s := newSite(t)
		h := newHandset(s)
		h.connects(true)
		h.subscribes("a")
		h.sleeps(60)
		p.TopicID = 1
		for i, payload := range []string{"first", "second"} {
			p.MsgID, p.Data = uint16(i), []byte(payload)
			data := p.AppendTo(nil)
			s.datagram(h.addr, data)
			clear(data)
			s.commit()
		}
		h.says(wake("n"))
		if p.QoS == 0 { // the latest of a topic
			require.Equal(t, "second", string(h.heard[0].(*mqttsn.Publish).Data))
		} else {
			require.Equal(t, "first", string(h.heard[0].(*mqttsn.Publish).Data))
		}
	}
}

// BenchmarkIdleNode reports what one idle node costs of the heap: active, and
// asleep with a session that is kept and one subscription.
func BenchmarkIdleNode(b *testing.B) {
	const n = 20_000
	for _, asleep := range []bool{false, true} {
		b.Run(fmt.Sprintf("asleep=%t", asleep), func(b *testing.B) {
			for b.Loop() {
				var out shard.Out
				m := newMachine(&out)
				commit := func() {
					out.Submit(func(*store.Batch) store.Ticket { return 1 })
					out.Committed(1)
					m.Handle(0, shard.Event{Kind: shard.Stored}, &out)
				}
				runtime.GC()
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				for i := range uint64(n) {
					receive(m, &out, i, &mqttsn.Connect{CleanSession: !asleep, ProtocolID: 1, Duration: 60, ClientID: fmt.Appendf(nil, "node-%06d", i)})
					if asleep {
						commit()
						receive(m, &out, i, &mqttsn.Subscribe{MsgID: 1, QoS: 1, TopicName: fmt.Appendf(nil, "cmd/%06d", i)})
						commit()
						receive(m, &out, i, &mqttsn.Disconnect{HasDuration: true, Duration: 60})
						commit()
					}
				}
				runtime.GC()
				runtime.ReadMemStats(&after)
				b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/n, "octets/node")
				runtime.KeepAlive(m)
			}
		})
	}
}

// BenchmarkUplink reports what a message from a node costs, with nobody to get
// it: from a session that is not stored, and from one that is.
func BenchmarkUplink(b *testing.B) {
	for _, bb := range []struct {
		name  string
		clean bool
		qos   mqttsn.QoS
	}{{"QoS0", true, 0}, {"QoS1", true, 1}, {"QoS1Stored", false, 1}, {"QoS2", true, 2}} {
		b.Run(bb.name, func(b *testing.B) {
			var out shard.Out
			m := newMachine(&out)
			commit := func() {
				out.Submit(func(*store.Batch) store.Ticket { return 1 })
				out.Committed(1)
				m.Handle(0, shard.Event{Kind: shard.Stored}, &out)
			}
			receive(m, &out, 1, &mqttsn.Connect{CleanSession: bb.clean, ProtocolID: 1, Duration: 60, ClientID: []byte("n")})
			commit()
			receive(m, &out, 1, &mqttsn.Register{MsgID: 1, TopicName: []byte("sensors/1/temperature")})
			commit()
			p := &mqttsn.Publish{QoS: bb.qos, TopicID: 1, Data: []byte("21.5")}
			batch := []radio.Datagram{{Addr: radio.Memory(1)}}
			b.ReportAllocs()
			var now shard.Time
			for b.Loop() {
				now += time.Second // so that the window of P6 ends
				p.MsgID++
				batch[0].Data = p.AppendTo(batch[0].Data[:0])
				out.BeginRound()
				m.Handle(now, shard.Event{Kind: shard.Datagrams, Link: link, Batch: batch}, &out)
				commit()
				if bb.qos == 2 {
					batch[0].Data = (&mqttsn.Pubrel{MsgID: p.MsgID}).AppendTo(batch[0].Data[:0])
					out.BeginRound()
					m.Handle(now, shard.Event{Kind: shard.Datagrams, Link: link, Batch: batch}, &out)
				}
			}
		})
	}
}
