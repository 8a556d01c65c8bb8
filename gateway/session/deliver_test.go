package session

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dormouse-mqtt/dormouse/mqttsn"
)

func pubrec(id uint16) mqttsn.Packet  { return &mqttsn.Pubrec{MsgID: id} }
func pubcomp(id uint16) mqttsn.Packet { return &mqttsn.Pubcomp{MsgID: id} }
func puback(id uint16) mqttsn.Packet  { return &mqttsn.Puback{MsgID: id} }

// TestL4ExactlyOnceToTheNode: PUBLISH and PUBREL wait for what they say, and are
// repeated from when they have left.
func TestL4ExactlyOnceToTheNode(t *testing.T) {
	r := connect(t, false)
	r.subscribed("a")
	r.queued(2, "a", "x")
	r.queued(2, "a", "y")
	r.hears()
	r.run(time.Minute)
	r.hears()
	r.commit()
	r.hears("PUBLISH 1 1 x")
	r.run(9 * time.Second)
	r.hears()
	r.run(time.Second)
	r.hears("PUBLISH 1 1 x dup")
	r.step(pubrec(1), pubrec(1))
	r.hears()
	r.run(time.Minute)
	r.commit()
	r.hears("PUBREL 1")
	r.step(pubrec(1))
	r.hears("PUBREL 1")
	r.run(10 * time.Second)
	r.hears("PUBREL 1")
	r.step(pubcomp(2))
	r.hears()
	r.step(pubcomp(1))
	r.commit()
	r.hears("PUBLISH 1 2 y")
}

func TestQoS2OfASessionThatIsNotStored(t *testing.T) {
	r := connect(t, true)
	r.subscribed("a")
	r.queued(2, "a", "x")
	r.hears("PUBLISH 1 1 x")
	r.step(pubrec(1), pubcomp(1))
	r.hears("PUBREL 1")
	require.Nil(t, r.flight)
	require.Zero(t, r.extended)
}

// TestS3PingrespAfterPubcomp: the node switches its radio off on PINGRESP.
func TestS3PingrespAfterPubcomp(t *testing.T) {
	r := connect(t, false)
	r.subscribed("a")
	r.sleeps(60)
	r.queued(1, "a", "x")
	r.queued(2, "a", "y")
	r.wakes()
	r.hears("PUBLISH 1 1 x")
	r.step(puback(1))
	r.commit()
	r.hears("PUBLISH 1 2 y")
	r.step(pubrec(2))
	r.commit()
	r.hears("PUBREL 2")
	require.Equal(t, Awake, r.s.State())
	r.step(pubcomp(2))
	r.hears("PINGRESP")
	require.Equal(t, Asleep, r.s.State())
}

// TestS2OneAtATime: one message under way, first in first out, of any QoS.
func TestS2OneAtATime(t *testing.T) {
	r := connect(t, true)
	r.subscribed("a")
	r.sleeps(60)
	for i, m := range []string{"v", "w", "x", "y", "z"} {
		r.queued([]byte{0, 1, 0, 0, 2}[i], "a", m)
	}
	r.wakes()
	r.commit()
	r.hears("PUBLISH 1 0 v", "PUBLISH 1 1 w")
	r.step(puback(1))
	r.commit()
	r.hears("PUBLISH 1 0 x", "PUBLISH 1 0 y", "PUBLISH 1 2 z")
}

// TestS4SilentWhileAwake: four times, then no PINGRESP, and the message is first
// in the next wake.
func TestS4SilentWhileAwake(t *testing.T) {
	for _, tt := range []struct {
		name       string
		qos        byte
		to         []mqttsn.Packet // after PUBLISH
		says       string
		again      string
		nextWakeIs string
	}{
		{"PUBACK is lost", 1, nil, "PUBLISH 1 1 x", "PUBLISH 1 1 x dup", "PUBLISH 1 1 x dup"},
		{"PUBREC is lost", 2, nil, "PUBLISH 1 1 x", "PUBLISH 1 1 x dup", "PUBLISH 1 1 x dup"},
		{"PUBCOMP is lost", 2, []mqttsn.Packet{pubrec(1)}, "PUBREL 1", "PUBREL 1", "PUBREL 1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := connect(t, false)
			r.subscribed("a")
			r.sleeps(60)
			r.queued(tt.qos, "a", "x")
			r.queued(0, "a", "behind it")
			r.wakes()
			r.commit()
			r.step(tt.to...)
			r.commit()
			require.Equal(t, tt.says, r.said[len(r.said)-1])
			r.said = nil
			r.run(time.Minute)
			r.hears(repeated(3, tt.again)...)
			require.Equal(t, Asleep, r.s.State())
			r.wakes()
			r.hears(tt.nextWakeIs) // S19
		})
	}
}

