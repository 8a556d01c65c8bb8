package core

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dormouse-mqtt/dormouse/broker/mqtt"
	"github.com/dormouse-mqtt/dormouse/broker/shard"
)

// members connects clients with kept sessions that share jobs/+ at the QoS.
func members(r *rig, qos mqtt.QoS, ids ...string) (all []*peer) {
	for _, id := range ids {
		p := r.kept(id, mqtt.V5)
		p.subscribe("$share/g/jobs/+", qos)
		all = append(all, p)
	}
	return all
}

func TestL7SharedFairly(t *testing.T) {
	r := newRig(t, Options{})
	all := members(r, 1, "a", "b", "c")
	alone := r.kept("alone", mqtt.V5)
	alone.subscribe("jobs/#", 1)
	p := r.volatile("p", mqtt.V5)
	for i := range 9 {
		p.send(message("jobs/1", fmt.Sprint(i), mqtt.QoS(i%2), uint16(i%2*(i+1))))
	}
	r.commit()
	for _, m := range all {
		require.Len(t, m.got, 3)
	}
	require.Len(t, alone.got, 9)
}

// TestL7LeaverGivesBack: what a member has not acknowledged at QoS 1 goes to
// another, in order, and is removed when that has it.
func TestL7LeaverGivesBack(t *testing.T) {
	r := newRig(t, Options{})
	all := members(r, 1, "a", "b")
	p := r.volatile("p", mqtt.V5)
	for i := range 4 {
		p.send(message("jobs/1", fmt.Sprint(i), 1, uint16(i+1)))
	}
	r.commit()
	require.Equal(t, "PUBLISH jobs/1 0 q1\nPUBLISH jobs/1 2 q1", all[0].take())
	require.Equal(t, "PUBLISH jobs/1 1 q1\nPUBLISH jobs/1 3 q1", all[1].take())
	all[0].send(&mqtt.Puback{PacketID: 1})
	all[0].drop()
	r.commit()
	require.Equal(t, "PUBLISH jobs/1 2 q1", all[1].take())
	for id := range uint16(3) {
		all[1].send(&mqtt.Puback{PacketID: id + 1})
	}
	r.commit()
	require.Zero(t, r.entries())
	messages, octets := r.core.clients.Get("a").groups["$share/g/jobs/+"].Kept()
	require.Zero(t, messages+octets)
	require.Zero(t, r.core.clients.Get("a").target.borrowed.Load()+r.core.clients.Get("b").target.borrowed.Load())
}

// TestL7WaitsForAMember: while nobody is there, messages wait for whoever comes.
func TestL7WaitsForAMember(t *testing.T) {
	r := newRig(t, Options{})
	all := members(r, 1, "a", "b")
	for _, m := range all {
		m.drop()
	}
	p := r.volatile("p", mqtt.V5)
	p.send(message("jobs/1", "x", 1, 1), message("jobs/1", "lost", 0, 0))
	r.commit()
	require.Equal(t, "PUBACK 1", p.take())
	r = r.reload(Options{})
	b := r.dial(mqtt.V5)
	b.send(connect("b", mqtt.V5, false, 600))
	r.commit()
	require.Equal(t, "CONNACK present\nPUBLISH jobs/1 x q1", b.take())
	b.send(&mqtt.Disconnect{})
	r.commit()
	a := r.dial(mqtt.V5)
	a.send(connect("a", mqtt.V5, false, 600))
	r.commit()
	require.Equal(t, "CONNACK present\nPUBLISH jobs/1 x q1", a.take())
}

// TestL7ExactlyOnceIsBound: a message of QoS 2 that was sent belongs to its
// member, also after a restart; its session's end discards it.
func TestL7ExactlyOnceIsBound(t *testing.T) {
	r := newRig(t, Options{})
	all := members(r, 2, "a", "b")
	r.volatile("p", mqtt.V5).send(message("jobs/1", "x", 2, 1))
	r.commit()
	require.Equal(t, "PUBLISH jobs/1 x q2", all[0].take())
	all[0].drop()
	r.commit()
	require.Empty(t, all[1].take())

	r = r.reload(Options{})
	b := r.dial(mqtt.V5)
	b.send(connect("b", mqtt.V5, false, 600))
	r.commit()
	require.Equal(t, "CONNACK present", b.take())
	a := r.dial(mqtt.V5)
	a.send(connect("a", mqtt.V5, false, 600))
	r.commit()
	require.Equal(t, "CONNACK present\nPUBLISH jobs/1 x q2 dup", a.take())
	clean := r.dial(mqtt.V5)
	clean.send(connect("a", mqtt.V5, true, 0))
	r.commit()
	require.Empty(t, b.take())
	require.Zero(t, r.entries())
}

