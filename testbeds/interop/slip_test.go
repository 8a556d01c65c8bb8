//go:build linux

package interop

import (
	"encoding/hex"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dormouse-mqtt/dormouse/radio/radiotest"
)

// lineNode is a node behind a dongle on a pseudo-terminal: SLIP and forwarder
// encapsulation with its address, written apart from the project's codecs.
func lineNode(t *testing.T, p *radiotest.PTY, address byte) *node {
	var pending []byte
	return &node{t: t,
		write: func(m []byte) {
			b := []byte{0xC0}
			for _, c := range append([]byte{4, 0xFE, 0, address}, m...) {
				switch c {
				case 0xC0:
					b = append(b, 0xDB, 0xDC)
				case 0xDB:
					b = append(b, 0xDB, 0xDD)
				default:
					b = append(b, c)
				}
			}
			_, err := p.Master.Write(append(b, 0xC0))
			require.NoError(t, err)
		},
		read: func() []byte {
			var frame []byte
			for escaped := false; ; {
				for i, c := range pending {
					switch {
					case c == 0xC0 && len(frame) > 0:
						pending = pending[i+1:]
						require.Equal(t, []byte{4, 0xFE, 0, address}, frame[:4])
						return frame[4:]
					case c == 0xC0:
					case c == 0xDB:
						escaped = true
					case escaped:
						frame, escaped = append(frame, map[byte]byte{0xDC: 0xC0, 0xDD: 0xDB}[c]), false
					default:
						frame = append(frame, c)
					}
				}
				b := make([]byte, 1000)
				require.NoError(t, p.Master.SetReadDeadline(time.Now().Add(patience)))
				n, err := p.Master.Read(b)
				require.NoError(t, err)
				pending = b[:n]
			}
		}}
}

func TestSerialLineUnpluggedAndPluggedIn(t *testing.T) {
	p := radiotest.NewPTY(t)
	s := serve(t, anyMQTT, "slip://"+p.Path+"?awake-retry=5s")
	sub := s.subscribe(t, "-t", "sensors/#", "-v")
	n := lineNode(t, p, 7)
	n.connect("line")
	n.subscribe("cmd")
	id := n.register("sensors/line")
	n.publish(id, []byte{'a', 0xC0, 0xDB, 'b'})
	require.Equal(t, "sensors/line a\xC0\xDBb", sub.next(t))
	n.ask(message(0x18, u16(600)), "0218")

	p.Unplug(t)
	for _, m := range []string{"1", "2", "3"} {
		s.publish(t, nil, "-t", "cmd", "-q", "1", "-m", m)
	}
	p.Plug(t)
	n.write(message(0x16, []byte("line")))
	for _, m := range []string{"1", "2", "3"} {
		got, _ := n.receive(true)
		require.Equal(t, m, string(got))
	}
	require.Equal(t, "0217", hex.EncodeToString(n.read()))
	n.publish(id, []byte("again"))
	require.Equal(t, "sensors/line again", sub.next(t))
}
