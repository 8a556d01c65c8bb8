//go:build !race

package core

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dormouse-mqtt/dormouse/broker/mqtt"
	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/broker/store"
)

// TestAllocations is the budget: nothing for QoS 0 and acknowledgements, one for
// a message that is accepted at QoS 1 or 2, or queued.
func TestAllocations(t *testing.T) {
	for _, tt := range []struct {
		name  string
		qos   mqtt.QoS
		kept  bool // the subscriber's session is
		limit float64
	}{
		{"QoS 0", 0, false, 0},
		{"QoS 0 to a kept session", 0, true, 0},
		{"QoS 1", 1, false, 1},
		{"QoS 1 to a kept session", 1, true, 1},
		{"QoS 2", 2, false, 1},
		{"QoS 2 to a kept session", 2, true, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := newTraffic(t, tt.kept)
			for range 200 { // buffers and tables find their size
				a.exchange(tt.qos)
			}
			require.LessOrEqual(t, testing.AllocsPerRun(200, func() { a.exchange(tt.qos) }), tt.limit)
		})
	}
}

// TestAllocationsOfManyReceivers: there are none for each.
func TestAllocationsOfManyReceivers(t *testing.T) {
	for _, v := range []mqtt.Version{mqtt.V311, mqtt.V5} {
		for _, size := range []int{64, 4096} {
			h := newHall(v)
			for range 100 {
				h.round(h.connect(), h.packet(subscription("site/+/sensors/#", 1)))
			}
			for qos := range mqtt.QoS(2) {
				id := uint16(0)
				data := h.packet(message("site/1/sensors/2", string(make([]byte, size)), qos, 1))
				ack := h.packet(&mqtt.Puback{PacketID: 1})
				exchange := func() {
					h.round(1, data)
					if qos == 0 {
						return
					}
					id++
					ack[2], ack[3] = byte(id>>8), byte(id)
					for k := range shard.ConnID(100) {
						h.round(k+2, ack)
					}
				}
				for range 200 {
					exchange()
				}
				limit := float64(qos) // the message
				if size > largePayload {
					limit = 2 // and its octets
				}
				require.LessOrEqual(t, testing.AllocsPerRun(200, exchange), limit)
			}
		}
	}
}

// A traffic is a publisher and a subscriber who acknowledge everything, on a
// store that commits at once.
type traffic struct {
	core   *Core
	out    shard.Out
	ticket store.Ticket
	id     uint16 // of the subscriber's next
	event  shard.Event
	buffer []byte
}

func newTraffic(t testing.TB, kept bool) *traffic {
	a := &traffic{}
	submit := func(*store.Batch) store.Ticket { a.ticket++; return a.ticket }
	a.core = New(NewDirectory(submit), Options{})
	expiry := uint32(0)
	if kept {
		expiry = 600
	}
	info := &shard.ConnInfo{ListenerInfo: &shard.ListenerInfo{Anonymous: shard.AnonymousOn, MaxPacket: 1 << 20}}
	for i, p := range []mqtt.Packet{connect("p", mqtt.V5, true, 0), connect("s", mqtt.V5, true, expiry)} {
		a.round(shard.Event{Kind: shard.Opened, Conn: shard.ConnID(i + 1), Info: info})
		a.send(shard.ConnID(i+1), p)
	}
	raw := mqtt.AppendFilter(nil, "sensors/+/temperature", mqtt.SubscribeOptions{QoS: 2})
	a.send(2, &mqtt.Subscribe{PacketID: 1, Filters: mqtt.NewFilters(raw)})
	require.Equal(t, 2, a.core.clients.Len())
	return a
}

func (a *traffic) send(conn shard.ConnID, p mqtt.Packet) {
	a.buffer = p.AppendTo(a.buffer[:0], mqtt.V5)
	a.round(shard.Event{Kind: shard.Received, Conn: conn, Data: a.buffer})
}

func (a *traffic) round(ev shard.Event) {
	a.event = ev
	a.step()
	a.event = shard.Event{Kind: shard.Stored, Store: store.Event{Kind: store.Committed, Ticket: a.ticket}}
	a.step()
}

func (a *traffic) step() {
	a.out.BeginRound()
	a.out.Committed(a.ticket)
	a.out.BeginEvent()
	a.core.Handle(0, a.event, &a.out)
	if at, ok := a.core.Deadline(); ok && at <= 0 {
		a.core.Advance(0, &a.out)
	}
	a.out.Submit(func(*store.Batch) store.Ticket { a.ticket++; return a.ticket })
}

// The packets, made once: what is counted is the core's.
var (
	sent    = message("sensors/7/temperature", "21.5", 0, 0)
	puback  = &mqtt.Puback{}
	pubrel  = &mqtt.Pubrel{PacketID: 1}
	pubrec  = &mqtt.Pubrec{}
	pubcomp = &mqtt.Pubcomp{}
)

// exchange is one message and all that follows from it.
func (a *traffic) exchange(qos mqtt.QoS) {
	sent.QoS, sent.PacketID = qos, uint16(min(qos, 1))
	a.send(1, sent)
	if qos == 0 {
		return
	}
	a.id++
	if a.id == 0 {
		a.id = 1
	}
	if qos == 1 {
		puback.PacketID = a.id
		a.send(2, puback)
		return
	}
	a.send(1, pubrel)
	pubrec.PacketID, pubcomp.PacketID = a.id, a.id
	a.send(2, pubrec)
	a.send(2, pubcomp)
}

// BenchmarkMessage is one message from publisher to subscriber, with all
// acknowledgements and commits.
func BenchmarkMessage(b *testing.B) {
	for _, qos := range []mqtt.QoS{0, 1, 2} {
		for _, kept := range []bool{false, true} {
			b.Run(fmt.Sprintf("qos=%d/kept=%v", qos, kept), func(b *testing.B) {
				a := newTraffic(b, kept)
				b.ReportAllocs()
				for b.Loop() {
					a.exchange(qos)
				}
			})
		}
	}
}

// BenchmarkIdleSession reports what an idle session costs beyond its client id.
func BenchmarkIdleSession(b *testing.B) {
	const n = 100_000
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("client-%06d", i)
	}
	for b.Loop() {
		before := heapInUse()
		c := New(NewDirectory(submit), Options{})
		var out shard.Out
		for _, id := range ids {
			cl := c.begin(id, nil)
			cl.SetExpiry(time.Hour)
			cl.endsAt = time.Hour
			c.clientDue.Set(cl, cl.endsAt)
		}
		b.ReportMetric(float64(heapInUse()-before)/n, "octets/session")
		runtime.KeepAlive(c)
		runtime.KeepAlive(&out)
	}
}

// BenchmarkQueuedMessage reports what a message of 64 octets costs that waits in
// one queue, and what it costs in each of ten.
func BenchmarkQueuedMessage(b *testing.B) {
	for _, queues := range []int{1, 10} {
		b.Run(fmt.Sprint(queues), func(b *testing.B) {
			const n = 10_000
			for b.Loop() {
				c := New(NewDirectory(submit), Options{})
				var clients []*client
				for i := range queues {
					clients = append(clients, c.begin(fmt.Sprint(i), nil))
				}
				before := heapInUse()
				m := &shard.Message{Topic: "sensors/7/temperature", Payload: make([]byte, 64)}
				for range n {
					kept := m.Keep()
					for _, cl := range clients {
						cl.Push(shard.Entry{Message: kept, QoS: 1}, false)
					}
				}
				b.ReportMetric(float64(heapInUse()-before)/float64(n*queues), "octets/message")
				runtime.KeepAlive(clients)
			}
		})
	}
}

func heapInUse() int {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}
