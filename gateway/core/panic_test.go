package core

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/gateway/session"
	"github.com/dormouse-mqtt/dormouse/mqttsn"
	"github.com/dormouse-mqtt/dormouse/radio"
)

// A panicky broker does not survive the client "bad".
type panicky struct {
	session.Uplink
	conns   shard.ConnID
	evicted []shard.ConnID
}

func (p *panicky) Open(_ shard.Time, a session.Arrival, out *shard.Out) shard.ConnID {
	if a.ClientID == "bad" {
		panic("a bug")
	}
	p.conns++
	out.Wake = append(out.Wake, shard.Wake{Kind: shard.WakeAccepted, Conn: p.conns})
	return p.conns
}

func (p *panicky) Next(shard.Time, shard.ConnID, *shard.Out) (session.Delivery, bool) {
	return session.Delivery{}, false
}

func (p *panicky) Evict(_ shard.Time, c shard.ConnID, _ *shard.Out) {
	p.evicted = append(p.evicted, c)
}

func (p *panicky) Knows(string) bool { return false }

// TestL15PanicEvictsNobodyElse: the node of the datagram before is left alone.
func TestL15PanicEvictsNobodyElse(t *testing.T) {
	up := &panicky{}
	c := New(up, Options{})
	var out shard.Out
	out.BeginRound()
	c.Handle(0, shard.Event{Kind: shard.LinkUp, Link: 1, LinkInfo: &shard.LinkInfo{
		MTU: 1000, MaxPacket: 1000, MaxClients: 10, Anonymous: shard.AnonymousOn, Retry: time.Second,
	}}, &out)
	handle := func(d radio.Datagram) {
		out.BeginEvent()
		defer func() {
			if recover() != nil {
				out.Rollback()
				c.Evict(0, &out)
			}
			for i := range out.Wake {
				c.Woken(0, out.Wake[i], &out)
			}
			out.Wake = out.Wake[:0]
		}()
		c.Handle(0, shard.Event{Kind: shard.Datagrams, Link: 1, Batch: []radio.Datagram{d}}, &out)
	}
	send := func(from uint64, p mqttsn.Packet) {
		handle(radio.Datagram{Addr: radio.Memory(from), Data: p.AppendTo(nil)})
	}
	send(1, &mqttsn.Connect{ProtocolID: 1, CleanSession: true, ClientID: []byte("good")})
	out.BeginRound()
	send(1, &mqttsn.Pingreq{})
	send(2, &mqttsn.Connect{ProtocolID: 1, CleanSession: true, ClientID: []byte("bad")})
	require.Equal(t, 1, c.Stats().Nodes)
	require.Empty(t, up.evicted)
	require.Len(t, out.Outgoing(), 1, "PINGRESP")
}