// TestS5PingreqAgain resends what is under way and begins nothing.
func TestS5PingreqAgain(t *testing.T) {
	r := connect(t, false)
	r.subscribed("a")
	r.sleeps(60)
	r.queued(2, "a", "x")
	r.wakes()
	r.wakes()
	r.hears() // it is yet to leave
	r.commit()
	r.wakes()
	r.hears("PUBLISH 1 1 x", "PUBLISH 1 1 x dup")
	r.step(pubrec(1))
	r.commit()
	r.wakes()
	r.hears("PUBREL 1", "PUBREL 1")
	r.step(pubcomp(1))
	r.hears("PINGRESP")
}

// TestS6AWakeIsBounded by messages, octets and time; the rest comes next time.
func TestS6AWakeIsBounded(t *testing.T) {
	wake := func(payload int) (r *rig, got int) {
		r = connect(t, true)
		r.subscribed("a")
		r.sleeps(60)
		for range 2000 {
			r.queued(0, "a", string(make([]byte, payload)))
		}
		r.wakes()
		require.Equal(t, "PINGRESP", r.said[len(r.said)-1])
		return r, len(r.said) - 1
	}
	_, got := wake(10)
	require.Equal(t, wakeMessages, got)
	r, got := wake(900)
	require.Equal(t, (wakeOctets+899)/900, got)
	r.said = nil
	r.wakes()
	require.Len(t, r.said, got+1)

	r = connect(t, true)
	r.subscribed("a")
	r.sleeps(60)
	for range 100 {
		r.queued(1, "a", "x")
	}
	r.wakes()
	for id := uint16(1); r.s.State() == Awake; id++ {
		r.run(900 * time.Millisecond)
		r.step(puback(id))
	}
	require.InDelta(t, wakeTime.Seconds()/0.9, len(r.said), 2)
}

// TestS19SleepInTheMiddle: the same id, with DUP until PUBREC, and only PUBREL
// after it, also when PUBREC comes after the node said that it sleeps.
func TestS19SleepInTheMiddle(t *testing.T) {
	r := connect(t, false)
	r.subscribed("a")
	r.queued(2, "a", "x")
	r.commit()
	r.said = nil
	r.sleeps(60)
	r.wakes()
	r.hears("PUBLISH 1 1 x dup")
	r.sleeps(60)
	r.step(pubrec(1))
	r.hears()
	r.commit()
	r.hears("PUBREL 1")
	r.wakes()
	r.hears("PUBREL 1")
	r.sleeps(60)
	r.step(pubcomp(1))
	r.wakes()
	r.hears("PINGRESP")
}

// TestP7UnknownIDs lets the other side finish.
func TestP7UnknownIDs(t *testing.T) {
	r := connect(t, true)
	r.step(pubrec(77), &mqttsn.Pubrel{MsgID: 78}, pubcomp(79))
	r.hears("PUBREL 77", "PUBCOMP 78")
}

// TestT1OneRegister: everything behind a new topic waits, in order.
func TestT1OneRegister(t *testing.T) {
	r := connect(t, false)
	r.queued(0, "a/1", "x")
	r.queued(2, "a/1", "y")
	r.queued(0, "a/2", "z")
	r.hears()
	r.commit() // L4: a new id is stored first
	r.hears("REGISTER 1 1 a/1")
	r.step(&mqttsn.Regack{TopicID: 1, MsgID: 1})
	r.hears("PUBLISH 1 0 x")
	r.commit()
	r.hears("PUBLISH 1 1 y")
	r.step(pubrec(1))
	r.commit()
	r.hears("PUBREL 1")
	r.step(pubcomp(1))
	r.commit()
	r.hears("REGISTER 2 2 a/2")
}

// TestT2RegackIsLost: the same REGISTER again, then the node is lost, or left
// alone until it wakes.
func TestT2RegackIsLost(t *testing.T) {
	r := connect(t, true)
	r.queued(2, "a/1", "x")
	r.run(time.Hour)
	r.hears(repeated(4, "REGISTER 1 1 a/1")...)
	require.Equal(t, Gone, r.s.State())
	require.Equal(t, "lost", r.closed)

	r = connect(t, true)
	r.sleeps(60)
	r.queued(2, "a/1", "x")
	r.wakes()
	r.commit()
	r.run(time.Minute)
	r.hears(repeated(4, "REGISTER 1 1 a/1")...)
	require.Equal(t, Asleep, r.s.State())
}

