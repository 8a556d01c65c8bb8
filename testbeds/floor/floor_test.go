//go:build linux

package main

import (
	"bufio"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The floor never lets go of its thread: it is a process of its own here too.
func TestMain(m *testing.M) {
	if os.Getenv("FLOOR") != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// start returns where the floor listens.
func start(t *testing.T) (mqtt, mqttsn string) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "FLOOR=1")
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	f := strings.Fields(line)
	require.Len(t, f, 3, line)
	return strings.TrimPrefix(f[1], "mqtt://"), strings.TrimPrefix(f[2], "mqttsn://")
}

// A peer is a client of the floor.
type peer struct {
	t *testing.T
	net.Conn
}

func dial(t *testing.T, network, address string) peer {
	c, err := net.Dial(network, address)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	require.NoError(t, c.SetDeadline(time.Now().Add(10*time.Second)))
	return peer{t, c}
}

func (p peer) send(b string) {
	_, err := p.Write([]byte(b))
	require.NoError(p.t, err)
}

func (p peer) want(b string) {
	p.t.Helper()
	got := make([]byte, len(b))
	_, err := io.ReadFull(p, got)
	require.NoError(p.t, err)
	require.Equal(p.t, b, string(got))
}

func (p peer) ask(b, answer string) {
	p.t.Helper()
	p.send(b)
	p.want(answer)
}

// connected returns a client that said CONNECT.
func connected(t *testing.T, address string) peer {
	p := dial(t, "tcp", address)
	p.ask("\x10\x0d\x00\x04MQTT\x04\x02\x00\x00\x00\x01c", "\x20\x02\x00\x00")
	return p
}

func TestForwardsMQTT(t *testing.T) {
	mqtt, _ := start(t)
	exact, prefix, pub := connected(t, mqtt), connected(t, mqtt), connected(t, mqtt)
	exact.ask("\x82\x08\x00\x01\x00\x03a/b\x01", "\x90\x03\x00\x01\x01")
	prefix.ask("\x82\x08\x00\x01\x00\x03a/#\x01", "\x90\x03\x00\x01\x01")

	pub.send("\x30\x06\x00\x03a/bx")
	pub.ask("\x32\x08\x00\x03a/b\x00\x07y", "\x40\x02\x00\x07")
	pub.ask("\x34\x08\x00\x03a/b\x00\x08z", "\x50\x02\x00\x08")
	pub.ask("\x62\x02\x00\x08", "\x70\x02\x00\x08")
	pub.send("\x30\x06\x00\x03a/co")
	pub.ask("\xc0\x00", "\xd0\x00")

	three := "\x30\x06\x00\x03a/bx" + "\x32\x08\x00\x03a/b\x00\x07y" + "\x34\x08\x00\x03a/b\x00\x08z"
	exact.want(three)
	prefix.want(three + "\x30\x06\x00\x03a/co")
}

func TestForwardsPacketsInPieces(t *testing.T) {
	mqtt, _ := start(t)
	c, other := connected(t, mqtt), connected(t, mqtt)
	c.ask("\x82\x08\x00\x01\x00\x03a/b\x00", "\x90\x03\x00\x01\x00")
	whole := "\x30\x85\x80\x04\x00\x03a/b" + strings.Repeat("x", 65536) // 65541 octets
	for _, piece := range []string{whole[:1], whole[1:3], whole[3:7], whole[7:40000], whole[40000:]} {
		c.send(piece)
		other.ask("\xc0\x00", "\xd0\x00") // by now it was read
	}
	c.want(whole)
}

func TestLeaversGetNothing(t *testing.T) {
	mqtt, _ := start(t)
	gone, pub := connected(t, mqtt), connected(t, mqtt)
	gone.ask("\x82\x08\x00\x01\x00\x03a/b\x00", "\x90\x03\x00\x01\x00")
	gone.Close()
	next := connected(t, mqtt) // on the same descriptor, as a rule
	pub.send("\x30\x06\x00\x03a/bx")
	pub.ask("\xc0\x00", "\xd0\x00")
	next.ask("\xc0\x00", "\xd0\x00")
}

func TestForwardsMQTTSN(t *testing.T) {
	mqtt, mqttsn := start(t)
	client, node := connected(t, mqtt), dial(t, "udp", mqttsn)
	client.ask("\x82\x07\x00\x01\x00\x02up\x00", "\x90\x03\x00\x01\x00")
	node.ask("\x07\x04\x04\x01\x00\x3cn", "\x03\x05\x00")
	node.ask("\x08\x0a\x00\x00\x00\x01up", "\x07\x0b\x00\x01\x00\x01\x00")
	node.ask("\x09\x12\x20\x00\x02down", "\x08\x13\x20\x00\x02\x00\x02\x00")
	node.ask("\x08\x12\x00\x00\x03a/#", "\x08\x13\x00\x00\x00\x00\x03\x03")
	node.ask("\x02\x16", "\x02\x17")

	node.send("\x08\x0c\x00\x00\x01\x00\x00x")
	node.ask("\x08\x0c\x20\x00\x01\x00\x09y", "\x07\x0d\x00\x01\x00\x09\x00")
	node.send("\x08\x0c\x62up\x00\x00z") // QoS -1, short topic name
	client.want("\x30\x05\x00\x02upx" + "\x32\x07\x00\x02up\x00\x09y" + "\x30\x05\x00\x02upz")

	client.send("\x30\x07\x00\x04downx")
	client.ask("\x32\x09\x00\x04down\x00\x0ay", "\x40\x02\x00\x0a")
	node.want("\x08\x0c\x00\x00\x02\x00\x00x")
	node.want("\x08\x0c\x20\x00\x02\x00\x0ay")
}
