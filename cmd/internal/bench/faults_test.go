package bench

import (
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dormouse-mqtt/dormouse/broker/mqtt"
)

// A faulty is a broker of one subscriber that acknowledges everything, and of
// the messages does what handle says.
type faulty struct {
	handle     func(f *faulty, n int, publish []byte) // n counts from 1
	refuse     mqtt.ReasonCode                        // all publishing
	mu         sync.Mutex
	subscriber net.Conn
	n          int
	held       []byte
}

// pass hands a PUBLISH on.
func (f *faulty) pass(publish []byte) { f.subscriber.Write(publish) }

func (f *faulty) serve(t *testing.T) (url string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				defer conn.Close()
				f.talk(conn)
			})
		}
	})
	t.Cleanup(func() { l.Close(); running.Wait() })
	return "mqtt://" + l.Addr().String()
}

func (f *faulty) talk(conn net.Conn) {
	var d mqtt.Decoder
	var v mqtt.Version
	var in []byte
	b := make([]byte, 4096)
	for {
		n, err := conn.Read(b)
		if err != nil {
			return
		}
		in = append(in, b[:n]...)
		for {
			size, _ := mqtt.Frame(in, 0)
			if size == 0 {
				break
			}
			p, err := d.Decode(in[:size], v)
			if err != nil {
				return
			}
			if c, ok := p.(*mqtt.Connect); ok {
				v = c.Version
			}
			f.answer(conn, v, p, in[:size])
			in = in[size:]
		}
	}
}

func (f *faulty) answer(conn net.Conn, v mqtt.Version, p mqtt.Packet, octets []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch p := p.(type) {
	case *mqtt.Connect:
		conn.Write((&mqtt.Connack{}).AppendTo(nil, v))
	case *mqtt.Subscribe:
		f.subscriber = conn
		conn.Write((&mqtt.Suback{PacketID: p.PacketID, Codes: []byte{1}}).AppendTo(nil, v))
	case *mqtt.Publish:
		f.n++
		conn.Write((&mqtt.Puback{PacketID: p.PacketID, Code: f.refuse}).AppendTo(nil, v))
		f.handle(f, f.n, octets)
	}
}

// TestFaultsAreFound: what goes wrong at a server is counted as that.
func TestFaultsAreFound(t *testing.T) {
	for _, tt := range []struct {
		name   string
		server *faulty
		check  func(t *testing.T, r *Result)
	}{
		{"one is lost", &faulty{handle: func(f *faulty, n int, b []byte) {
			if n != 3 {
				f.pass(b)
			}
		}}, func(t *testing.T, r *Result) {
			require.EqualValues(t, 1, r.Lost)
			require.Equal(t, r.Sent-1, r.Delivered)
			require.True(t, r.Failed())
		}},
		{"one comes twice", &faulty{handle: func(f *faulty, n int, b []byte) {
			f.pass(b)
			if n == 3 {
				f.pass(b)
			}
		}}, func(t *testing.T, r *Result) {
			require.EqualValues(t, 1, r.Duplicates)
			require.Zero(t, r.Lost)
			require.Equal(t, r.Sent, r.Delivered)
		}},
		{"one is overtaken", &faulty{handle: func(f *faulty, n int, b []byte) {
			switch n {
			case 3:
				f.held = append([]byte(nil), b...)
			case 4:
				f.pass(b)
				f.pass(f.held)
			default:
				f.pass(b)
			}
		}}, func(t *testing.T, r *Result) {
			require.EqualValues(t, 1, r.OutOfOrder)
			require.Equal(t, r.Sent, r.Delivered)
		}},
		{"a subscriber is thrown out", &faulty{handle: func(f *faulty, n int, b []byte) {
			if f.pass(b); n == 30 {
				f.subscriber.Close()
			}
		}}, func(t *testing.T, r *Result) {
			require.Equal(t, 1, r.Closed)
			require.Contains(t, r.Notes[len(r.Notes)-1], "-subscriber-0: ")
			require.True(t, r.Failed())
		}},
		{"all are refused", &faulty{refuse: mqtt.QuotaExceeded, handle: func(*faulty, int, []byte) {}}, func(t *testing.T, r *Result) {
			require.Equal(t, r.Sent, r.Refused)
			require.Greater(t, r.Sent, uint64(10), "refusals do not stop a publisher")
			require.Zero(t, r.Lost)
			require.Zero(t, r.Delivered)
		}},
		{"nothing comes for a while", &faulty{handle: func(f *faulty, n int, b []byte) {
			if n == 3 {
				time.Sleep(50 * time.Millisecond)
			}
			f.pass(b)
		}}, func(t *testing.T, r *Result) {
			require.Zero(t, r.Lost)
			require.EqualValues(t, 100, r.Sent)
			// In a closed loop one message would be late. About 50 were due.
			require.Greater(t, r.LatencyUs.P90, 25e3)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := scenario(tt.server.serve(t))
			s.Publishers, s.Subscribers, s.QoS, s.Window, s.Version = 1, 1, 1, 4, "5.0"
			if tt.name == "nothing comes for a while" {
				s.Rate = 1000
			}
			r, err := Run(t.Context(), Options{Scenario: s, PIDs: own, patience: 200 * time.Millisecond})
			require.NoError(t, err)
			tt.check(t, r)
		})
	}
}
