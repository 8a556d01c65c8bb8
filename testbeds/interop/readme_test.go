//go:build linux

package interop

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A step is a block of the README: a command for a terminal, or what is seen.
type step struct{ terminal, text string }

// sections are the parts of the README that have terminals, by heading.
func sections(t *testing.T) map[string][]step {
	b, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	all := map[string][]step{}
	for _, part := range strings.Split(string(b), "\n### ")[1:] {
		part, _, _ = strings.Cut(part, "\n## ")
		heading, _, _ := strings.Cut(part, "\n")
		for _, block := range regexp.MustCompile("(?s)```(sh\n# terminal \\d|text)\n(.*?)```").FindAllStringSubmatch(part, -1) {
			all[heading] = append(all[heading], step{strings.TrimPrefix(block[1], "sh\n# "), block[2]})
		}
	}
	require.NotEmpty(t, all)
	return all
}

// A terminal runs one command of the README and keeps what it prints.
type terminal struct {
	cmd *exec.Cmd
	mu  sync.Mutex
	out bytes.Buffer
}

func (x *terminal) Write(b []byte) (int, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.out.Write(b)
}

func (x *terminal) printed() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.out.String()
}

// TestReadme types what the README says, on ports of its own, and looks for what
// it promises.
func TestReadme(t *testing.T) {
	if _, err := exec.LookPath("socat"); err != nil {
		t.Fatal("socat is missing; install it with: apt-get install socat")
	}
	for heading, steps := range sections(t) {
		t.Run(heading, func(t *testing.T) {
			dir := t.TempDir()
			mqtt, sn := freePort(t, "tcp"), freePort(t, "udp")
			place := strings.NewReplacer(
				"bin/dormouse serve\n", program+" serve --listen mqtt://127.0.0.1:"+mqtt+" --listen mqttsn://127.0.0.1:"+sn+"\n",
				"bin/dormouse", program, "/tmp/", dir+"/", "1883", mqtt, "1884", sn,
				"mosquitto_sub", "stdbuf -oL mosquitto_sub -d -p "+mqtt)
			var running []*terminal
			for _, s := range steps {
				if s.terminal == "text" {
					eventually(t, s.text, func() bool {
						for _, x := range running {
							if strings.Contains("\n"+x.printed(), "\n"+s.text) {
								return true
							}
						}
						return false
					})
					continue
				}
				x := &terminal{cmd: exec.Command("bash", "-c", place.Replace(s.text))}
				x.cmd.Dir = "../.."
				x.cmd.Stdout, x.cmd.Stderr = x, x
				x.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
				require.NoError(t, x.cmd.Start())
				t.Cleanup(func() {
					syscall.Kill(-x.cmd.Process.Pid, syscall.SIGTERM)
					x.cmd.Wait()
					if t.Failed() {
						t.Log(s.terminal, s.text, x.printed())
					}
				})
				running = append(running, x)
				switch s.terminal {
				case "terminal 0":
					eventually(t, "the line", func() bool { _, err := os.Stat(dir + "/line"); return err == nil })
				case "terminal 1":
					eventually(t, "ready", func() bool { return strings.Contains(x.printed(), "ready ") })
				case "terminal 2":
					eventually(t, "subscribed", func() bool { return strings.Contains(x.printed(), "Subscribed") })
				default:
					require.NoError(t, x.cmd.Wait())
				}
			}
			if strings.Contains(heading, "sleeps") {
				last := running[len(running)-1].printed()
				for _, word := range []string{"asleep", "awake"} {
					require.Contains(t, last, word)
				}
			}
		})
	}
}

// eventually waits until something is there.
func eventually(t *testing.T, what string, there func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !there(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			require.Fail(t, "waited in vain for: "+what)
		}
	}
}

func freePort(t *testing.T, network string) string {
	var address net.Addr
	if network == "tcp" {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer l.Close()
		address = l.Addr()
	} else {
		c, err := net.ListenPacket("udp", "127.0.0.1:0")
		require.NoError(t, err)
		defer c.Close()
		address = c.LocalAddr()
	}
	_, port, err := net.SplitHostPort(address.String())
	require.NoError(t, err)
	return port
}
