package local_test

import (
	"maps"
	"slices"
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

// A bomb goes off over a message on zz, and over a subscription to boom.
type bomb struct{ broker.Directory }

func (b bomb) Match(topic string, visit func(*broker.Target, broker.Subscription)) {
	if topic == "zz" {
		panic("a bug")
	}
	b.Directory.Match(topic, visit)
}

func (b bomb) Subscribe(filter string, t *broker.Target, s broker.Subscription) (bool, broker.Step) {
	if filter == "boom" {
		panic("a bug")
	}
	return b.Directory.Subscribe(filter, t, s)
}

// newMine is a site with a bomb.
func newMine(t *testing.T) *site {
	s := newSite(t)
	s.machine = local.New(broker.New(bomb{broker.NewDirectory(s.submit)}, broker.Options{Epoch: 1}), gateway.Options{})
	s.event(shard.Event{Kind: shard.Wall, Offset: s.wall})
	s.linkUp()
	return s
}

// panics brings datagrams, each an event of its own, and undoes those that panic.
func (s *site) panics(batch ...radio.Datagram) {
	s.round(func() {
		for i := range batch {
			ev := shard.Event{Kind: shard.Datagrams, Link: link, Batch: batch[i : i+1]}
			s.out.BeginEvent()
			func() {
				defer func() {
					if recover() != nil {
						s.out.Rollback()
						s.machine.Evict(s.now, ev, &s.out)
					}
				}()
				s.machine.Handle(s.now, ev, &s.out)
			}()
		}
	})
	s.reads()
}

// reads answers what the machine has asked of the store.
func (s *site) reads() {
	for _, r := range slices.Clone(s.out.Reads) {
		s.commit()
		ev := store.Event{Kind: store.Read, Tag: r.Tag}
		for _, k := range slices.Sorted(maps.Keys(s.disk)) {
			if k >= string(r.From) && k < string(r.To) {
				ev.Entries = append(ev.Entries, store.Entry{Key: []byte(k), Value: s.disk[k]})
			}
		}
		s.event(shard.Event{Kind: shard.Stored, Store: ev})
	}
}

// TestL15PanicOfAnotherNode: what a node's datagram did is written before it is
// acknowledged, whatever the next datagram of the same read does.
func TestL15PanicOfAnotherNode(t *testing.T) {
	s := newMine(t)
	h := newHandset(s)
	h.connects(false)
	h.subscribes("a")
	h.sleeps(60_000)
	for n := range uint64(2) {
		h.addr = radio.Memory(2 + n)
		h.hears(&mqttsn.Connect{CleanSession: true, ProtocolID: 1, ClientID: []byte{byte('p' + n)}}, &mqttsn.Connack{})
		h.hears(&mqttsn.Register{MsgID: 1, TopicName: []byte("a")}, &mqttsn.Regack{TopicID: 1, MsgID: 1})
	}
	h.heard = nil
	zz := &mqttsn.Publish{TopicIDType: mqttsn.TopicShort, TopicID: mqttsn.ShortID([]byte("zz"))}
	s.panics(
		radio.Datagram{Addr: radio.Memory(2), Data: atLeastOnce(9, "x").AppendTo(nil)},
		radio.Datagram{Addr: radio.Memory(3), Data: zz.AppendTo(nil)},
	)
	require.Empty(t, h.heard)
	s.commit()
	require.Equal(t, []mqttsn.Packet{&mqttsn.Puback{TopicID: 1, MsgID: 9}}, h.heard)
	require.Equal(t, uint64(1), s.machine.Gateway.Stats().Evicted)
	require.Equal(t, 2, s.machine.Gateway.Stats().Nodes)
	s.crash(0, 0)
	s.run(time.Second)
	h.addr = radio.Memory(1)
	require.Equal(t, "x", string(h.says(wake("n"))[0].(*mqttsn.Publish).Data))
}

// TestL15PanicOfANode: its session is as the store has it, with what it knows of
// the node's messages.
func TestL15PanicOfANode(t *testing.T) {
	s := newMine(t)
	h := newHandset(s)
	h.connects(false)
	h.hears(&mqttsn.Register{MsgID: 1, TopicName: []byte("up")}, &mqttsn.Regack{TopicID: 1, MsgID: 1})
	h.hears(atLeastOnce(8, "x"), &mqttsn.Puback{TopicID: 1, MsgID: 8})
	s.panics(radio.Datagram{Addr: h.addr, Data: (&mqttsn.Subscribe{MsgID: 2, TopicName: []byte("boom")}).AppendTo(nil)})
	require.Zero(t, s.machine.Gateway.Stats().Nodes)
	h.hears(&mqttsn.Pingreq{}, &mqttsn.Disconnect{}) // C14
	h.connects(false)
	published := s.machine.Broker.Stats().Published
	h.hears(atLeastOnce(8, "x"), &mqttsn.Puback{TopicID: 1, MsgID: 8})
	require.Equal(t, published, s.machine.Broker.Stats().Published)
	h.hears(&mqttsn.Register{MsgID: 3, TopicName: []byte("next")}, &mqttsn.Regack{TopicID: 2, MsgID: 3})
}
