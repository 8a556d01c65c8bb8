package session

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dormouse-mqtt/dormouse/mqttsn"
)

func message(qos mqttsn.QoS, id uint16, payload string) *mqttsn.Publish {
	return &mqttsn.Publish{QoS: qos, TopicID: 1, MsgID: id, Data: []byte(payload)}
}

func pubrel(id uint16) mqttsn.Packet { return &mqttsn.Pubrel{MsgID: id} }

// window is that of the rig's link: N_retry x T_retry.
const window = 30 * time.Second

// TestL4OnceFromTheNode: PUBREC and PUBCOMP wait for what they say. What is about
// to be answered is not answered twice.
func TestL4OnceFromTheNode(t *testing.T) {
	r := connect(t, false)
	r.subscribed("a")
	r.step(message(2, 5, "x"), message(2, 5, "x"))
	r.hears()
	r.commit()
	r.hears("PUBREC 5")
	r.step(message(2, 5, "x"), pubrel(5), pubrel(5))
	r.hears("PUBREC 5")
	r.commit()
	r.hears("PUBCOMP 5")
	r.step(pubrel(5))
	r.hears("PUBCOMP 5")
	r.step(message(1, 6, "y"), message(1, 6, "y"))
	r.hears()
	r.commit()
	r.hears("PUBACK 6 0")
	r.step(message(1, 6, "y"))
	r.hears("PUBACK 6 0")
	require.Equal(t, []string{"a x 2", "a y 1"}, r.published)
}

// TestP6KnownForAWindow: what the node repeats is not published again, also after
// the end of the exchange, after a sleep, a restart and a new connection.
func TestP6KnownForAWindow(t *testing.T) {
	between := map[string]func(*rig){
		"at once":      func(r *rig) {},
		"sleep":        func(r *rig) { r.sleeps(60); r.wakes() },
		"restart":      func(r *rig) { r.sleeps(60); r.restart() },
		"reconnection": func(r *rig) { r.reconnect(false) },
	}
	for name, happens := range between {
		for _, qos := range []mqttsn.QoS{1, 2} {
			t.Run(name, func(t *testing.T) {
				r := connect(t, false)
				r.subscribed("a")
				r.step(message(qos, 5, "x"))
				if qos == 2 {
					r.step(pubrel(5))
				}
				r.commit()
				r.run(window - 1)
				happens(r)
				r.commit()
				r.said = nil
				r.step(message(qos, 5, "x"))
				r.commit()
				require.Len(t, r.published, 1)
				require.Contains(t, r.said, map[mqttsn.QoS]string{1: "PUBACK 5 0", 2: "PUBREC 5"}[qos])

				r.step(message(qos, 5, "another")) // the id may be used again
				require.Len(t, r.published, 2)
				if qos == 2 {
					r.step(pubrel(5))
				}
				r.run(2 * window)
				r.step(message(qos, 5, "x")) // the plain rule afterwards
				require.Len(t, r.published, 3)
			})
		}
	}
}

// TestP6RestartAfterTheWindow: what was stored is forgotten in time.
func TestP6RestartAfterTheWindow(t *testing.T) {
	r := connect(t, false)
	r.subscribed("a")
	r.step(message(1, 5, "x"), message(2, 6, "y"))
	r.sleeps(3600)
	r.now += window
	r.restart()
	r.step(message(1, 5, "x"), message(2, 6, "y"))
	require.Equal(t, []string{"a x 1", "a y 2", "a x 1"}, r.published, "an open exchange is known until PUBREL")
}

// TestT12Replay: a capture that is played again publishes nothing.
func TestT12Replay(t *testing.T) {
	for _, clean := range []bool{false, true} {
		r := connect(t, clean)
		r.subscribed("a")
		capture := []mqttsn.Packet{
			message(1, 1, "on"), message(2, 2, "off"), pubrel(2), message(1, 3, "on"), message(2, 4, "x"), pubrel(4),
		}
		for range 3 {
			r.step(capture...)
			r.commit()
			r.run(5 * time.Second)
		}
		require.Len(t, r.published, 4)
	}
}

// TestP5DupSaysNothing: a message with DUP that is not known is new, one without
// DUP that is known is not.
func TestP5DupSaysNothing(t *testing.T) {
	r := connect(t, true)
	r.subscribed("a")
	first := message(2, 5, "x")
	first.Dup = true
	r.step(first, message(2, 5, "x"))
	require.Len(t, r.published, 1)
}

// TestP6OpenExchange: until PUBREL the id alone says that it is a repetition
// [MQTT-4.3.3-10].
func TestP6OpenExchange(t *testing.T) {
	r := connect(t, true)
	r.subscribed("a")
	r.step(message(2, 5, "x"), message(2, 5, "other"))
	r.hears("PUBREC 5", "PUBREC 5")
	require.Len(t, r.published, 1)
	r.step(pubrel(5), message(2, 5, "other"), message(2, 5, "x"))
	require.Equal(t, []string{"a x 2", "a other 2"}, r.published, "late repetitions of the one before")
}

// TestP3ZeroIsNoID: messages of QoS 1 under it are all new.
func TestP3ZeroIsNoID(t *testing.T) {
	r := connect(t, true)
	r.subscribed("a")
	r.step(message(1, 0, "x"), message(1, 0, "x"), message(2, 0, "y"), message(2, 0, "y"))
	r.hears("PUBACK 0 0", "PUBACK 0 0", "PUBREC 0", "PUBREC 0")
	require.Len(t, r.published, 3)
}

