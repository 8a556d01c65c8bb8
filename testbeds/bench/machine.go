package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// A machine is where it runs: which cores whom.
type machine struct {
	servers, generator []int
	before             share // of others, when the rounds began
}

// newMachine gives servers as many cores as there are shards, and the load
// another one, as far as there are so many.
func newMachine(shards int) (*machine, error) {
	cores, err := allowedCores()
	if err != nil || len(cores) < 2 {
		return &machine{}, err
	}
	return &machine{generator: cores[:1], servers: cores[1:min(len(cores), 1+max(1, shards))]}, nil
}

// describe says how the tables came about.
func (m *machine) describe(o *options, servers []server) string {
	var names []string
	for i := range servers {
		names = append(names, servers[i].about)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Measured on %s: %s.\n", time.Now().Format(time.DateOnly), strings.Join(names, ", "))
	fmt.Fprintf(&b, "%s, %d cores, %s, %s.\n", processor(), runtime.NumCPU(), system(), runtime.Version())
	if m.servers != nil {
		fmt.Fprintf(&b, "Servers on core %s, the load on core %s;", numbers(m.servers), numbers(m.generator))
	} else {
		fmt.Fprint(&b, "Servers and load share the cores;")
	}
	fmt.Fprintf(&b, " the best of %d rounds of %v.\n", o.rounds, o.duration)
	if percent, ok := m.before.percent(used()); ok {
		fmt.Fprintf(&b, "Other programs used %.0f %% of the machine meanwhile.\n", percent)
	}
	return b.String()
}

func numbers(cores []int) string {
	return strings.Join(strings.Fields(strings.Trim(fmt.Sprint(cores), "[]")), ", ")
}

func processor() string {
	b, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(b)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

func system() string {
	out, err := exec.Command("uname", "-sr").Output()
	if err != nil {
		return runtime.GOOS
	}
	return strings.TrimSpace(string(out))
}
