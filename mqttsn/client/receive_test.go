package client

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dormouse-mqtt/dormouse/mqttsn"
)

func message(topic, payload string) Event {
	return Event{Kind: Message, Topic: topic, Payload: []byte(payload), QoS: mqttsn.QoS1}
}

func TestSubscribedTopicComesByItsID(t *testing.T) {
	c := connected(t, Options{})
	token := c.Subscribe(0, "topic", mqttsn.QoS1)
	c.sends(&mqttsn.Subscribe{QoS: mqttsn.QoS1, MsgID: 2, TopicName: []byte("topic")})
	c.gets(&mqttsn.Suback{QoS: mqttsn.QoS1, TopicID: 3, MsgID: 2})
	c.tells(Event{Kind: Subscribed, Token: token, Topic: "topic", QoS: mqttsn.QoS1})

	datagram := (&mqttsn.Publish{QoS: mqttsn.QoS1, TopicID: 3, MsgID: 9, Data: []byte("on")}).AppendTo(nil)
	c.Receive(0, datagram)
	clear(datagram) // the caller's again
	c.sends(&mqttsn.Puback{TopicID: 3, MsgID: 9})
	c.tells(message("topic", "on"))
}

func TestSubscribeByShortAndPredefined(t *testing.T) {
	c := connected(t, Options{Predefined: map[uint16]string{4: "known"}})
	c.Subscribe(0, "ab", mqttsn.QoS1)
	c.sends(&mqttsn.Subscribe{QoS: mqttsn.QoS1, TopicIDType: mqttsn.TopicShort, MsgID: 2, TopicID: 'a'<<8 | 'b'})
	c.gets(&mqttsn.Suback{MsgID: 2, TopicID: 'a'<<8 | 'b'})
	c.Unsubscribe(0, "known")
	c.sends(&mqttsn.Unsubscribe{TopicIDType: mqttsn.TopicPredefined, MsgID: 3, TopicID: 4})
	c.gets(&mqttsn.Unsuback{MsgID: 3})
	c.Events()
	c.gets(&mqttsn.Publish{TopicIDType: mqttsn.TopicShort, TopicID: 'a'<<8 | 'b', QoS: mqttsn.QoS1, MsgID: 1, Data: []byte("x")})
	c.tells(message("ab", "x"))
}

func TestWhatIsNotTaken(t *testing.T) {
	for _, tt := range []struct {
		name   string
		in     mqttsn.Packet
		answer mqttsn.Packet
	}{
		{"unknown id", &mqttsn.Publish{TopicID: 99, MsgID: 5},
			&mqttsn.Puback{TopicID: 99, Code: mqttsn.InvalidTopicID}},
		{"unknown id at QoS 1", &mqttsn.Publish{QoS: mqttsn.QoS1, TopicID: 99, MsgID: 5},
			&mqttsn.Puback{TopicID: 99, MsgID: 5, Code: mqttsn.InvalidTopicID}},
		{"QoS 2", &mqttsn.Publish{QoS: mqttsn.QoS2, TopicID: 7, MsgID: 5},
			&mqttsn.Puback{TopicID: 7, MsgID: 5, Code: mqttsn.NotSupported}},
		{"reserved id", &mqttsn.Register{TopicID: 0xFFFF, MsgID: 5, TopicName: []byte("a")},
			&mqttsn.Regack{TopicID: 0xFFFF, MsgID: 5, Code: mqttsn.InvalidTopicID}},
		{"wildcard", &mqttsn.Register{TopicID: 1, MsgID: 5, TopicName: []byte("#")},
			&mqttsn.Regack{TopicID: 1, MsgID: 5, Code: mqttsn.NotSupported}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := registered(t, Options{})
			c.gets(tt.in)
			c.sends(tt.answer)
			require.Empty(t, c.Events())
		})
	}
}

