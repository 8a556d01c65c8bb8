package client

import (
	"bufio"
	"context"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/dormouse-mqtt/dormouse/broker/mqtt"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A server is a scripted one: answer says what to send for each packet.
type server struct {
	conn net.Conn
	v    mqtt.Version
	got  chan string // types of the packets that came; nil: nobody asks
}

func (s *server) send(packets ...mqtt.Packet) {
	for _, p := range packets {
		s.conn.Write(p.AppendTo(nil, s.v))
	}
}

// run answers by a goroutine of its own: net.Pipe holds nothing, and a server that
// does not read while it writes would wait for a client that does the same.
func (s *server) run(answer func(mqtt.Packet) []mqtt.Packet) {
	defer s.conn.Close()
	answers := make(chan []mqtt.Packet, 100)
	defer close(answers)
	go func() {
		for packets := range answers {
			s.send(packets...)
		}
	}()
	end := &Client{conn: s.conn, options: Options{Version: s.v, Log: func(string, ...any) {}}}
	r, d := bufio.NewReader(s.conn), &mqtt.Decoder{From: mqtt.FromClient}
	for {
		p, err := end.next(r, d)
		if err != nil {
			return
		}
		if s.got != nil {
			s.got <- p.Type().String()
		}
		answers <- answer(p)
	}
}

// connected starts a client at a server that accepts it.
func connected(t *testing.T, o Options, answer func(mqtt.Packet) []mqtt.Packet) (*Client, *server) {
	t.Helper()
	if o.Version == 0 {
		o.Version = mqtt.V5
	}
	ours, theirs := net.Pipe()
	s := &server{theirs, o.Version, make(chan string, 100)}
	go s.run(func(p mqtt.Packet) []mqtt.Packet {
		var out []mqtt.Packet
		if answer != nil {
			out = answer(p)
		}
		if out == nil && p.Type() == mqtt.TypeConnect {
			return []mqtt.Packet{&mqtt.Connack{}}
		}
		return out
	})
	c, err := Connect(t.Context(), ours, o)
	require.NoError(t, err)
	require.Equal(t, "CONNECT", <-s.got)
	return c, s
}

func TestConversation(t *testing.T) {
	for _, v := range []mqtt.Version{mqtt.V311, mqtt.V5} {
		t.Run(v.String(), func(t *testing.T) {
			c, _ := connected(t, Options{Version: v, ClientID: "c", CleanStart: true}, func(p mqtt.Packet) []mqtt.Packet {
				switch p := p.(type) {
				case *mqtt.Subscribe:
					return []mqtt.Packet{
						&mqtt.Suback{PacketID: p.PacketID, Codes: []byte{1}},
						&mqtt.Publish{Topic: []byte("t"), QoS: 1, PacketID: 9, Payload: []byte("hello")},
					}
				case *mqtt.Publish:
					if p.QoS == 2 {
						return []mqtt.Packet{&mqtt.Pubrec{PacketID: p.PacketID}}
					}
					return []mqtt.Packet{&mqtt.Puback{PacketID: p.PacketID}}
				case *mqtt.Pubrel:
					return []mqtt.Packet{&mqtt.Pubcomp{PacketID: p.PacketID}}
				case *mqtt.Unsubscribe:
					return []mqtt.Packet{&mqtt.Unsuback{PacketID: p.PacketID, Codes: []byte{0}}}
				}
				return nil
			})
			codes, err := c.Subscribe(t.Context(), 1, "t")
			require.NoError(t, err)
			require.Equal(t, []byte{1}, codes)
			require.Equal(t, Message{"t", []byte("hello"), 1, false}, <-c.Messages())
			require.NoError(t, c.Publish(t.Context(), Message{Topic: "t", QoS: 1}))
			require.NoError(t, c.Publish(t.Context(), Message{Topic: "t", QoS: 2}))
			require.Empty(t, c.inflight)
			_, err = c.Unsubscribe(t.Context(), "t")
			require.NoError(t, err)
			c.Close()
			<-c.Done()
			require.NoError(t, c.Err())
			require.ErrorIs(t, c.Publish(t.Context(), Message{Topic: "t", QoS: 1}), net.ErrClosed)
		})
	}
}

func TestConnectSaysWhatWasAsked(t *testing.T) {
	ours, theirs := net.Pipe()
	seen := make(chan mqtt.Connect, 1)
	s := &server{conn: theirs, v: mqtt.V5}
	go s.run(func(p mqtt.Packet) []mqtt.Packet {
		if p, ok := p.(*mqtt.Connect); ok {
			seen <- *p
			return []mqtt.Packet{&mqtt.Connack{}}
		}
		return nil
	})
	c, err := Connect(t.Context(), ours, Options{
		Version: mqtt.V5, ClientID: "c", KeepAlive: time.Minute, SessionExpiry: 7, UserName: "u", Password: "p",
		Will: &Message{Topic: "gone", Payload: []byte("c"), QoS: 1, Retain: true},
	})
	require.NoError(t, err)
	c.Close()
	p := <-seen
	expiry, _ := p.Properties.Uint32(mqtt.SessionExpiryInterval)
	require.EqualValues(t, 7, expiry)
	require.EqualValues(t, 60, p.KeepAlive)
	require.Equal(t, "u p", string(p.UserName)+" "+string(p.Password))
	require.Equal(t, "gone c", string(p.Will.Topic)+" "+string(p.Will.Payload))
	require.True(t, p.HasWill && p.Will.Retain && p.Will.QoS == 1 && !p.CleanStart)
}

func TestRefused(t *testing.T) {
	for _, tt := range []struct {
		name   string
		o      Options
		answer mqtt.Packet
		want   string
	}{
		{"3.1.1", Options{}, &mqtt.Connack{Code: mqtt.ReasonCode(mqtt.ConnNotAuthorized)}, "connection refused: not authorized"},
		{"another packet", Options{}, &mqtt.Pingresp{}, "PINGRESP instead of CONNACK"},
		{"password alone", Options{Password: "p"}, nil, "a password needs a user name before MQTT 5.0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ours, theirs := net.Pipe()
			go (&server{conn: theirs, v: mqtt.V311}).run(func(mqtt.Packet) []mqtt.Packet { return []mqtt.Packet{tt.answer} })
			_, err := Connect(t.Context(), ours, tt.o)
			require.EqualError(t, err, tt.want)
		})
	}
}

