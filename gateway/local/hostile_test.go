package local_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/mqttsn"
	"github.com/dormouse-mqtt/dormouse/radio"
)

// TestHostileNodes: whatever is said, over crashes too, the gateway goes on, and
// ends what fell silent.
func TestHostileNodes(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 2))
		s := newSite(t)
		s.link.MTU, s.link.Roam = 200, shard.RoamAny
		for range 400 {
			data := hostile(r).AppendTo(nil)
			if r.IntN(8) == 0 {
				data = (&mqttsn.Forward{NodeID: text(r), Message: data}).AppendTo(nil)
			}
			if r.IntN(10) == 0 && len(data) > 2 {
				data[r.IntN(len(data))] = byte(r.Uint32())
			}
			s.datagram(radio.Memory(r.Uint64N(2)), data)
			switch r.IntN(6) {
			case 0:
				s.commit()
			case 1:
				s.run(time.Duration(r.IntN(3000)) * time.Millisecond)
			}
			if r.IntN(60) == 0 {
				s.stall()
			}
			if r.IntN(60) == 0 {
				s.crash(r.IntN(len(s.pending)+1), time.Duration(r.IntN(5))*time.Second)
			}
		}
		s.commit()
		got := newHandset(s).says(&mqttsn.Connect{ProtocolID: 1, Duration: 60, CleanSession: true, ClientID: []byte("n")})
		require.Contains(t, got, mqttsn.Packet(&mqttsn.Connack{}), "a node is served again")
		s.run(100 * time.Hour)
		require.Zero(t, s.machine.Gateway.Stats().Nodes, "seed %d", seed)
	}
}

// hostile is anything that can be said, with ids that collide.
func hostile(r *rand.Rand) mqttsn.Packet {
	switch r.IntN(16) {
	case 0:
		return &mqttsn.Connect{ProtocolID: 1, Duration: small(r), CleanSession: r.IntN(2) == 0, ClientID: []byte("n")}
	case 1:
		return &mqttsn.Pingreq{ClientID: []byte("n")}
	case 2:
		return &mqttsn.Disconnect{HasDuration: r.IntN(2) == 0, Duration: small(r)}
	case 3, 4:
		return &mqttsn.Subscribe{QoS: mqttsn.QoS(r.IntN(4) - 1), MsgID: small(r), TopicName: text(r)}
	case 5:
		return &mqttsn.Register{TopicID: small(r), MsgID: small(r), TopicName: text(r)}
	case 6:
		return &mqttsn.Regack{TopicID: small(r), MsgID: small(r), Code: mqttsn.ReturnCode(r.IntN(4))}
	case 7, 8, 9:
		return &mqttsn.Publish{QoS: mqttsn.QoS(r.IntN(4) - 1), Retain: r.IntN(3) == 0, TopicIDType: mqttsn.TopicIDType(r.IntN(4)), TopicID: small(r), MsgID: small(r), Data: text(r)}
	case 10:
		return &mqttsn.Puback{TopicID: small(r), MsgID: small(r), Code: mqttsn.ReturnCode(r.IntN(4))}
	case 11:
		return &mqttsn.Pubrec{MsgID: small(r)}
	case 12:
		return &mqttsn.Pubrel{MsgID: small(r)}
	case 13:
		return &mqttsn.Pubcomp{MsgID: small(r)}
	case 14:
		return &mqttsn.Unsubscribe{MsgID: small(r), TopicName: text(r)}
	default:
		return &mqttsn.Willtopicupd{}
	}
}

func small(r *rand.Rand) uint16 { return uint16(r.IntN(4)) }

// text is of a few octets, not all of which belong into a text.
func text(r *rand.Rand) []byte {
	b := make([]byte, r.IntN(4))
	for i := range b {
		b[i] = "ab/+#\x00\xff$é"[r.IntN(10)]
	}
	return b
}
