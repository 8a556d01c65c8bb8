package client

import (
	"bufio"
	"net"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/dormouse-mqtt/dormouse/broker/mqtt"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve plays the server: it reads a packet, and writes what answer makes of it.
func serve(conn net.Conn, v mqtt.Version, answer func(mqtt.Packet) []mqtt.Packet) {
	end := &Client{conn: conn, options: Options{Version: v, Log: func(string, ...any) {}}}
	r, d := bufio.NewReader(conn), &mqtt.Decoder{From: mqtt.FromClient}
	for {
		p, err := end.next(r, d)
		if err != nil {
			conn.Close()
			return
		}
		for _, a := range answer(p) {
			conn.Write(a.AppendTo(nil, v))
		}
	}
}

func TestConversation(t *testing.T) {
	for _, v := range []mqtt.Version{mqtt.V311, mqtt.V5} {
		t.Run(v.String(), func(t *testing.T) {
			ours, theirs := net.Pipe()
			go serve(theirs, v, func(p mqtt.Packet) []mqtt.Packet {
				switch p := p.(type) {
				case *mqtt.Connect:
					return []mqtt.Packet{&mqtt.Connack{}}
				case *mqtt.Subscribe:
					return []mqtt.Packet{
						&mqtt.Suback{PacketID: p.PacketID, Codes: []byte{1}},
						&mqtt.Publish{Topic: []byte("t"), QoS: 1, PacketID: 9, Payload: []byte("hello")},
					}
				case *mqtt.Publish:
					return []mqtt.Packet{&mqtt.Puback{PacketID: p.PacketID}}
				}
				return nil
			})
			c, err := Connect(t.Context(), ours, Options{Version: v, ClientID: "c", CleanStart: true})
			require.NoError(t, err)
			codes, err := c.Subscribe(t.Context(), 1, "t")
			require.NoError(t, err)
			require.Equal(t, []byte{1}, codes)
			require.Equal(t, Message{"t", []byte("hello"), 1, false}, <-c.Messages())
			require.NoError(t, c.Publish(t.Context(), Message{Topic: "t", QoS: 1}))
			c.Close()
		})
	}
}

func TestRefused(t *testing.T) {
	ours, theirs := net.Pipe()
	go serve(theirs, mqtt.V311, func(mqtt.Packet) []mqtt.Packet {
		return []mqtt.Packet{&mqtt.Connack{Code: mqtt.ReasonCode(mqtt.ConnNotAuthorized)}}
	})
	_, err := Connect(t.Context(), ours, Options{})
	require.EqualError(t, err, "connection refused: not authorized")
}

func TestServerGoes(t *testing.T) {
	ours, theirs := net.Pipe()
	go serve(theirs, mqtt.V5, func(p mqtt.Packet) []mqtt.Packet {
		if p.Type() == mqtt.TypeConnect {
			return []mqtt.Packet{&mqtt.Connack{}}
		}
		return []mqtt.Packet{&mqtt.Disconnect{Code: mqtt.ServerShuttingDown}}
	})
	c, err := Connect(t.Context(), ours, Options{Version: mqtt.V5})
	require.NoError(t, err)
	defer c.Close()
	require.ErrorContains(t, c.Publish(t.Context(), Message{Topic: "t", QoS: 1}), "disconnected by the server")
}
