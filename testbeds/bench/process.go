package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// patience is how long a server may take to start.
const patience = 10 * time.Second

// A process is a server that runs.
type process struct {
	cmd          *exec.Cmd
	mqtt, mqttsn string // addresses
}

// start starts a server and waits until it takes connections.
func (m *machine) start(s *server) (*process, error) {
	mqtt, mqttsn, err := freePorts()
	if err != nil {
		return nil, err
	}
	ports := strings.NewReplacer("{mqtt}", strconv.Itoa(mqtt), "{mqttsn}", strconv.Itoa(mqttsn))
	command := make([]string, len(s.command))
	says := true // where it listens
	for i, a := range s.command {
		command[i] = ports.Replace(a)
		says = says && command[i] == a
	}
	p := &process{cmd: exec.Command(command[0], command[1:]...),
		mqtt: fmt.Sprintf("127.0.0.1:%d", mqtt), mqttsn: fmt.Sprintf("127.0.0.1:%d", mqttsn)}
	p.cmd.Stderr = os.Stderr
	var out io.ReadCloser
	if says {
		if out, err = p.cmd.StdoutPipe(); err != nil {
			return nil, err
		}
	}
	if err := startOn(p.cmd, m.servers); err != nil {
		return nil, err
	}
	if says {
		err = p.readReady(out)
	} else {
		err = p.waitReady()
	}
	if err != nil {
		p.stop()
		return nil, err
	}
	return p, nil
}

// readReady reads the line that names the addresses.
func (p *process) readReady(out io.ReadCloser) error {
	late := time.AfterFunc(patience, func() { p.cmd.Process.Kill() })
	defer late.Stop()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return errors.New("it ended, or said nothing in time")
	}
	for _, url := range strings.Fields(line) {
		switch scheme, address, _ := strings.Cut(url, "://"); scheme {
		case "mqtt":
			p.mqtt = address
		case "mqttsn":
			p.mqttsn = address
		}
	}
	return nil
}

// waitReady connects until that works.
func (p *process) waitReady() error {
	for begin := time.Now(); time.Since(begin) < patience; time.Sleep(10 * time.Millisecond) {
		c, err := net.Dial("tcp", p.mqtt)
		if err == nil {
			return c.Close()
		}
	}
	return errors.New("nobody listens there")
}

// stop ends a server, which has nothing to keep.
func (p *process) stop() {
	p.cmd.Process.Kill()
	p.cmd.Wait()
}

// freePorts are a TCP and a UDP port that nobody has now.
func freePorts() (tcp, udp int, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, 0, err
	}
	defer l.Close()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		return 0, 0, err
	}
	defer c.Close()
	return l.Addr().(*net.TCPAddr).Port, c.LocalAddr().(*net.UDPAddr).Port, nil
}
