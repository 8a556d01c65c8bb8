package client

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dormouse-mqtt/dormouse/mqttsn"
)

// A talk is a conversation with a client, whose time is that of the test.
type talk struct {
	*Client
	t   *testing.T
	now Time
}

func newTalk(t *testing.T, o Options) *talk { return &talk{Client: New(o), t: t} }

// connected is a talk after its CONNACK.
func connected(t *testing.T, o Options) *talk {
	o.ClientID = "n"
	c := newTalk(t, o)
	token := c.Connect(0)
	c.sends(&mqttsn.Connect{
		CleanSession: o.CleanSession, ProtocolID: mqttsn.ProtocolID, Duration: seconds(o.KeepAlive), ClientID: []byte("n"),
	})
	c.gets(&mqttsn.Connack{})
	c.tells(Event{Kind: Connected, Token: token})
	return c
}

// sleeping is a talk whose node is asleep.
func sleeping(t *testing.T) *talk {
	c := connected(t, Options{KeepAlive: time.Minute})
	token := c.Sleep(c.now, time.Hour)
	c.sends(&mqttsn.Disconnect{HasDuration: true, Duration: 3600})
	c.gets(&mqttsn.Disconnect{})
	c.tells(Event{Kind: Asleep, Token: token})
	return c
}

// sends expects exactly these packets.
func (c *talk) sends(want ...mqttsn.Packet) {
	c.t.Helper()
	got := c.Out()
	require.Len(c.t, got, len(want))
	for i, p := range want {
		require.Equal(c.t, p.AppendTo(nil), got[i], "%T %+v", p, p)
	}
}

func (c *talk) gets(packets ...mqttsn.Packet) {
	for _, p := range packets {
		c.Receive(c.now, p.AppendTo(nil))
	}
}

// tells expects exactly these events.
func (c *talk) tells(want ...Event) {
	c.t.Helper()
	require.Equal(c.t, want, c.Events())
}

// wait lets time pass, and Advance be called when it is due.
func (c *talk) wait(d time.Duration) {
	end := c.now + d
	for at, ok := c.Deadline(); ok && at <= end; at, ok = c.Deadline() {
		c.now = at
		c.Advance(at)
	}
	c.now = end
}

func TestRequestsQueue(t *testing.T) {
	c := newTalk(t, Options{})
	first, second := c.Connect(0), c.Subscribe(0, "a/+", mqttsn.QoS1)
	c.sends(&mqttsn.Connect{ProtocolID: mqttsn.ProtocolID})
	c.gets(&mqttsn.Connack{})
	c.sends(&mqttsn.Subscribe{QoS: mqttsn.QoS1, MsgID: 2, TopicName: []byte("a/+")})
	c.gets(&mqttsn.Suback{QoS: mqttsn.QoS0, MsgID: 2})
	c.tells(Event{Kind: Connected, Token: first}, Event{Kind: Subscribed, Token: second, Topic: "a/+"})
}

func TestConnectIsRefused(t *testing.T) {
	c := newTalk(t, Options{KeepAlive: time.Minute})
	token := c.Connect(0)
	c.gets(&mqttsn.Connack{Code: mqttsn.Congestion})
	c.tells(Event{Kind: Refused, Token: token, Err: &RefusedError{mqttsn.TypeConnack, mqttsn.Congestion}})
	_, due := c.Deadline()
	require.False(t, due)
}

// An answer of before says nothing about the connection to come.
func TestConnectOutlivesAnOldDisconnect(t *testing.T) {
	c := newTalk(t, Options{})
	token := c.Connect(0)
	c.gets(&mqttsn.Disconnect{}, &mqttsn.Connack{})
	c.tells(Event{Kind: Connected, Token: token})
}

func TestRetryAndGiveUp(t *testing.T) {
	c := connected(t, Options{})
	token, queued := c.Subscribe(0, "topic", mqttsn.QoS1), c.Unsubscribe(0, "other")
	again := c.Connect(0)
	p := mqttsn.Subscribe{QoS: mqttsn.QoS1, MsgID: 2, TopicName: []byte("topic")}
	c.sends(&p)
	p.Dup = true
	for range 3 {
		c.wait(10*time.Second - 1)
		c.sends()
		c.wait(1)
		c.sends(&p)
	}
	c.wait(10 * time.Second)
	c.tells(
		Event{Kind: GaveUp, Token: token, Err: ErrNoAnswer, Topic: "topic"},
		Event{Kind: GaveUp, Token: queued, Err: ErrNoAnswer, Topic: "other"},
		Event{Kind: Disconnected, Err: ErrNoAnswer},
	)
	c.sends(&mqttsn.Connect{ProtocolID: mqttsn.ProtocolID, ClientID: []byte("n")})
	c.gets(&mqttsn.Connack{})
	c.tells(Event{Kind: Connected, Token: again})
}

func TestKeepAlive(t *testing.T) {
	c := connected(t, Options{KeepAlive: time.Minute})
	c.wait(time.Minute)
	c.sends(&mqttsn.Pingreq{})
	c.gets(&mqttsn.Pingresp{})
	c.tells()
	c.wait(time.Minute)
	c.sends(&mqttsn.Pingreq{})
	c.wait(40 * time.Second)
	c.sends(&mqttsn.Pingreq{}, &mqttsn.Pingreq{}, &mqttsn.Pingreq{})
	c.tells(Event{Kind: Disconnected, Err: ErrNoAnswer})
}

func TestPings(t *testing.T) {
	c := connected(t, Options{})
	c.gets(&mqttsn.Pingreq{})
	c.sends(&mqttsn.Pingresp{})
	token := c.Ping(0)
	c.sends(&mqttsn.Pingreq{})
	c.gets(&mqttsn.Pingresp{})
	c.tells(Event{Kind: Ponged, Token: token})
}

func TestGatewayDisconnects(t *testing.T) {
	c := connected(t, Options{})
	first, second := c.Ping(0), c.Register(0, "topic")
	c.sends(&mqttsn.Pingreq{})
	c.gets(&mqttsn.Disconnect{})
	c.sends() // the second is not even tried
	c.tells(
		Event{Kind: GaveUp, Token: first, Err: ErrDisconnected},
		Event{Kind: GaveUp, Token: second, Err: ErrDisconnected, Topic: "topic"},
		Event{Kind: Disconnected, Err: ErrDisconnected},
	)
}

func TestGoodbye(t *testing.T) {
	c := connected(t, Options{KeepAlive: time.Minute})
	token := c.Disconnect(0)
	c.sends(&mqttsn.Disconnect{})
	c.gets(&mqttsn.Disconnect{}, &mqttsn.Disconnect{})
	c.tells(Event{Kind: Left, Token: token})
	_, due := c.Deadline()
	require.False(t, due)
}