func TestRepetitionIsToldOnce(t *testing.T) {
	c := registered(t, Options{})
	p := mqttsn.Publish{QoS: mqttsn.QoS1, TopicID: 7, MsgID: 9, Data: []byte("on")}
	ack := &mqttsn.Puback{TopicID: 7, MsgID: 9}
	c.gets(&p)
	c.gets(&p) // the link repeats
	p.Dup = true
	c.gets(&p) // the gateway repeats
	c.sends(ack, ack, ack)
	c.tells(message("topic", "on"))

	p.Dup, p.Data = false, []byte("off")
	c.gets(&p) // another message with the same id
	p.MsgID, p.Data = 10, []byte("on")
	c.gets(&p)
	c.tells(message("topic", "off"), message("topic", "on"))
}

func TestIDsStartAnewWithAConnection(t *testing.T) {
	c := registered(t, Options{})
	p := mqttsn.Publish{QoS: mqttsn.QoS1, TopicID: 7, MsgID: 1, Data: []byte("on")}
	c.gets(&p)
	c.Connect(0)
	c.gets(&mqttsn.Connack{})
	c.Events()
	c.gets(&p)
	c.tells(message("topic", "on"))
}

func TestHeldMessagesAreNotAcknowledged(t *testing.T) {
	c := registered(t, Options{})
	p := mqttsn.Publish{QoS: mqttsn.QoS1, TopicID: 7, MsgID: 9, Data: []byte("on")}
	c.Hold(true)
	c.gets(&p)
	c.sends()
	c.Hold(false)
	p.Dup = true
	c.gets(&p)
	c.sends(&mqttsn.Puback{TopicID: 7, MsgID: 9})
	require.Len(t, c.Events(), 1)
}

func TestWakeEndsAtPingresp(t *testing.T) {
	c := sleeping(t)
	_, due := c.Deadline()
	require.False(t, due, "a sleeper sends nothing")
	c.gets(&mqttsn.Disconnect{}) // the answer to a repetition
	c.tells()

	c.wait(time.Hour)
	token := c.Wake(c.now)
	c.sends(&mqttsn.Pingreq{ClientID: []byte("n")})
	c.gets(&mqttsn.Register{TopicID: 1, MsgID: 5, TopicName: []byte("cmd")})
	c.sends(&mqttsn.Regack{TopicID: 1, MsgID: 5})
	c.wait(10*time.Second - 1) // which the REGISTER started anew
	c.gets(&mqttsn.Publish{QoS: mqttsn.QoS1, TopicID: 1, MsgID: 6, Data: []byte("on")})
	c.sends(&mqttsn.Puback{TopicID: 1, MsgID: 6})
	c.wait(10*time.Second - 1)
	c.sends()
	c.gets(&mqttsn.Pingresp{})
	c.tells(message("cmd", "on"), Event{Kind: Woken, Token: token})
	_, due = c.Deadline()
	require.False(t, due)
}

func TestWakeInVainSleepsOn(t *testing.T) {
	c := sleeping(t)
	token := c.Wake(c.now)
	c.wait(time.Minute)
	require.Len(t, c.Out(), 4)
	c.tells(Event{Kind: GaveUp, Token: token, Err: ErrNoAnswer}) // and no Disconnected
}

func TestWakeOfAnUnknownNode(t *testing.T) {
	c := sleeping(t)
	token := c.Wake(c.now)
	c.gets(&mqttsn.Disconnect{})
	c.tells(Event{Kind: GaveUp, Token: token, Err: ErrDisconnected}, Event{Kind: Disconnected, Err: ErrDisconnected})
}

// A sleep of no seconds would be a goodbye.
func TestSleepRoundsUp(t *testing.T) {
	c := connected(t, Options{})
	c.Sleep(0, time.Millisecond)
	c.sends(&mqttsn.Disconnect{HasDuration: true, Duration: 1})
}

func FuzzReceive(f *testing.F) {
	f.Add([]byte("\x03\x05\x00"), []byte("\x08\x0c\x20\x00\x07\x00\x01x"))
	f.Fuzz(func(t *testing.T, first, second []byte) {
		c := New(Options{})
		c.Connect(0)
		c.Publish(0, "topic", nil, mqttsn.QoS1, false)
		c.Wake(0)
		for _, b := range [][]byte{first, second} {
			c.Receive(0, b)
			c.Advance(10 * time.Second)
		}
	})
}
