package core

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dormouse-mqtt/dormouse/broker/mqtt"
	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/broker/store"
)

// A hall is a core with one publisher, connection 1, and subscribers, without
// anything around it: what is measured is the core's.
type hall struct {
	core    *Core
	out     shard.Out
	ticket  store.Ticket
	last    shard.ConnID
	version mqtt.Version
	tell    []shard.ConnID // that their output was taken
}

func newHall(v mqtt.Version) *hall {
	h := &hall{version: v}
	h.core = New(NewDirectory(h.submit), Options{})
	h.connect()
	return h
}

func (h *hall) submit(*store.Batch) store.Ticket { h.ticket++; return h.ticket }

func (h *hall) round(id shard.ConnID, data []byte) {
	h.out.BeginRound()
	h.out.Committed(h.ticket)
	h.out.BeginEvent()
	for _, id := range h.tell {
		h.core.Handle(0, shard.Event{Kind: shard.Drained, Conn: id}, &h.out)
	}
	h.tell = h.tell[:0]
	h.core.Handle(0, shard.Event{Kind: shard.Received, Conn: id, Data: data}, &h.out)
	h.out.Submit(h.submit)
	outputs := h.out.Outputs()
	for i := range outputs {
		if outputs[i].Tell {
			h.tell = append(h.tell, outputs[i].Conn)
		}
	}
}

func (h *hall) connect() shard.ConnID {
	h.last++
	info := &shard.ConnInfo{ListenerInfo: &shard.ListenerInfo{Anonymous: shard.AnonymousOn, MaxPacket: 1 << 20}}
	h.core.Handle(0, shard.Event{Kind: shard.Opened, Conn: h.last, Info: info}, &h.out)
	h.round(h.last, connect(fmt.Sprint(h.last), h.version, true, 0).AppendTo(nil, h.version))
	return h.last
}

func (h *hall) packet(p mqtt.Packet) []byte { return p.AppendTo(nil, h.version) }

func subscription(filter string, qos mqtt.QoS) mqtt.Packet {
	return &mqtt.Subscribe{PacketID: 1, Filters: mqtt.NewFilters(mqtt.AppendFilter(nil, filter, mqtt.SubscribeOptions{QoS: qos}))}
}

func unsubscription(filter string) mqtt.Packet {
	return &mqtt.Unsubscribe{PacketID: 1, Filters: mqtt.NewNames(mqtt.AppendName(nil, filter))}
}

// BenchmarkRoute is one message of QoS 0, in a round of its own, to so many
// receivers, among as many other subscriptions; with churn, each tenth operation
// is one of these that comes or goes.
func BenchmarkRoute(b *testing.B) {
	for _, tt := range []struct{ fan, others, topics int }{{1, 0, 1}, {1, 10_000, 1}, {1, 10_000, 1000}, {500, 0, 1}, {500, 10_000, 1}} {
		for _, churn := range []bool{false, true} {
			b.Run(fmt.Sprintf("to=%d/others=%d/topics=%d/churn=%v", tt.fan, tt.others, tt.topics, churn), func(b *testing.B) {
				h := newHall(mqtt.V311)
				for range tt.fan {
					h.round(h.connect(), h.packet(subscription("site/+/sensors/#", 0)))
				}
				h.connect()
				for i := range tt.others {
					if i%5000 == 0 {
						h.connect()
					}
					h.round(h.last, h.packet(subscription(fmt.Sprintf("site/%d/other/%d", i%100, i), 0)))
				}
				guest := h.connect()
				var come, go_ [][]byte
				for i := range 100 {
					come = append(come, h.packet(subscription(fmt.Sprintf("site/%d/new/%d", i%10, i), 0)))
					go_ = append(go_, h.packet(unsubscription(fmt.Sprintf("site/%d/new/%d", i%10, i))))
				}
				var topics [][]byte
				for i := range tt.topics {
					p := message(fmt.Sprintf("site/%d/sensors/%d/temperature", i%100, i), "a payload of sixty-four octets, as in the figures of other brokers", 0, 0)
					topics = append(topics, h.packet(p))
				}
				for i := range 3 * len(topics) { // they are known
					h.round(1, topics[i%len(topics)])
				}
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					if churn && i%10 == 9 {
						if n := i / 10; n/100%2 == 0 {
							h.round(guest, come[n%100])
						} else {
							h.round(guest, go_[n%100])
						}
						continue
					}
					h.round(1, topics[i%len(topics)])
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(tt.fan), "ns/delivery")
			})
		}
	}
}

// BenchmarkBurst is 16 messages of QoS 0 in one read, to one receiver.
func BenchmarkBurst(b *testing.B) {
	for _, size := range []int{64, 512, 1 << 10, 2 << 10, 4 << 10, 16 << 10} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			h := newHall(mqtt.V311)
			h.round(h.connect(), h.packet(subscription("site/+/sensors/#", 0)))
			var burst []byte
			for range 16 {
				burst = append(burst, h.packet(message("site/1/sensors/2", string(make([]byte, size)), 0, 0))...)
			}
			b.ReportAllocs()
			for b.Loop() {
				h.round(1, burst)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/16, "ns/message")
		})
	}
}

// BenchmarkFanOut is one message to 500 receivers, by size of its payload.
func BenchmarkFanOut(b *testing.B) {
	for _, v := range []mqtt.Version{mqtt.V311, mqtt.V5} {
		for _, qos := range []mqtt.QoS{0, 1} {
			for _, size := range []int{64, 512, 1 << 10, 2 << 10, 4 << 10, 64 << 10} {
				b.Run(fmt.Sprintf("v=%d/qos=%d/size=%d", v, qos, size), func(b *testing.B) {
					h := newHall(v)
					for range 500 {
						h.round(h.connect(), h.packet(subscription("site/+/sensors/#", qos)))
					}
					data := h.packet(message("site/1/sensors/2", string(make([]byte, size)), qos, 1))
					ack := h.packet(&mqtt.Puback{PacketID: 1})
					b.ReportAllocs()
					for i := 0; b.Loop(); i++ {
						h.round(1, data)
						if qos == 1 {
							ack[2], ack[3] = byte((i%65535+1)>>8), byte(i%65535+1)
							for id := range shard.ConnID(500) {
								h.round(id+2, ack)
							}
						}
					}
					b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/500, "ns/delivery")
				})
			}
		}
	}
}

// BenchmarkOneToOne is one message of QoS 1 with both acknowledgements, or of
// QoS 0, between two connections.
func BenchmarkOneToOne(b *testing.B) {
	for _, v := range []mqtt.Version{mqtt.V311, mqtt.V5} {
		for _, qos := range []mqtt.QoS{0, 1} {
			b.Run(fmt.Sprintf("v=%d/qos=%d", v, qos), func(b *testing.B) {
				h := newHall(v)
				h.round(h.connect(), h.packet(subscription("site/+/sensors/#", qos)))
				data := h.packet(message("site/1/sensors/2", "a payload of sixty-four octets, as in the figures of other brokers", qos, 1))
				ack := h.packet(&mqtt.Puback{PacketID: 1})
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					h.round(1, data)
					if qos == 1 {
						ack[2], ack[3] = byte((i%65535+1)>>8), byte(i%65535+1)
						h.round(2, ack)
					}
				}
				require.Zero(b, h.core.conns.Get(2).client.InFlight())
			})
		}
	}
}