// TestP8Window: what is in flight is bounded, what is done is not in flight.
func TestP8Window(t *testing.T) {
	r := connect(t, true)
	r.subscribed("a")
	for id := range uint16(3 * maxInbound) {
		r.step(message(1, id+1, "x"))
	}
	require.Equal(t, "PUBACK 192 0", r.said[len(r.said)-1])
	require.Len(t, r.s.rare.inbound, maxInbound)
	r.said = nil
	for id := range uint16(maxInbound) {
		r.step(message(2, id+1, "x"))
	}
	r.said = nil
	r.step(message(2, 1000, "x"), message(1, 1001, "x"))
	r.hears("PUBACK 1000 1", "PUBACK 1001 1")
	r.step(message(2, 1, "x"), pubrel(1), message(2, 1000, "x"))
	r.hears("PUBREC 1", "PUBCOMP 1", "PUBACK 1000 1")
	r.run(window)
	r.step(message(2, 1000, "x"))
	r.hears("PUBREC 1000")

	r = connect(t, false) // the store is slow
	r.subscribed("a")
	for id := range uint16(maxInbound) {
		r.step(message(1, id+1, "x"))
	}
	r.step(message(1, 1000, "x"))
	r.hears("PUBACK 1000 1")
}

// TestRefusedIsNotRemembered: the exchange ends with the answer (T7, P9).
func TestRefusedIsNotRemembered(t *testing.T) {
	r := connect(t, true)
	r.step(message(2, 5, "x"))
	r.hears("PUBACK 5 2")
	r.subscribed("a")
	r.refuse = mqttsn.Congestion
	r.step(message(2, 5, "x"))
	r.hears("PUBACK 5 1")
	r.refuse = mqttsn.Accepted
	r.step(message(2, 5, "x"))
	r.hears("PUBREC 5")
}

// TestMemoryIsGivenBack: a node that said something once costs what it did
// before.
func TestMemoryIsGivenBack(t *testing.T) {
	r := connect(t, true)
	r.subscribed("a")
	r.step(message(1, 5, "x"))
	r.run(window)
	r.step(&mqttsn.Pingreq{})
	require.Nil(t, r.s.rare.inbound)
}

func TestFingerprint(t *testing.T) {
	a := message(1, 5, "x")
	for name, change := range map[string]func(p *mqttsn.Publish){
		"QoS":     func(p *mqttsn.Publish) { p.QoS = 2 },
		"retain":  func(p *mqttsn.Publish) { p.Retain = true },
		"topic":   func(p *mqttsn.Publish) { p.TopicID = 2 },
		"type":    func(p *mqttsn.Publish) { p.TopicIDType = mqttsn.TopicPredefined },
		"payload": func(p *mqttsn.Publish) { p.Data = []byte("y") },
	} {
		b := message(1, 5, "x")
		change(b)
		require.NotEqual(t, fingerprint(a), fingerprint(b), name)
	}
	b := message(1, 6, "x")
	b.Dup = true
	require.Equal(t, fingerprint(a), fingerprint(b))
}

// TestP6WindowIsNotRenewed: a node with one message id and one payload, every 20
// s, is heard again and again.
func TestP6WindowIsNotRenewed(t *testing.T) {
	r := connect(t, true)
	r.subscribed("a")
	for range 90 { // half an hour
		r.step(message(1, 1, "alive"))
		r.run(20 * time.Second)
	}
	require.Len(t, r.published, 45)
}

// TestP6QoS2OutlivesABurst: what is done with at QoS 1 makes room, not what is at
// QoS 2.
func TestP6QoS2OutlivesABurst(t *testing.T) {
	r := connect(t, true)
	r.subscribed("a")
	r.step(message(2, 500, "open the valve"), pubrel(500))
	for id := range uint16(maxInbound) { // more than two a second
		r.step(message(1, id+1, "x"))
		r.run(400 * time.Millisecond)
	}
	require.Less(t, r.now, window)
	n := len(r.published)
	r.step(message(2, 500, "open the valve"))
	require.Len(t, r.published, n)
}

// TestP6AbandonedExchanges: a node that never ends what it began is heard again
// after a day.
func TestP6AbandonedExchanges(t *testing.T) {
	r := connect(t, false)
	r.subscribed("a")
	for i := range uint16(maxInbound) {
		r.step(message(2, 1000+i, "x"))
		r.commit()
		r.reconnect(false)
	}
	r.step(message(1, 5, "y"))
	r.hears("PUBACK 5 1")
	r.now += abandoned
	r.reconnect(false)
	r.step(message(1, 5, "y"))
	r.commit()
	r.hears("PUBACK 5 0")
	require.Equal(t, 1, r.counts[Abandoned])
}

// TestWriteOfAMessage: what is stored of it does not depend on what the node has
// besides.
func TestWriteOfAMessage(t *testing.T) {
	r := connect(t, false)
	for i := range maxTopics {
		r.step(&mqttsn.Register{MsgID: 7, TopicName: fmt.Appendf(nil, "t/%d", i)})
		r.commit()
	}
	for id := range uint16(3 * maxInbound) {
		r.written = 0
		r.step(message(1, id+1, "x"))
		require.Equal(t, inboundSize, r.written)
		r.commit()
	}
	require.Len(t, r.details, maxTopics+maxInbound)
}