// TestT5ConfirmedOnceAConnect: ids are stable for the life of the session.
func TestT5ConfirmedOnceAConnect(t *testing.T) {
	r := connect(t, false)
	r.subscribed("a/1")
	r.sleeps(60)
	r.queued(0, "a/1", "x")
	r.wakes()
	r.hears("PUBLISH 1 0 x", "PINGRESP")

	r.restart()
	r.queued(0, "a/1", "x")
	r.wakes()
	r.hears("PUBLISH 1 0 x", "PINGRESP") // it was told in its CONNECT

	r.reconnect(false)
	r.queued(0, "a/1", "x")
	r.hears("REGISTER 1 1 a/1")
	r.step(&mqttsn.Regack{TopicID: 1, MsgID: 1})
	r.hears("PUBLISH 1 0 x")
	r.step(&mqttsn.Publish{TopicID: 1, Data: []byte("good at once")})
	require.Equal(t, []string{"a/1 good at once 0"}, r.published)
}

// TestT6NeverUsedAgain: neither after a new connection nor beyond the highest.
func TestT6NeverUsedAgain(t *testing.T) {
	r := connect(t, false)
	r.subscribed("a")
	r.subscribed("b")
	r.reconnect(false)
	r.subscribed("c")
	for id, name := range []string{1: "a", "b", "c"} {
		if id > 0 {
			got, _ := r.s.topics.name(uint16(id))
			require.Equal(t, name, got)
		}
	}
	var full topics
	id, _ := full.add("x", 0xFFFD)
	require.Equal(t, uint16(0xFFFE), id)
	id, _ = full.add("y", 0)
	require.Zero(t, id)

	for i := range 2 * maxTopics {
		r.step(&mqttsn.Register{MsgID: 7, TopicName: fmt.Appendf(nil, "t/%d", i)})
		r.commit()
	}
	require.Equal(t, "REGACK 0 7 1", r.said[len(r.said)-1])
	r.said = nil
	r.step(&mqttsn.Subscribe{QoS: 1, MsgID: 9, TopicName: []byte("command")})
	r.hears("SUBACK 0 0 1")
	require.NotContains(t, r.filters, "command", "of what it can have no id for the node hears nothing")
	r.queued(1, "command", "x")
	require.Equal(t, 1, r.counts[TopicsFull])
}

// TestT8RegisteredAgain: an id that the node has forgotten, once; then T3. The
// message has another id then, so that a late copy of the refusal is none.
func TestT8RegisteredAgain(t *testing.T) {
	unknown := func(id uint16) mqttsn.Packet { return &mqttsn.Puback{MsgID: id, Code: mqttsn.InvalidTopicID} }
	r := connect(t, true)
	r.subscribed("a")
	r.queued(1, "a", "x")
	r.step(unknown(1))
	r.hears("PUBLISH 1 1 x", "REGISTER 1 1 a")
	r.step(&mqttsn.Regack{TopicID: 1, MsgID: 1})
	r.hears("PUBLISH 1 2 x")
	r.step(unknown(1)) // a late copy
	r.step(unknown(2))
	r.queued(1, "a", "y")
	r.hears()
	require.Nil(t, r.flight)
}

// TestT8ExactlyOnce: the node had two copies of a PUBLISH, one of them before it
// knew the topic id. It may have taken the other, so the message keeps its id.
func TestT8ExactlyOnce(t *testing.T) {
	unknown := &mqttsn.Puback{MsgID: 1, Code: mqttsn.InvalidTopicID}
	for _, taken := range []bool{true, false} {
		r := connect(t, true)
		r.step(&mqttsn.Subscribe{QoS: 2, MsgID: 9, TopicName: []byte("a")})
		r.commit()
		r.said = nil
		r.queued(2, "a", "x")
		r.commit()
		r.hears("PUBLISH 1 1 x")
		r.step(unknown)
		r.hears("REGISTER 1 1 a")
		if taken {
			r.step(&mqttsn.Pubrec{MsgID: 1})
			r.commit()
			r.hears("PUBREL 1")
		}
		r.step(&mqttsn.Regack{TopicID: 1, MsgID: 1})
		if taken {
			r.hears()
			continue
		}
		r.hears("PUBLISH 1 1 x dup")
		r.step(unknown) // a late copy
		r.hears()
		require.NotNil(t, r.flight)
		r.step(unknown)
		require.Nil(t, r.flight, "it knows the id, and refuses it still (T3)")
	}
}

// TestT16SubackFirst: deliveries wait for answers that wait.
func TestT16SubackFirst(t *testing.T) {
	r := connect(t, false)
	r.step(&mqttsn.Subscribe{QoS: 2, MsgID: 9, TopicName: []byte("a")})
	r.queued(0, "a", "x")
	r.queued(2, "a", "y")
	r.hears()
	r.commit()
	r.hears("SUBACK 1 2 0", "PUBLISH 1 0 x")
	r.commit()
	r.hears("PUBLISH 1 1 y")
}

