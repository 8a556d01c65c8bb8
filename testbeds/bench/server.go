package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// A server is what is measured.
type server struct {
	name    string
	about   string // what it is, with its version
	gateway bool   // it speaks MQTT-SN too
	added   bool   // on the command line, to refer to
	// command says on a ready line where it listens, or takes ports of our
	// choice in place of {mqtt} and {mqttsn}.
	command []string
}

//go:embed mosquitto.conf
var mosquittoConf []byte

// build makes the programs in dir; program is the one that makes the load.
// A peer that is not here is said, and left out, unless it was asked for.
func build(ctx context.Context, dir string, o *options) (program string, servers []server, err error) {
	b := builder{ctx, dir}
	if program, err = b.program(".", "./cmd/dormouse"); err != nil {
		return "", nil, err
	}
	wanted := strings.FieldsFunc(o.servers, func(r rune) bool { return r == ',' })
	add := func(name string, make func() (server, error)) error {
		i := slices.Index(wanted, name)
		if i < 0 && o.servers != "" {
			return nil
		}
		s, err := make()
		if err != nil && i < 0 {
			fmt.Fprintf(os.Stderr, "without %s: %v\n", name, err)
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		s.name = name
		servers = append(servers, s)
		if i >= 0 {
			wanted = slices.Delete(wanted, i, i+1)
		}
		return nil
	}
	if o.dormouse == "" {
		o.dormouse = program
	}
	adding := []error{
		add("dormouse", func() (server, error) { return b.dormouse(o.dormouse, o.shards) }),
		add("floor", b.floor),
		add("mosquitto", b.mosquitto),
		add("mochi", b.mochi),
	}
	for _, other := range o.others {
		name, command, ok := strings.Cut(other, "=")
		if !ok {
			name, command = filepath.Base(other), other+" {mqtt} {mqttsn}"
		}
		adding = append(adding, add(name, func() (server, error) {
			return server{about: name, added: true, gateway: strings.Contains(command, "{mqttsn}"), command: strings.Fields(command)}, nil
		}))
	}
	for _, err := range adding {
		if err != nil {
			return "", nil, err
		}
	}
	if len(wanted) > 0 {
		return "", nil, fmt.Errorf("there is no server %q", wanted[0])
	}
	return program, servers, nil
}

// A builder makes programs in a folder.
type builder struct {
	ctx context.Context
	dir string
}

// program builds a package of the module in that folder.
func (b *builder) program(module, path string) (string, error) {
	to := filepath.Join(b.dir, filepath.Base(path))
	_, err := b.output("go", "-C", module, "build", "-trimpath", "-o", to, path)
	return to, err
}

func (b *builder) output(name string, args ...string) (string, error) {
	cmd := exec.CommandContext(b.ctx, name, args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	return strings.TrimSpace(string(out)), err
}

func (b *builder) dormouse(program string, shards int) (s server, err error) {
	version, err := b.output("git", "describe", "--tags", "--always", "--dirty")
	if err != nil {
		return s, err
	}
	return server{about: "Dormouse " + version, gateway: true, command: []string{
		program, "serve", "--log-level", "error", "--shards", strconv.Itoa(shards),
		"--listen", "mqtt://127.0.0.1:0?max-clients=20000", "--listen", "mqttsn://127.0.0.1:0?max-clients=20000",
	}}, nil
}

func (b *builder) floor() (s server, err error) {
	program, err := b.program(".", "./testbeds/floor")
	return server{about: "testbeds/floor", gateway: true, command: []string{program}}, err
}

func (b *builder) mochi() (s server, err error) {
	const module = "testbeds/peers"
	program, err := b.program(module, "./mochi")
	if err != nil {
		return s, err
	}
	version, err := b.output("go", "-C", module, "list", "-m", "-f", "{{.Version}}", "github.com/mochi-mqtt/server/v2")
	return server{about: "mochi-mqtt " + version, command: []string{program}}, err
}

func (b *builder) mosquitto() (s server, err error) {
	program, err := exec.LookPath("mosquitto")
	if err != nil {
		program, err = exec.LookPath("/usr/sbin/mosquitto")
	}
	if err != nil {
		return s, errors.New("it is not installed; make bench-deps does that")
	}
	conf := filepath.Join(b.dir, "mosquitto.conf")
	if err := os.WriteFile(conf, mosquittoConf, 0o644); err != nil {
		return s, err
	}
	help, _ := exec.CommandContext(b.ctx, program, "-h").Output() // it exits with 3
	version, _, _ := strings.Cut(string(help), "\n")
	return server{about: strings.Replace(version, " version", "", 1), command: []string{program, "-c", conf, "-p", "{mqtt}"}}, nil
}
