package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A result is what `dormouse bench --json` says, as far as we ask.
type result struct {
	Sent                  uint64   `json:"sent"`
	Delivered             uint64   `json:"delivered"`
	Lost                  uint64   `json:"lost"`
	CPUUsPerMessage       *float64 `json:"cpu_us_per_message"`
	SyscallsPerMessage    *float64 `json:"syscalls_per_message"`
	RSSBytesPerConnection *float64 `json:"rss_bytes_per_connection"`
	LatencyUs             *spread  `json:"latency_us"`
}

type spread struct {
	P50 float64 `json:"p50"`
	P99 float64 `json:"p99"`
}

func (r *result) latency(of func(*spread) float64) *float64 {
	if r.LatencyUs == nil {
		return nil
	}
	v := of(r.LatencyUs)
	return &v
}

// try runs a scenario against a server of its own.
func (m *machine) try(ctx context.Context, program string, c *scenario, s *server, duration time.Duration) (*result, error) {
	p, err := m.start(s)
	if err != nil {
		return nil, err
	}
	defer p.stop()
	ctx, cancel := context.WithTimeout(ctx, duration+2*time.Minute)
	defer cancel()
	arguments := []string{"bench", "mqtt://" + p.mqtt}
	if c.nodes {
		arguments = []string{"bench", "mqttsn://" + p.mqttsn, "--broker", "mqtt://" + p.mqtt}
	}
	arguments = append(arguments, "--json", "--size", "64", "--pid", strconv.Itoa(p.cmd.Process.Pid),
		"--duration", duration.String(), "--warmup", "1s")
	cmd := exec.CommandContext(ctx, program, append(arguments, c.args...)...)
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	if err = startOn(cmd, m.generator); err == nil {
		err = cmd.Wait()
	}
	var r result
	if json.Unmarshal(out.Bytes(), &r) == nil { // lost messages are an exit code too
		return &r, nil
	}
	if err == nil {
		err = errors.New("no result")
	}
	return nil, fmt.Errorf("%w: %s", err, strings.TrimSpace(complaint.String()))
}

// results are all runs by scenario and server.
type results map[[2]string][]*result

func (found results) add(scenario, server string, r *result) {
	key := [2]string{scenario, server}
	found[key] = append(found[key], r)
}

// best is the lowest figure of the runs that lost nothing, or if there are none
// of all; lost says how much that one lost. ok is false if there is no figure.
func (found results) best(scenario, server string, of func(*result) *float64) (best float64, lost uint64, ok bool) {
	runs := slices.Clone(found[[2]string{scenario, server}])
	runs = slices.DeleteFunc(runs, func(r *result) bool { return of(r) == nil })
	if len(runs) == 0 {
		return 0, 0, false
	}
	r := slices.MinFunc(runs, func(a, b *result) int {
		return cmp.Or(cmp.Compare(min(a.Lost, 1), min(b.Lost, 1)), cmp.Compare(*of(a), *of(b)))
	})
	return *of(r), r.Lost, true
}