// TestL7LastMemberEndsIt: nothing is left of a group without members.
func TestL7LastMemberEndsIt(t *testing.T) {
	r := newRig(t, Options{})
	all := members(r, 1, "a", "b")
	all[0].drop()
	all[1].drop()
	r.volatile("p", mqtt.V5).send(message("jobs/1", strings.Repeat("long", 1000), 1, 1))
	r.commit()
	require.Equal(t, 1, r.entries())
	require.Equal(t, 1, r.stored('b'))
	for _, id := range []string{"a", "b"} {
		p := r.dial(mqtt.V5)
		p.send(connect(id, mqtt.V5, true, 0))
		r.commit()
		p.send(&mqtt.Disconnect{})
		r.commit()
	}
	r.commit()
	require.Zero(t, r.entries()+r.stored('b')+r.stored('s'))
	p := r.volatile("q", mqtt.V5)
	p.send(message("jobs/1", "x", 1, 1))
	require.Equal(t, "PUBACK 1 0x10", p.take())
}

// TestL7SlowMemberDoesNotGetAll: who does not acknowledge gets no more than its
// window; the others go on.
func TestL7SlowMemberDoesNotGetAll(t *testing.T) {
	r := newRig(t, Options{MaxInflight: 2})
	all := members(r, 1, "slow", "quick")
	p := r.volatile("p", mqtt.V5)
	got := 0
	for i := range 20 {
		p.send(message("jobs/1", fmt.Sprint(i), 1, uint16(i+1)))
		r.commit()
		for range all[1].got {
			got++
			all[1].send(&mqtt.Puback{PacketID: uint16(got)})
		}
		all[1].take()
	}
	require.Len(t, all[0].got, 2)
	require.Equal(t, 18, got)
}

// TestL7FullWithAnothers: a member that had no room, for it had messages of
// another group, is served when it has some.
func TestL7FullWithAnothers(t *testing.T) {
	r := newRig(t, Options{MaxInflight: 1})
	m := r.kept("m", mqtt.V5)
	m.subscribe("$share/g/a", 1)
	m.subscribe("$share/h/b", 1)
	r.volatile("p", mqtt.V5).send(message("a", "1", 1, 1), message("b", "2", 1, 2))
	r.commit()
	require.Equal(t, "PUBLISH a 1 q1", m.take())
	m.send(&mqtt.Puback{PacketID: 1})
	r.commit()
	require.Equal(t, "PUBLISH b 2 q1", m.take())
}

// TestL7QoSOfAGroup: a group gets messages at the highest QoS of its members, so
// that nothing is stored for those that want QoS 0.
func TestL7QoSOfAGroup(t *testing.T) {
	r := newRig(t, Options{})
	low := members(r, 0, "low")[0]
	p := r.volatile("p", mqtt.V5)
	p.send(message("jobs/1", "x", 2, 1))
	require.Equal(t, "PUBLISH jobs/1 x q0", low.take())
	require.Equal(t, "PUBREC 1", p.take(), "nothing to wait for")
	high := members(r, 1, "high")[0]
	low.drop()
	p.send(message("jobs/1", "y", 2, 2))
	require.Equal(t, "PUBLISH jobs/1 y q1", high.take())
	r.commit()
	require.Equal(t, 1, r.entries())
	high.send(&mqtt.Unsubscribe{PacketID: 9, Filters: mqtt.NewNames(mqtt.AppendName(nil, "$share/g/jobs/+"))})
	p.send(message("jobs/1", "z", 2, 3))
	require.Empty(t, low.take())
}

// TestL7LeaverGivesBackTheOnlyOne: to one that is ready on the same shard.
func TestL7LeaverGivesBackTheOnlyOne(t *testing.T) {
	r := newRig(t, Options{})
	all := members(r, 1, "a", "b")
	p := r.volatile("p", mqtt.V5)
	p.send(message("jobs/1", "x", 1, 1))
	r.commit()
	require.Equal(t, "PUBLISH jobs/1 x q1", all[0].take())
	all[0].drop()
	r.commit()
	require.Equal(t, "PUBLISH jobs/1 x q1", all[1].take())
}

