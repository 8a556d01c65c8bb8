//go:build linux

package interop

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestMistakesAreOneLine runs the program as an operator does who errs.
func TestMistakesAreOneLine(t *testing.T) {
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer busy.Close()
	busyUDP, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	defer busyUDP.Close()
	notTTY := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(notTTY, nil, 0o600))
	for _, tt := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"port in use", []string{"serve", "--listen", "mqtt://" + busy.Addr().String()}, 1, "choose another port"},
		{"UDP port in use", []string{"serve", "--listen", "mqttsn://" + busyUDP.LocalAddr().String()}, 1, "choose another port"},
		{"no such address", []string{"serve", "--listen", "mqtt://192.0.2.1:1883"}, 1, "use one of its own"},
		{"no serial line", []string{"serve", "--listen", "slip://" + notTTY}, 1, "not a serial line"},
		{"no file", []string{"serve", "--config", "/nonexistent.yaml"}, 1, "readable file"},
		{"folder", []string{"serve", "--data", "/tmp"}, 1, "use memory:"},
		{"unknown flag", []string{"serve", "--lisen", "x"}, 2, "unknown flag"},
		{"unknown command", []string{"server"}, 2, "unknown command"},
		{"argument too many", []string{"serve", "now"}, 2, "now"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out, err := exec.Command(program, tt.args...).CombinedOutput()
			var exit *exec.ExitError
			require.True(t, errors.As(err, &exit), "%v", err)
			require.Equal(t, tt.code, exit.ExitCode(), string(out))
			require.Contains(t, string(out), tt.want)
			require.Equal(t, 1, strings.Count(strings.TrimRight(string(out), "\n"), "\n")+1, "one line: %s", out)
		})
	}
}

// TestOtherHostsAreRefused connects by an address of this host that is not
// loopback: the server cannot tell that from another host.
func TestOtherHostsAreRefused(t *testing.T) {
	address := ownAddress(t)
	s := serve(t, "mqtt://:0", "mqttsn://:0")
	out, err := exec.Command("mosquitto_pub", "-h", address, "-p", s.port("mqtt"), "-V", "5", "-t", "t", "-m", "x").CombinedOutput()
	require.Error(t, err, string(out))
	conn, err := net.Dial("udp", net.JoinHostPort(address, s.port("mqttsn")))
	require.NoError(t, err)
	defer conn.Close()
	_, err = conn.Write(message(0x04, []byte{0x04, 0x01, 0, 60}, []byte("far")))
	require.NoError(t, err)
	b := make([]byte, 10)
	n, err := conn.Read(b)
	require.NoError(t, err)
	require.Equal(t, []byte{3, 5, 3}, b[:n])
	s.stop(t)
	require.Contains(t, s.log.String(), "anonymous clients of other hosts are refused here")
	require.Contains(t, s.log.String(), "refused an anonymous client")

	open := serve(t, "mqtt://:0?anonymous=on")
	out, err = exec.Command("mosquitto_pub", "-h", address, "-p", open.port("mqtt"), "-t", "t", "-m", "x").CombinedOutput()
	require.NoError(t, err, string(out))
}

// ownAddress is an address of this host that is not loopback. Without one,
// a dummy interface in a network namespace would be needed.
func ownAddress(t *testing.T) string {
	addresses, err := net.InterfaceAddrs()
	require.NoError(t, err)
	for _, a := range addresses {
		if ip, ok := a.(*net.IPNet); ok && !ip.IP.IsLoopback() && ip.IP.To4() != nil {
			return ip.IP.String()
		}
	}
	require.Fail(t, "this host has no address but loopback; give it one, such as: ip addr add 192.0.2.10/32 dev lo")
	return ""
}

// TestClientsAreToldOfTheEnd stops the server while a client is connected.
func TestClientsAreToldOfTheEnd(t *testing.T) {
	s := serve(t, anyMQTT, anySN)
	sub := s.subscribe(t, "-V", "5", "-t", "t")
	n := s.udpNode(t)
	n.connect("node")
	s.stop(t)
	require.Equal(t, []byte{2, 0x18}, n.read())
	for line := ""; !strings.Contains(line, "Received DISCONNECT (139)"); { // server shutting down
		line = sub.raw(t)
	}
}

// TestTakeover connects a client id twice.
func TestTakeover(t *testing.T) {
	s := serve(t, anyMQTT, anySN)
	sub := s.subscribe(t, "-V", "5", "-i", "one", "-t", "t")
	n := s.udpNode(t)
	n.connect("one")
	for line := ""; !strings.Contains(line, "Received DISCONNECT (142)"); { // session taken over
		line = sub.raw(t)
	}
}

// TestRetainedAndSessions keeps a value, and a session whose client is away.
func TestRetainedAndSessions(t *testing.T) {
	s := serve(t, anyMQTT)
	s.publish(t, nil, "-t", "state", "-r", "-m", "kept")
	require.Equal(t, "kept", s.subscribe(t, "-t", "state").next(t))
	args := []string{"-p", s.port("mqtt"), "-i", "away", "-c", "-q", "1", "-t", "queue", "-E"}
	out, err := exec.Command("mosquitto_sub", args...).CombinedOutput()
	require.NoError(t, err, string(out))
	for _, m := range []string{"1", "2", "3"} {
		s.publish(t, nil, "-t", "queue", "-q", "1", "-m", m)
	}
	args = append(args[:len(args)-1], "-C", "3")
	out, err = exec.Command("mosquitto_sub", args...).CombinedOutput()
	require.NoError(t, err)
	require.Equal(t, "1\n2\n3\n", string(out))
}

// TestWill kills a client without a goodbye.
func TestWill(t *testing.T) {
	s := serve(t, anyMQTT)
	sub := s.subscribe(t, "-t", "wills", "-q", "1")
	dying := s.subscribe(t, "-t", "x", "--will-topic", "wills", "--will-payload", "lost", "--will-qos", "1")
	require.NoError(t, dying.process.Kill())
	require.Equal(t, "lost", sub.next(t))
}
