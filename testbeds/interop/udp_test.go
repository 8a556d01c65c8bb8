//go:build linux

package interop

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	anyMQTT = "mqtt://127.0.0.1:0"
	anySN   = "mqttsn://127.0.0.1:0"
)

func TestReadingReachesSubscriber(t *testing.T) {
	s := serve(t, anyMQTT, anySN)
	for _, version := range []string{"311", "5"} {
		t.Run(version, func(t *testing.T) {
			sub := s.subscribe(t, "-V", version, "-t", "sensors/#", "-v", "-q", "1")
			n := s.udpNode(t)
			n.ask([]byte{3, 1, 0}, "030201") // SEARCHGW, GWINFO
			n.connect("node" + version)
			n.publish(n.register("sensors/1"), []byte("21.5"))
			require.Equal(t, "sensors/1 21.5", sub.next(t))
			n.write(message(0x0C, []byte{0x00}, u16(n.register("sensors/2")), u16(0), []byte("qos 0")))
			require.Equal(t, "sensors/2 qos 0", sub.next(t))
		})
	}
}

func TestMessageReachesNode(t *testing.T) {
	s := serve(t, anyMQTT, anySN)
	n := s.udpNode(t)
	n.connect("node")
	n.subscribe("cmd/#")
	binary := []byte{0, 1, 0xFF, 0xC0, '\n', 0}
	for _, version := range []string{"311", "5"} {
		for _, qos := range []string{"0", "1"} {
			s.publishOctets(t, binary, "-V", version, "-t", "cmd/a", "-q", qos)
			got, _ := n.receive(true)
			require.Equal(t, binary, got)
		}
	}
}

// The largest payload of PUBLISH in a UDP datagram over IPv4.
const largest = 65_507 - 9

func TestSizes(t *testing.T) {
	s := serve(t, anyMQTT, anySN)
	n := s.udpNode(t)
	n.connect("node")
	n.subscribe("down")
	id := n.register("up")
	for _, size := range []int{0, 1, 247, 248, 249, 1000, 8184, 60_000, largest} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			payload := bytes.Repeat([]byte{'x'}, size)
			s.publishOctets(t, payload, "-t", "down", "-q", "1")
			got, _ := n.receive(true)
			require.True(t, bytes.Equal(payload, got), "to the node")
			sub := s.subscribe(t, "-t", "up", "-F", "%l")
			n.publish(id, payload)
			require.Equal(t, fmt.Sprint(size), sub.next(t))
		})
	}
	for _, size := range []int{0, 127, 128, 16_384, 65_536} {
		sub := s.subscribe(t, "-t", "mqtt", "-F", "%l")
		s.publishOctets(t, bytes.Repeat([]byte{0}, size), "-t", "mqtt")
		require.Equal(t, fmt.Sprint(size), sub.next(t))
	}
}

func TestSleeperGetsItsMessagesInOrderAndPingrespLast(t *testing.T) {
	s := serve(t, anyMQTT, "mqttsn://127.0.0.1:0?awake-retry=5s")
	n := s.udpNode(t)
	n.connect("sleeper")
	n.subscribe("cmd")
	n.ask(message(0x18, u16(60)), "0218")
	for i := range 3 {
		s.publish(t, nil, "-t", "cmd", "-q", "1", "-m", fmt.Sprint(i))
	}
	wake := message(0x16, []byte("sleeper"))
	n.write(wake)
	for i := range 3 {
		got, _ := n.receive(true)
		require.Equal(t, fmt.Sprint(i), string(got))
	}
	require.Equal(t, "0217", hex.EncodeToString(n.read()), "PINGRESP comes last")

	// What it does not acknowledge comes first when it wakes again.
	s.publish(t, nil, "-t", "cmd", "-q", "1", "-m", "first")
	n.write(wake)
	got, dup := n.receive(false)
	require.Equal(t, "first", string(got))
	require.False(t, dup)
	n.ask(message(0x18, u16(60)), "0218")
	s.publish(t, nil, "-t", "cmd", "-q", "1", "-m", "second")
	n.write(wake)
	got, dup = n.receive(true)
	require.Equal(t, "first", string(got))
	require.True(t, dup)
	got, _ = n.receive(true)
	require.Equal(t, "second", string(got))
	require.Equal(t, "0217", hex.EncodeToString(n.read()))
}

