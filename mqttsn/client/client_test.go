package client

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dormouse-mqtt/dormouse/mqttsn"
)

// out takes the only datagram and decodes it.
func out[P mqttsn.Packet](t *testing.T, c *Client) P {
	t.Helper()
	datagrams := c.Out()
	require.Len(t, datagrams, 1)
	p, _, err := new(mqttsn.Decoder).Decode(datagrams[0])
	require.NoError(t, err)
	require.IsType(t, *new(P), p)
	return p.(P)
}

func receive(c *Client, now Time, p mqttsn.Packet) { c.Receive(now, p.AppendTo(nil)) }

func connected(t *testing.T) *Client {
	c := New(Options{ClientID: "n", KeepAlive: time.Minute})
	token := c.Connect(0)
	require.Equal(t, "n", string(out[*mqttsn.Connect](t, c).ClientID))
	receive(c, 0, &mqttsn.Connack{})
	require.Equal(t, []Event{{Kind: Done, Token: token}}, c.Events())
	return c
}

func TestPublishRegistersFirst(t *testing.T) {
	c := connected(t)
	token := c.Publish(0, "topic", []byte("x"), mqttsn.QoS1, false)
	r := out[*mqttsn.Register](t, c)
	receive(c, 0, &mqttsn.Regack{TopicID: 7, MsgID: r.MsgID})
	p := out[*mqttsn.Publish](t, c)
	require.Equal(t, uint16(7), p.TopicID)
	require.False(t, p.Dup)

	c.Advance(10 * time.Second)
	require.True(t, out[*mqttsn.Publish](t, c).Dup)
	receive(c, 0, &mqttsn.Puback{TopicID: 7, MsgID: p.MsgID})
	require.Equal(t, []Event{{Kind: Done, Token: token}}, c.Events())
}

func TestForgottenTopicIsRegisteredAgain(t *testing.T) {
	c := connected(t)
	c.learn("topic", 7)
	c.Publish(0, "topic", nil, mqttsn.QoS1, false)
	p := out[*mqttsn.Publish](t, c)
	receive(c, 0, &mqttsn.Puback{MsgID: p.MsgID, Code: mqttsn.InvalidTopicID})
	r := out[*mqttsn.Register](t, c)
	receive(c, 0, &mqttsn.Regack{TopicID: 8, MsgID: r.MsgID})
	p = out[*mqttsn.Publish](t, c)
	receive(c, 0, &mqttsn.Puback{MsgID: p.MsgID, Code: mqttsn.InvalidTopicID})
	var refused *RefusedError
	require.ErrorAs(t, c.Events()[0].Err, &refused)
}

func TestGivesUpAfterRetries(t *testing.T) {
	c := New(Options{ClientID: "n"})
	c.Connect(0)
	require.Len(t, c.Out(), 1)
	for i := range 3 {
		c.Advance(Time(i+1) * 10 * time.Second)
		require.Len(t, c.Out(), 1)
	}
	c.Advance(40 * time.Second)
	require.Empty(t, c.Out())
	require.ErrorIs(t, c.Events()[0].Err, ErrNoAnswer)
}

func TestWakeEndsAtPingresp(t *testing.T) {
	c := connected(t)
	c.Sleep(0, time.Hour)
	require.Equal(t, uint16(3600), out[*mqttsn.Disconnect](t, c).Duration)
	receive(c, 0, &mqttsn.Disconnect{})
	_, due := c.Deadline()
	require.False(t, due, "a sleeper sends nothing")
	c.Events()
	c.Wake(0)
	out[*mqttsn.Pingreq](t, c)
	receive(c, 0, &mqttsn.Register{TopicID: 1, MsgID: 5, TopicName: []byte("cmd")})
	require.Equal(t, uint16(5), out[*mqttsn.Regack](t, c).MsgID)
	message := mqttsn.Publish{QoS: mqttsn.QoS1, TopicID: 1, MsgID: 9, Data: []byte("on")}
	receive(c, 0, &message)
	message.Dup = true
	receive(c, 0, &message)
	require.Len(t, c.Out(), 2, "each copy is acknowledged")
	receive(c, 0, &mqttsn.Pingresp{})
	events := c.Events()
	require.Len(t, events, 2, "but told once")
	require.Equal(t, "cmd", events[0].Topic)
	require.Equal(t, Done, events[1].Kind)
}

func TestUnknownTopicIDIsRefused(t *testing.T) {
	c := connected(t)
	receive(c, 0, &mqttsn.Publish{TopicID: 99, Data: []byte("x")})
	require.Equal(t, mqttsn.InvalidTopicID, out[*mqttsn.Puback](t, c).Code)
	require.Empty(t, c.Events())
}

func TestKeepAlive(t *testing.T) {
	c := connected(t)
	at, ok := c.Deadline()
	require.True(t, ok)
	require.Equal(t, time.Minute, at)
	c.Advance(at)
	out[*mqttsn.Pingreq](t, c)
}
