//go:build linux

package interop

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A node is an MQTT-SN client of raw datagrams, apart from the project's codec.
type node struct {
	t     *testing.T
	write func([]byte)
	read  func() []byte
	msgID uint16
}

// udpNode is a node on UDP.
func (s *server) udpNode(t *testing.T) *node {
	conn, err := net.Dial("udp", s.urls["mqttsn"])
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	return &node{t: t,
		write: func(b []byte) {
			_, err := conn.Write(b)
			require.NoError(t, err)
		},
		read: func() []byte {
			b := make([]byte, 70_000)
			require.NoError(t, conn.SetReadDeadline(time.Now().Add(patience)))
			n, err := conn.Read(b)
			require.NoError(t, err)
			return b[:n]
		}}
}

// message puts the header before a body: one octet of length, or three.
func message(kind byte, body ...[]byte) []byte {
	b := bytes.Join(body, nil)
	if len(b)+2 <= 255 {
		return append([]byte{byte(len(b) + 2), kind}, b...)
	}
	head := binary.BigEndian.AppendUint16([]byte{1}, uint16(len(b)+4))
	return append(append(head, kind), b...)
}

func u16(v uint16) []byte { return binary.BigEndian.AppendUint16(nil, v) }

// send sends octets and expects an answer in hexadecimal.
func (n *node) ask(request []byte, want string) {
	n.t.Helper()
	n.write(request)
	require.Equal(n.t, want, hex.EncodeToString(n.read()))
}

func (n *node) connect(id string) {
	n.t.Helper()
	n.ask(message(0x04, []byte{0x04, 0x01, 0, 60}, []byte(id)), "030500")
}

// register registers a topic and returns its id.
func (n *node) register(name string) uint16 {
	n.t.Helper()
	n.msgID++
	n.write(message(0x0A, u16(0), u16(n.msgID), []byte(name)))
	answer := n.read()
	require.Len(n.t, answer, 7)
	require.Equal(n.t, append(u16(n.msgID), 0), answer[4:], "REGACK")
	return binary.BigEndian.Uint16(answer[2:])
}

// publish publishes at QoS 1 and expects PUBACK 0.
func (n *node) publish(id uint16, payload []byte) {
	n.t.Helper()
	n.msgID++
	n.write(message(0x0C, []byte{0x20}, u16(id), u16(n.msgID), payload))
	require.Equal(n.t, message(0x0D, u16(id), u16(n.msgID), []byte{0}), n.read())
}

// subscribe subscribes at QoS 1.
func (n *node) subscribe(filter string) {
	n.t.Helper()
	n.msgID++
	n.write(message(0x12, []byte{0x20}, u16(n.msgID), []byte(filter)))
	answer := n.read()
	require.Len(n.t, answer, 8)
	require.Equal(n.t, byte(0), answer[7], "SUBACK")
}

// receive takes the next message, answering REGISTER on the way; ack: it is
// acknowledged.
func (n *node) receive(ack bool) (payload []byte, dup bool) {
	n.t.Helper()
	for {
		b := n.read()
		head := 2
		if b[0] == 1 {
			head = 4
		}
		switch body := b[head:]; b[head-1] {
		case 0x0A:
			n.write(message(0x0B, body[:4], []byte{0}))
		case 0x0C:
			if ack && body[0]&0x60 == 0x20 {
				n.write(message(0x0D, body[1:5], []byte{0}))
			}
			return body[5:], body[0]&0x80 != 0
		default:
			require.Fail(n.t, "unexpected packet", "%x", b)
		}
	}
}