// TestExactlyOnce: QoS 2 both ways, a node's packets repeated, and a sleep in the
// middle.
func TestExactlyOnce(t *testing.T) {
	s := serve(t, anyMQTT, "mqttsn://127.0.0.1:0?awake-retry=5s")
	sub := s.subscribe(t, "-t", "up", "-q", "2", "-F", "%q %p")
	n := s.udpNode(t)
	n.connect("node")
	id := n.register("up")
	for i, payload := range []string{"one", "two"} {
		publish := message(0x0C, []byte{0x40}, u16(id), u16(uint16(i+10)), []byte(payload))
		for range 2 { // both are said twice
			n.ask(publish, hex.EncodeToString(message(0x0F, u16(uint16(i+10)))))
			n.ask(publish, hex.EncodeToString(message(0x0F, u16(uint16(i+10)))))
			n.ask(message(0x10, u16(uint16(i+10))), hex.EncodeToString(message(0x0E, u16(uint16(i+10)))))
		}
		require.Equal(t, "2 "+payload, sub.next(t), "once")
	}

	n.ask(message(0x12, []byte{0x40}, u16(3), []byte("down")), "08134000020003"+"00")
	n.ask(message(0x18, u16(60)), "0218")
	for _, payload := range []string{"three", "four"} {
		s.publish(t, nil, "-t", "down", "-q", "2", "-m", payload)
	}
	wake := message(0x16, []byte("node"))
	n.write(wake)
	first := n.read()
	require.Equal(t, message(0x0C, []byte{0x40, 0, 2}, first[5:7], []byte("three")), first)
	n.ask(message(0x18, u16(60)), "0218")
	n.write(wake)
	require.Equal(t, message(0x0C, []byte{0xC0, 0, 2}, first[5:7], []byte("three")), n.read(), "with DUP, under the same id")
	pubrel := hex.EncodeToString(message(0x10, first[5:7]))
	n.ask(message(0x0F, first[5:7]), pubrel)
	n.ask(message(0x18, u16(60)), "0218")
	n.ask(wake, pubrel)
	n.write(message(0x0E, first[5:7]))
	second := n.read()
	require.Equal(t, message(0x0C, []byte{0x40, 0, 2}, second[5:7], []byte("four")), second)
	require.NotEqual(t, first[5:7], second[5:7])
	n.ask(message(0x0F, second[5:7]), hex.EncodeToString(message(0x10, second[5:7])))
	n.ask(message(0x0E, second[5:7]), "0217") // PINGRESP comes last
}

func TestWhatIsNotThereYetIsRefused(t *testing.T) {
	s := serve(t, anyMQTT, anySN)
	n := s.udpNode(t)
	n.ask(message(0x04, []byte{0x0C, 0x01, 0, 60}, []byte("will")), "030503")
}

// TestSharedWithARealClient: of two members each message goes to one.
func TestSharedWithARealClient(t *testing.T) {
	s := serve(t, anyMQTT, anySN)
	a := s.subscribe(t, "-V", "5", "-t", "$share/g/t", "-q", "1")
	b := s.subscribe(t, "-V", "5", "-t", "$share/g/t", "-q", "1")
	for i := range 4 {
		s.publish(t, nil, "-t", "t", "-q", "1", "-m", strconv.Itoa(i))
	}
	for i, member := range []*subscriber{a, b, a, b} {
		require.Equal(t, strconv.Itoa(i), member.next(t))
	}
}

func TestGarbageCostsNothing(t *testing.T) {
	s := serve(t, anyMQTT, anySN)
	n := s.udpNode(t)
	n.connect("node")
	id := n.register("t")
	stranger, err := net.Dial("udp", s.urls["mqttsn"])
	require.NoError(t, err)
	defer stranger.Close()
	noise := []byte{}
	for i := range 3000 {
		noise = append(noise, byte(i*i>>3), byte(i))
		stranger.Write(noise[max(0, len(noise)-1+-i%40):])
		if i%30 == 0 {
			conn, err := net.Dial("tcp", s.urls["mqtt"])
			require.NoError(t, err)
			conn.Write(noise)
			conn.Close()
		}
	}
	huge, err := net.Dial("tcp", s.urls["mqtt"])
	require.NoError(t, err)
	defer huge.Close()
	huge.Write([]byte{0x10, 0xFF, 0xFF, 0xFF, 0x7F})
	require.NoError(t, huge.SetReadDeadline(time.Now().Add(patience)))
	_, err = huge.Read(make([]byte, 1))
	require.Error(t, err, "a CONNECT of 256 MiB is not waited for")
	outlast(t, stranger)
	n.publish(id, []byte("still here"))
	s.stop(t)
	require.Regexp(t, `mqtt-malformed=[1-9]`, s.log.String())
	require.Regexp(t, `datagrams-malformed=[1-9]\d{2}`, s.log.String())
}

// outlast waits until the server has worked through what came before: the system
// drops datagrams that it cannot keep, so it is asked until it answers.
func outlast(t *testing.T, conn net.Conn) {
	t.Helper()
	b := make([]byte, 100)
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		_, err := conn.Write([]byte{3, 1, 0}) // SEARCHGW
		require.NoError(t, err)
		require.NoError(t, conn.SetReadDeadline(time.Now().Add(100*time.Millisecond)))
		for {
			n, err := conn.Read(b)
			if err != nil {
				break
			}
			if hex.EncodeToString(b[:n]) == "030201" { // GWINFO
				return
			}
		}
	}
	require.Fail(t, "the server does not answer any more")
}