// TestL7ExactlyOnceOfAVolatileMember: its session ends with a crash, and what it
// may have had of QoS 2 ends with it.
func TestL7ExactlyOnceOfAVolatileMember(t *testing.T) {
	r := newRig(t, Options{})
	b := r.kept("b", mqtt.V5)
	b.subscribe("$share/g/jobs/+", 2)
	b.drop()
	a := r.volatile("a", mqtt.V5)
	a.subscribe("$share/g/jobs/+", 2)
	p := r.volatile("p", mqtt.V5)
	p.send(message("jobs/1", "x", 2, 1))
	r.commit()
	require.Equal(t, "PUBLISH jobs/1 x q2", a.take())
	require.Equal(t, "PUBREC 1", p.take())
	r = r.reload(Options{})
	b = r.dial(mqtt.V5)
	b.send(connect("b", mqtt.V5, false, 600))
	r.commit()
	r.commit()
	require.Equal(t, "CONNACK present", b.take(), "[MQTT-4.8.2-5]: a's session has ended, nobody else gets it")
}

// TestL7GivenBackIsStored: if the group has become durable meanwhile.
func TestL7GivenBackIsStored(t *testing.T) {
	r := newRig(t, Options{})
	v := r.volatile("v", mqtt.V5)
	v.subscribe("$share/g/jobs/+", 1)
	r.volatile("p", mqtt.V5).send(message("jobs/1", "x", 1, 1))
	r.commit()
	require.Equal(t, "PUBLISH jobs/1 x q1", v.take())
	members(r, 1, "d")[0].drop()
	v.drop()
	r.commit()
	r = r.reload(Options{})
	require.Equal(t, 1, r.core.clients.Get("d").groups["$share/g/jobs/+"].group.queue.Queued())
}

// TestL7UnsubscribedIsCompleted: what was sent to a member that unsubscribes is
// its own from then on, also when the group ends with it [MQTT-3.10.4-3].
func TestL7UnsubscribedIsCompleted(t *testing.T) {
	for _, qos := range []mqtt.QoS{1, 2} {
		r := newRig(t, Options{})
		a := members(r, qos, "a")[0]
		r.volatile("p", mqtt.V5).send(message("jobs/1", "x", qos, 1))
		r.commit()
		sent := a.take()
		require.Equal(t, fmt.Sprintf("PUBLISH jobs/1 x q%d", qos), sent)
		a.send(&mqtt.Unsubscribe{PacketID: 3, Filters: mqtt.NewNames(mqtt.AppendName(nil, "$share/g/jobs/+"))})
		r.commit()
		a.take()
		messages, _ := r.core.clients.Get("a").target.Kept()
		require.Equal(t, 1, messages)
		require.Zero(t, r.core.clients.Get("a").target.borrowed.Load())

		r = r.reload(Options{})
		a = r.dial(mqtt.V5)
		a.send(connect("a", mqtt.V5, false, 600))
		r.commit()
		r.commit()
		got := a.take()
		require.Contains(t, got, "CONNACK present\n"+sent)
		if qos == 2 {
			require.Contains(t, got, " dup")
			a.send(&mqtt.Pubrec{PacketID: 1})
			r.commit()
			require.Equal(t, "PUBREL 1", a.take())
			a.send(&mqtt.Pubcomp{PacketID: 1})
		} else {
			for id := range uint16(0xffff) { // a restart gives new ids at QoS 1
				if r.core.clients.Get("a").Idle() {
					break
				}
				a.send(&mqtt.Puback{PacketID: id + 1})
			}
		}
		r.commit()
		require.Zero(t, r.entries())
		messages, _ = r.core.clients.Get("a").target.Kept()
		require.Zero(t, messages)
	}
}

// TestL7MarksOutliveARestart: what a shared subscription has its messages carry is
// there when they are sent again.
func TestL7MarksOutliveARestart(t *testing.T) {
	r := newRig(t, Options{})
	a := r.kept("a", mqtt.V5)
	raw := mqtt.AppendFilter(nil, "$share/g/jobs/+", mqtt.SubscribeOptions{QoS: 2, RetainAsPublished: true})
	a.send(&mqtt.Subscribe{
		PacketID: 1, Filters: mqtt.NewFilters(raw),
		Properties: mqtt.NewProperties(mqtt.AppendVarint(nil, mqtt.SubscriptionIdentifier, 7)),
	})
	r.commit()
	m := message("jobs/1", "x", 2, 1)
	m.Retain = true
	r.volatile("p", mqtt.V5).send(m)
	r.commit()
	r = r.reload(Options{})
	r.core.clients.Get("a").Rewrite(func(e *shard.Entry) {
		require.True(t, e.Retain)
		require.Equal(t, []uint32{7}, e.Identifiers())
	})
	require.Equal(t, 1, r.core.clients.Get("a").InFlight())
}
