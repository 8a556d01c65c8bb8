package core

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dormouse-mqtt/dormouse/broker/mqtt"
)

// TestL4WhatWaits: each of these leaves when the store has committed what it
// says, first answer or repeated, and not before.
func TestL4WhatWaits(t *testing.T) {
	for _, tt := range []struct {
		name string
		ask  func(r *rig) *peer // does all but the last commit
		want string
	}{
		{"CONNACK that makes a session", func(r *rig) *peer {
			p := r.dial(mqtt.V311)
			p.send(connect("c", mqtt.V311, false, 0))
			return p
		}, "CONNACK"},
		{"CONNACK that resumes a session", func(r *rig) *peer {
			r.kept("c", mqtt.V5).drop()
			r.commit()
			p := r.dial(mqtt.V5)
			p.send(connect("c", mqtt.V5, false, 30))
			return p
		}, "CONNACK present"},
		{"CONNACK that ends a session", func(r *rig) *peer {
			r.kept("c", mqtt.V5).drop()
			r.commit()
			p := r.dial(mqtt.V5)
			p.send(connect("c", mqtt.V5, true, 0))
			return p
		}, "CONNACK"},
		{"SUBACK", func(r *rig) *peer {
			p := r.kept("c", mqtt.V5)
			p.send(&mqtt.Subscribe{PacketID: 1, Filters: mqtt.NewFilters(mqtt.AppendFilter(nil, "t", mqtt.SubscribeOptions{}))})
			return p
		}, "SUBACK"},
		{"UNSUBACK", func(r *rig) *peer {
			p := r.kept("c", mqtt.V5)
			p.subscribe("t", 1)
			p.send(&mqtt.Unsubscribe{PacketID: 1, Filters: mqtt.NewNames(mqtt.AppendName(nil, "t"))})
			return p
		}, "UNSUBACK"},
		{"PUBACK of what a kept session gets", func(r *rig) *peer {
			r.kept("s", mqtt.V5).subscribe("t", 1)
			p := r.volatile("c", mqtt.V5)
			p.send(message("t", "x", 1, 7))
			return p
		}, "PUBACK 7"},
		{"PUBACK of what is retained", func(r *rig) *peer {
			p := r.volatile("c", mqtt.V311)
			m := message("t", "x", 1, 7)
			m.Retain = true
			p.send(m)
			return p
		}, "PUBACK 7"},
		{"PUBREC", func(r *rig) *peer {
			p := r.kept("c", mqtt.V311)
			p.send(message("t", "x", 2, 7))
			return p
		}, "PUBREC 7"},
		{"PUBREC repeated", func(r *rig) *peer {
			p := r.kept("c", mqtt.V311)
			p.send(message("t", "x", 2, 7))
			m := message("t", "x", 2, 7)
			m.Dup = true
			p.send(m)
			return p
		}, "PUBREC 7\nPUBREC 7"},
		{"PUBCOMP", func(r *rig) *peer {
			p := r.kept("c", mqtt.V311)
			p.send(message("t", "x", 2, 7))
			r.commit()
			require.Equal(r.t, "PUBREC 7", p.take())
			p.send(&mqtt.Pubrel{PacketID: 7})
			return p
		}, "PUBCOMP 7"},
		{"PUBCOMP repeated", func(r *rig) *peer {
			p := r.kept("c", mqtt.V311)
			p.send(message("t", "x", 2, 7))
			r.commit()
			p.take()
			p.send(&mqtt.Pubrel{PacketID: 7}, &mqtt.Pubrel{PacketID: 7})
			return p
		}, "PUBCOMP 7\nPUBCOMP 7"},
		{"PUBLISH of QoS 2 to a kept session", func(r *rig) *peer {
			s := r.kept("s", mqtt.V311)
			s.subscribe("t", 2)
			r.volatile("c", mqtt.V311).send(message("t", "x", 2, 7))
			return s
		}, "PUBLISH t x q2"},
		{"what follows a PUBLISH of QoS 2", func(r *rig) *peer {
			s := r.kept("s", mqtt.V311)
			s.subscribe("t", 2)
			p := r.volatile("c", mqtt.V311)
			p.send(message("t", "x", 2, 7), message("t", "y", 1, 8), message("t", "z", 0, 0))
			return s
		}, "PUBLISH t x q2\nPUBLISH t y q1\nPUBLISH t z q0"},
		{"PUBREL", func(r *rig) *peer {
			s := r.kept("s", mqtt.V311)
			s.subscribe("t", 2)
			r.volatile("c", mqtt.V311).send(message("t", "x", 2, 7))
			r.commit()
			require.Equal(r.t, "PUBLISH t x q2", s.take())
			s.send(&mqtt.Pubrec{PacketID: 1})
			return s
		}, "PUBREL 1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, Options{Epoch: 0})
			p := tt.ask(r)
			require.Empty(t, p.take(), "before the store has it")
			r.commit()
			require.Equal(t, tt.want, p.take())
		})
	}
}

// TestL4WhatDoesNotWait: these say nothing that a crash could take back.
func TestL4WhatDoesNotWait(t *testing.T) {
	r := newRig(t, Options{})
	s := r.kept("s", mqtt.V311)
	s.subscribe("t", 1)
	p := r.volatile("c", mqtt.V311)
	p.send(message("t", "zero", 0, 0), message("t", "one", 1, 7), message("nobody", "hears", 1, 8))
	require.Equal(t, "PUBLISH t zero q0\nPUBLISH t one q1", s.take(), "deliveries of QoS 0 and 1")
	require.Empty(t, p.take(), "PUBACKs keep their order: the second waits for the first")
	s.send(&mqtt.Puback{PacketID: 1}, &mqtt.Pingreq{})
	require.Equal(t, "PINGRESP", s.take())
	r.commit()
	require.Equal(t, "PUBACK 7\nPUBACK 8", p.take())
}

// TestL5PacketIDsGoOnElsewhere: what may have been in flight at QoS 1 is sent
// anew, under an id that is not the one before.
func TestL5PacketIDsGoOnElsewhere(t *testing.T) {
	r := newRig(t, Options{})
	s := r.kept("s", mqtt.V311)
	s.subscribe("t", 1)
	r.volatile("c", mqtt.V311).send(message("t", "x", 1, 7))
	require.Equal(t, "PUBLISH t x q1", s.take())
	r.commit()

	r = r.reload(Options{})
	s = r.dial(mqtt.V311)
	s.send(connect("s", mqtt.V311, false, 0))
	r.commit()
	require.Equal(t, "CONNACK present\nPUBLISH t x q1", s.take(), "sent anew, not again")
	require.NotEqual(t, 0, r.core.clients.Get("s").InFlight())
	e, ok := r.core.clients.Get("s").Acked(1)
	require.False(t, ok, "another packet id: %v", e)
}
