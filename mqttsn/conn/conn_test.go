package conn

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/dormouse-mqtt/dormouse/mqttsn"
	"github.com/dormouse-mqtt/dormouse/mqttsn/client"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A gateway answers as a script says: one datagram for each that it gets.
func gateway(t *testing.T, answers ...[]mqttsn.Packet) string {
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { socket.Close() })
	go func() {
		b := make([]byte, 1500)
		for _, packets := range answers {
			_, from, err := socket.ReadFrom(b)
			if err != nil {
				return
			}
			for _, p := range packets {
				socket.WriteTo(p.AppendTo(nil), from)
			}
		}
	}()
	return socket.LocalAddr().String()
}

func TestConversation(t *testing.T) {
	address := gateway(t,
		[]mqttsn.Packet{&mqttsn.Connack{}},
		[]mqttsn.Packet{&mqttsn.Suback{QoS: mqttsn.QoS1, TopicID: 3, MsgID: 2}, &mqttsn.Publish{QoS: mqttsn.QoS1, TopicID: 3, MsgID: 1, Data: []byte("hello")}},
		nil, // PUBACK
		[]mqttsn.Packet{&mqttsn.Disconnect{}},
	)
	c, err := Dial(t.Context(), address, client.Options{ClientID: "n"})
	require.NoError(t, err)
	require.NoError(t, c.Connect(t.Context()))
	granted, err := c.Subscribe(t.Context(), "topic", mqttsn.QoS1)
	require.NoError(t, err)
	require.Equal(t, mqttsn.QoS1, granted)
	m := <-c.Messages()
	require.Equal(t, "hello", string(m.Payload))
	require.Equal(t, "topic", m.Topic)
	require.NoError(t, c.Disconnect(t.Context()))
	require.NoError(t, c.Close())
	_, open := <-c.Messages()
	require.False(t, open)
}

func TestSleeperTakesWhatWasKept(t *testing.T) {
	address := gateway(t,
		[]mqttsn.Packet{&mqttsn.Connack{}},
		[]mqttsn.Packet{&mqttsn.Disconnect{}},
		[]mqttsn.Packet{&mqttsn.Register{TopicID: 5, MsgID: 1, TopicName: []byte("cmd")}},
		[]mqttsn.Packet{&mqttsn.Publish{QoS: mqttsn.QoS1, TopicID: 5, MsgID: 2, Data: []byte("blink")}},
		[]mqttsn.Packet{&mqttsn.Pingresp{}},
		[]mqttsn.Packet{&mqttsn.Disconnect{}}, // to a PINGREQ: it knows us no more
	)
	c, err := Dial(t.Context(), address, client.Options{ClientID: "n"})
	require.NoError(t, err)
	defer c.Close()
	require.NoError(t, c.Connect(t.Context()))
	require.NoError(t, c.Sleep(t.Context(), time.Minute))
	require.NoError(t, c.Wake(t.Context()))
	require.Len(t, c.Messages(), 1)
	require.Equal(t, Message{Topic: "cmd", Payload: []byte("blink"), QoS: mqttsn.QoS1}, <-c.Messages())
	require.ErrorIs(t, c.Wake(t.Context()), client.ErrDisconnected)
	require.ErrorIs(t, <-c.Lost(), client.ErrDisconnected)
}

func TestNobodyThere(t *testing.T) {
	c, err := Dial(t.Context(), "127.0.0.1:9", client.Options{ClientID: "n", Retry: time.Millisecond, Retries: 1})
	require.NoError(t, err)
	defer c.Close()
	require.ErrorIs(t, c.Connect(t.Context()), client.ErrNoAnswer)
}

func TestContextEnds(t *testing.T) {
	c, err := Dial(t.Context(), gateway(t), client.Options{})
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	require.ErrorIs(t, c.Connect(ctx), context.DeadlineExceeded)
	require.NoError(t, c.Close())
	require.NoError(t, c.Close())
	require.ErrorIs(t, c.Ping(t.Context()), net.ErrClosed)
}
