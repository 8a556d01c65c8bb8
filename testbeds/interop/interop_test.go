//go:build linux

// Package interop runs the built program against clients that are not ours:
// Debian's mosquitto_pub and mosquitto_sub, and raw MQTT-SN datagrams.
package interop

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var program string

func TestMain(m *testing.M) {
	for _, client := range []string{"mosquitto_sub", "mosquitto_pub"} {
		if _, err := exec.LookPath(client); err != nil {
			fmt.Fprintln(os.Stderr, client+" is missing; install it with: apt-get install mosquitto-clients")
			os.Exit(1)
		}
	}
	dir, err := os.MkdirTemp("", "dormouse")
	if err == nil {
		program = filepath.Join(dir, "dormouse")
		build := exec.Command("go", "build", "-o", program, "github.com/dormouse-mqtt/dormouse/cmd/dormouse")
		build.Stderr = os.Stderr
		err = build.Run()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "cannot build the program:", err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// patience is how long anything may take before the test gives up.
const patience = 10 * time.Second

// A server is the program under test.
type server struct {
	cmd  *exec.Cmd
	urls map[string]string // by scheme, without it
	log  *bytes.Buffer
}

// shards is how many the program runs with: `make test` tries one and four.
var shards = cmp.Or(os.Getenv("SHARDS"), "1")

// serve starts the program and waits for its ready line.
func serve(t *testing.T, listeners ...string) *server {
	args := []string{"serve", "--shards", shards}
	for _, l := range listeners {
		args = append(args, "--listen", l)
	}
	s := &server{cmd: exec.Command(program, args...), urls: map[string]string{}, log: &bytes.Buffer{}}
	s.cmd.Stderr = s.log
	out, err := s.cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, s.cmd.Start())
	t.Cleanup(func() { s.stop(t) })
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err, "no ready line")
	for _, url := range strings.Fields(strings.TrimPrefix(line, "ready ")) {
		scheme, rest, _ := strings.Cut(url, "://")
		s.urls[scheme] = rest
	}
	return s
}

// stop ends the program as an operator does and expects it to end well.
func (s *server) stop(t *testing.T) {
	if s.cmd.ProcessState != nil {
		return
	}
	require.NoError(t, s.cmd.Process.Signal(syscall.SIGTERM))
	require.NoError(t, s.cmd.Wait())
	if t.Failed() {
		t.Log(s.log.String())
	}
}

func (s *server) port(scheme string) string {
	_, port, _ := strings.Cut(s.urls[scheme], ":")
	return port
}

// A subscriber is a mosquitto_sub whose lines come one by one.
type subscriber struct {
	lines   *bufio.Reader
	granted string // what it says of its subscription
	process *os.Process
}

// subscribe starts mosquitto_sub and waits until its subscription holds.
func (s *server) subscribe(t *testing.T, args ...string) *subscriber {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	// Without stdbuf mosquitto_sub keeps its lines to itself while it writes to a pipe.
	cmd := exec.CommandContext(ctx, "stdbuf", append([]string{"-oL", "mosquitto_sub", "-p", s.port("mqtt"), "-d"}, args...)...)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	sub := &subscriber{lines: bufio.NewReader(out), process: cmd.Process}
	for !strings.HasPrefix(sub.granted, "Subscribed") {
		sub.granted = sub.raw(t)
	}
	return sub
}

func (s *subscriber) raw(t *testing.T) string {
	line, err := s.lines.ReadString('\n')
	require.NoError(t, err)
	return strings.TrimSuffix(line, "\n")
}

// next is the next message, past what -d prints.
func (s *subscriber) next(t *testing.T) string {
	for {
		if line := s.raw(t); !strings.HasPrefix(line, "Client ") && !strings.HasPrefix(line, "Subscribed") {
			return line
		}
	}
}

// publishOctets has mosquitto_pub read its payload from standard input, or, since
// it reads no empty one there, send none.
func (s *server) publishOctets(t *testing.T, payload []byte, args ...string) {
	if len(payload) == 0 {
		s.publish(t, nil, append(args, "-n")...)
		return
	}
	s.publish(t, bytes.NewReader(payload), append(args, "-s")...)
}

// publish runs mosquitto_pub.
func (s *server) publish(t *testing.T, stdin io.Reader, args ...string) {
	cmd := exec.Command("mosquitto_pub", append([]string{"-p", s.port("mqtt")}, args...)...)
	cmd.Stdin = stdin
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
}
