//go:build !race

package local_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	broker "github.com/dormouse-mqtt/dormouse/broker/core"
	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/broker/store"
	gateway "github.com/dormouse-mqtt/dormouse/gateway/core"
	"github.com/dormouse-mqtt/dormouse/gateway/local"
	"github.com/dormouse-mqtt/dormouse/mqttsn"
	"github.com/dormouse-mqtt/dormouse/radio"
)

// TestUplinkAllocations is the budget of a message from a node: nothing at QoS 0,
// one for what is accepted at QoS 1.
func TestUplinkAllocations(t *testing.T) {
	var ticket store.Ticket
	commit := func(*store.Batch) store.Ticket { ticket++; return ticket }
	var out shard.Out
	m := local.New(broker.New(broker.NewDirectory(commit), broker.Options{}), gateway.Options{})
	batch := make([]radio.Datagram, 1)
	round := func(ev shard.Event) {
		out.BeginRound()
		out.Committed(ticket)
		out.BeginEvent()
		m.Handle(0, ev, &out)
		out.Submit(commit)
	}
	round(shard.Event{Kind: shard.LinkUp, Link: link, LinkInfo: &shard.LinkInfo{
		MTU: 1000, MaxPacket: 1000, MaxClients: 10, Anonymous: shard.AnonymousOn, Retry: 1, Retries: 3,
	}})
	var octets []byte
	send := func(p mqttsn.Packet) {
		octets = p.AppendTo(octets[:0])
		batch[0] = radio.Datagram{Addr: radio.Memory(1), Data: octets}
		round(shard.Event{Kind: shard.Datagrams, Link: link, Batch: batch})
	}
	send(&mqttsn.Connect{CleanSession: true, ProtocolID: 1, Duration: 60, ClientID: []byte("n")})
	send(&mqttsn.Register{MsgID: 1, TopicName: []byte("sensors/7/temperature")})
	require.EqualValues(t, 1, m.Gateway.Stats().Nodes)
	p := &mqttsn.Publish{TopicID: 1, Data: []byte("21.5")}
	for _, qos := range []mqttsn.QoS{mqttsn.QoS0, mqttsn.QoS1} {
		p.QoS = qos
		publish := func() {
			p.MsgID++
			send(p)
		}
		for range 500 {
			publish()
		}
		require.LessOrEqual(t, testing.AllocsPerRun(200, publish), float64(qos), "QoS %d", qos)
	}
	require.GreaterOrEqual(t, m.Broker.Stats().Published, uint64(1400))
}
