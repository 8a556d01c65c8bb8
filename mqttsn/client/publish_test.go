package client

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dormouse-mqtt/dormouse/mqttsn"
)

// registered is a talk with "topic" as id 7.
func registered(t *testing.T, o Options) *talk {
	c := connected(t, o)
	token := c.Register(0, "topic")
	c.sends(&mqttsn.Register{MsgID: 2, TopicName: []byte("topic")})
	c.gets(&mqttsn.Regack{TopicID: 7, MsgID: 2})
	c.tells(Event{Kind: Registered, Token: token, Topic: "topic"})
	return c
}

func TestPublishRegistersFirst(t *testing.T) {
	c := connected(t, Options{})
	payload := []byte("x")
	token := c.Publish(0, "topic", payload, mqttsn.QoS1, true)
	payload[0] = 'y' // the caller's again
	c.sends(&mqttsn.Register{MsgID: 2, TopicName: []byte("topic")})
	c.gets(&mqttsn.Regack{TopicID: 7, MsgID: 2})
	p := mqttsn.Publish{QoS: mqttsn.QoS1, Retain: true, TopicID: 7, MsgID: 2, Data: []byte("x")}
	c.sends(&p)
	c.wait(10 * time.Second)
	p.Dup = true
	c.sends(&p)
	c.gets(&mqttsn.Puback{MsgID: 1}) // of another
	c.tells()
	c.gets(&mqttsn.Puback{MsgID: 2}) // RSMB leaves the topic id out
	c.tells(Event{Kind: Published, Token: token, Topic: "topic"})
}

func TestTopicsWithoutRegistration(t *testing.T) {
	for _, tt := range []struct {
		name, topic string
		qos         mqttsn.QoS
		want        mqttsn.Publish
	}{
		{"short", "ab", mqttsn.QoS0, mqttsn.Publish{TopicIDType: mqttsn.TopicShort, TopicID: 'a'<<8 | 'b'}},
		{"predefined", "known", mqttsn.QoS0, mqttsn.Publish{TopicIDType: mqttsn.TopicPredefined, TopicID: 4}},
		{"without a connection", "known", mqttsn.QoSMinus1,
			mqttsn.Publish{QoS: mqttsn.QoSMinus1, TopicIDType: mqttsn.TopicPredefined, TopicID: 4}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newTalk(t, Options{Predefined: map[uint16]string{4: "known"}})
			token := c.Publish(0, tt.topic, nil, tt.qos, false)
			c.sends(&tt.want)
			c.tells(Event{Kind: Published, Token: token, Topic: tt.topic})
		})
	}
}

func TestRequestsThatCannotBeSent(t *testing.T) {
	long := strings.Repeat("x", mqttsn.MaxLength)
	for _, tt := range []struct {
		name string
		ask  func(c *Client)
		err  error
	}{
		{"no id at QoS -1", func(c *Client) { c.Publish(0, "topic", nil, mqttsn.QoSMinus1, false) }, ErrNoID},
		{"QoS 2", func(c *Client) { c.Subscribe(0, "topic", mqttsn.QoS2) }, ErrQoS},
		{"subscription at QoS -1", func(c *Client) { c.Subscribe(0, "topic", mqttsn.QoSMinus1) }, mqttsn.ErrInvalid},
		{"wildcard", func(c *Client) { c.Publish(0, "a/#", nil, mqttsn.QoS0, false) }, mqttsn.ErrInvalid},
		{"wildcard of two octets", func(c *Client) { c.Publish(0, "/#", nil, mqttsn.QoS0, false) }, mqttsn.ErrInvalid},
		{"bad filter", func(c *Client) { c.Subscribe(0, "a/#/b", mqttsn.QoS0) }, mqttsn.ErrInvalid},
		{"too long", func(c *Client) { c.Publish(0, "ab", []byte(long), mqttsn.QoS0, false) }, ErrTooLong},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := New(Options{})
			tt.ask(c)
			require.Empty(t, c.Out())
			events := c.Events()
			require.Len(t, events, 1)
			require.Equal(t, Refused, events[0].Kind)
			require.ErrorIs(t, events[0].Err, tt.err)
		})
	}
}

func TestForgottenTopicIsRegisteredAgain(t *testing.T) {
	c := registered(t, Options{})
	token := c.Publish(0, "topic", nil, mqttsn.QoS1, false)
	c.sends(&mqttsn.Publish{QoS: mqttsn.QoS1, TopicID: 7, MsgID: 3})
	c.gets(&mqttsn.Puback{TopicID: 7, MsgID: 3, Code: mqttsn.InvalidTopicID})
	c.sends(&mqttsn.Register{MsgID: 3, TopicName: []byte("topic")})
	c.gets(&mqttsn.Regack{TopicID: 8, MsgID: 3})
	c.sends(&mqttsn.Publish{QoS: mqttsn.QoS1, TopicID: 8, MsgID: 3})
	c.gets(&mqttsn.Puback{TopicID: 8, MsgID: 3, Code: mqttsn.InvalidTopicID}) // once is enough
	c.tells(Event{
		Kind: Refused, Token: token, Topic: "topic", Err: &RefusedError{mqttsn.TypePuback, mqttsn.InvalidTopicID},
	})
}

func TestRefusedQoS0ForgetsTheTopic(t *testing.T) {
	c := registered(t, Options{})
	c.Publish(0, "topic", nil, mqttsn.QoS0, false)
	c.sends(&mqttsn.Publish{TopicID: 7})
	c.gets(&mqttsn.Puback{TopicID: 7, Code: mqttsn.InvalidTopicID})
	c.Publish(0, "topic", nil, mqttsn.QoS0, false)
	c.sends(&mqttsn.Register{MsgID: 4, TopicName: []byte("topic")})
}

// An id of an earlier connection may be another topic's by now.
func TestConnectForgetsTopics(t *testing.T) {
	for _, clean := range []bool{true, false} {
		c := registered(t, Options{CleanSession: clean})
		c.Connect(0)
		c.gets(&mqttsn.Connack{})
		c.Out()
		c.Publish(0, "topic", nil, mqttsn.QoS0, false)
		c.sends(&mqttsn.Register{MsgID: 4, TopicName: []byte("topic")})
		c.Events()
		c.gets(&mqttsn.Publish{TopicID: 7})
		require.Equal(t, clean, len(c.Events()) == 0, "a session that is kept understands it still")
	}
}

func TestAnIDHasOneName(t *testing.T) {
	c := registered(t, Options{})
	c.gets(&mqttsn.Register{TopicID: 7, MsgID: 1, TopicName: []byte("other")})
	c.sends(&mqttsn.Regack{TopicID: 7, MsgID: 1})
	c.Publish(0, "topic", nil, mqttsn.QoS0, false)
	c.sends(&mqttsn.Register{MsgID: 3, TopicName: []byte("topic")})
}