func TestDialReadsTheURL(t *testing.T) {
	_, err := Dial(t.Context(), "mqtts://localhost", Options{})
	require.ErrorContains(t, err, "mqtt:// only")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	seen := make(chan string, 1)
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		(&server{conn: conn, v: mqtt.V311}).run(func(p mqtt.Packet) []mqtt.Packet {
			if p, ok := p.(*mqtt.Connect); ok {
				seen <- string(p.UserName) + " " + string(p.Password)
				return []mqtt.Packet{&mqtt.Connack{}}
			}
			return nil
		})
	}()
	c, err := Dial(t.Context(), "mqtt://ann:secret@"+l.Addr().String(), Options{})
	require.NoError(t, err)
	require.Equal(t, "ann secret", <-seen)
	c.Close() // half-closed: the server ends it
	require.NoError(t, c.Err())
}

func TestServerGoes(t *testing.T) {
	c, _ := connected(t, Options{}, func(p mqtt.Packet) []mqtt.Packet {
		if p.Type() == mqtt.TypePublish {
			return []mqtt.Packet{&mqtt.Disconnect{Code: mqtt.ServerShuttingDown}}
		}
		return nil
	})
	defer c.Close()
	require.ErrorContains(t, c.Publish(t.Context(), Message{Topic: "t", QoS: 1}), "disconnected by the server")
	c, s := connected(t, Options{}, nil)
	defer c.Close()
	s.conn.Close()
	_, ok := <-c.Messages()
	require.False(t, ok)
	require.EqualError(t, c.Err(), "the server closed the connection")
}

// What the server said in CONNACK is kept.
func TestLimits(t *testing.T) {
	props := mqtt.AppendByte(mqtt.AppendUint32(nil, mqtt.MaximumPacketSize, 30), mqtt.MaximumQoS, 1)
	c, _ := connected(t, Options{}, func(p mqtt.Packet) []mqtt.Packet {
		if p.Type() == mqtt.TypeConnect {
			return []mqtt.Packet{&mqtt.Connack{Properties: mqtt.NewProperties(props)}}
		}
		return nil
	})
	defer c.Close()
	require.ErrorContains(t, c.Publish(t.Context(), Message{Topic: "t", QoS: 2}), "the highest that can be sent is 1")
	require.ErrorContains(t, c.Publish(t.Context(), Message{Topic: "t", Payload: make([]byte, 30)}), "30 are the most")
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, c.Publish(gone, Message{Topic: "t", QoS: 0}), context.Canceled)
	require.Len(t, c.inflight, 0)
}

// No more wait for PUBACK than the server's Receive Maximum [MQTT-3.3.4-7].
func TestReceiveMaximum(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		props := mqtt.NewProperties(mqtt.AppendUint16(nil, mqtt.ReceiveMaximum, 1))
		c, s := connected(t, Options{}, func(p mqtt.Packet) []mqtt.Packet {
			if p.Type() == mqtt.TypeConnect {
				return []mqtt.Packet{&mqtt.Connack{Properties: props}}
			}
			return nil
		})
		result := make(chan error, 2)
		for range 2 {
			go func() { result <- c.Publish(t.Context(), Message{Topic: "t", QoS: 1}) }()
		}
		synctest.Wait()
		require.Len(t, s.got, 1)
		s.send(&mqtt.Puback{PacketID: 1})
		require.NoError(t, <-result)
		synctest.Wait()
		require.Len(t, s.got, 2)
		s.send(&mqtt.Puback{PacketID: 2})
		require.NoError(t, <-result)
		c.Close()
	})
}