// TestT4CongestedNode has its messages wait: awake, until it wakes again.
func TestT4CongestedNode(t *testing.T) {
	r := connect(t, true)
	r.subscribed("a")
	r.queued(1, "a", "x")
	r.step(&mqttsn.Puback{MsgID: 1, Code: mqttsn.Congestion})
	r.run(waitCongested - 1)
	r.hears("PUBLISH 1 1 x")
	r.run(1)
	r.hears("PUBLISH 1 1 x dup")
	r.sleeps(60)
	r.wakes()
	r.step(&mqttsn.Puback{MsgID: 1, Code: mqttsn.Congestion})
	r.hears("PUBLISH 1 1 x dup", "PINGRESP")
}

// TestT3LateRefusalOfAnotherTopic: message ids begin anew with each connection,
// and a late REGACK is known by its topic id.
func TestT3LateRefusalOfAnotherTopic(t *testing.T) {
	r := connect(t, false)
	r.queued(1, "a", "x")
	r.commit()
	r.hears("REGISTER 1 1 a")
	no := &mqttsn.Regack{TopicID: 1, MsgID: 1, Code: mqttsn.InvalidTopicID}
	r.step(no)
	r.reconnect(false)
	r.queued(1, "b", "y")
	r.commit()
	r.hears("REGISTER 2 1 b")
	r.step(no)
	require.NotNil(t, r.flight, "y is not given up")
}

// TestPubackOfQoS2: "accepted" is no answer to it.
func TestPubackOfQoS2(t *testing.T) {
	r := connect(t, false)
	r.subscribed("a")
	r.queued(2, "a", "x")
	r.commit()
	r.step(&mqttsn.Puback{TopicID: 77, MsgID: 1})
	require.NotNil(t, r.flight)
}

// TestT9PlainNameAfterAReconnection: a name that the node was given an id for
// keeps it, be it predefined or of two octets (T9, T10).
func TestT9PlainNameAfterAReconnection(t *testing.T) {
	var table Table
	table.Add(5, "abc")
	for name, want := range map[string]string{"abc": "REGISTER 6 1 abc", "ab": "REGISTER 6 1 ab"} {
		r := connect(t, false)
		r.s.predefined = &Predefined{All: &table}
		r.subscribed(name)
		r.reconnect(false)
		r.s.predefined = &Predefined{All: &table}
		r.queued(1, name, "x")
		r.commit()
		r.hears(want)
	}
}

// TestT6NamesAreBounded: a node has as many octets of names as it may.
func TestT6NamesAreBounded(t *testing.T) {
	r := connect(t, true)
	long := strings.Repeat("x", maxTopicNames/2-1)
	for _, name := range []string{"a" + long, "b" + long, "c", "a" + long} {
		r.step(&mqttsn.Register{MsgID: 7, TopicName: []byte(name)})
	}
	r.hears("REGACK 1 7 0", "REGACK 2 7 0", "REGACK 0 7 1", "REGACK 1 7 0")
}

// TestT6RefusedFilterHasNoID: what the broker refuses takes no room.
func TestT6RefusedFilterHasNoID(t *testing.T) {
	r := connect(t, true)
	r.refuse = mqttsn.NotSupported
	for range 2 * maxTopics {
		r.step(&mqttsn.Subscribe{QoS: 1, MsgID: 9, TopicName: []byte("a")})
	}
	require.Empty(t, r.s.topics.list)
}

// TestP10FitsExactly: the header in its short form and in its long one, and of a
// REGISTER only where there is one to send.
func TestP10FitsExactly(t *testing.T) {
	for _, size := range []int{100, 255, 300} {
		header := 7
		if size > 255 {
			header = 9
		}
		r := connect(t, false)
		r.s.mtu = int32(size)
		r.subscribed("a")
		payload := strings.Repeat("x", size-header)
		require.Len(t, (&mqttsn.Publish{QoS: 1, Data: []byte(payload)}).AppendTo(nil), size)
		r.queued(1, "a", payload+"x")
		r.hears()
		require.Equal(t, 1, r.counts[DoesNotFit])
		r.queued(1, "a", payload)
		require.Len(t, r.said, 1)
	}
	r := connect(t, false)
	var table Table
	name := strings.Repeat("n", 995)
	table.Add(5, name)
	r.s.predefined = &Predefined{All: &table}
	r.queued(1, name, "x")
	r.hears("PUBLISH 5 1 x")
	r.step(puback(1))
	r.queued(1, name+"o", "x")
	r.hears()
	require.Empty(t, r.s.topics.list, "and has no id")
}

// TestNotTaken: what the node refuses for a reason of its own is given up, and
// counted; what it takes is not.
func TestNotTaken(t *testing.T) {
	r := connect(t, false)
	r.subscribed("a")
	for i, code := range []mqttsn.ReturnCode{mqttsn.NotSupported, mqttsn.Accepted} {
		r.queued(1, "a", "x")
		r.step(&mqttsn.Puback{TopicID: 1, MsgID: r.lastID, Code: code})
		require.Nil(t, r.flight)
		require.Equal(t, 1, r.counts[NotTaken], i)
	}
}
