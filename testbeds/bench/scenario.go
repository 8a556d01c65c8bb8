package main

import (
	"fmt"
	"strings"
)

// A scenario is what the load is. Clients are paired one to one if there are as
// many subscribers as publishers.
type scenario struct {
	name  string
	nodes bool     // of MQTT-SN: a gateway is needed
	args  []string // of dormouse bench
	rows  []row
	once  bool // in the first round only: it comes out alike each time
}

// A row is a figure of a scenario in a table.
type row struct {
	in    *table
	title string
	of    func(*result) *float64
}

// A table has the rows of several scenarios.
type table struct {
	title, note string
	format      string // of a figure
}

var (
	cpuTable = &table{"CPU time",
		"µs of the server's CPU for each delivered message; in brackets: how many times what the floor takes.", "%.1f"}
	memoryTable = &table{"Memory",
		"Octets of resident memory for each of 10,000 idle connections.", "%.0f"}
	callsTable = &table{"System calls",
		"For each delivered message.", "%.2f"}
	latencyTable = &table{"Latency",
		"µs from when a message is due to its delivery, at 1,000 messages a second in all.", "%.0f"}
)

func cpu(r *result) *float64    { return r.CPUUsPerMessage }
func memory(r *result) *float64 { return r.RSSBytesPerConnection }
func calls(r *result) *float64  { return r.SyscallsPerMessage }

func args(s string) []string { return strings.Fields(s) }

const (
	each = "--publishers 100 --subscribers 100 --window 1"
	up   = "--direction up --publishers 50 --subscribers 1 --window 1"
	down = "--direction down --publishers 1 --subscribers 50 --topics 50 --window 1"
)

// scenarios are all there are, in the order of the tables.
var scenarios = []scenario{
	{"each-q0", false, args(each + " --qos 0"), []row{{cpuTable, "100 pairs, one message under way each, QoS 0", cpu}}, false},
	{"each-q1", false, args(each + " --qos 1"), []row{{cpuTable, "the same, QoS 1", cpu}}, false},
	{"each-q2", false, args(each + " --qos 2"), []row{{cpuTable, "the same, QoS 2", cpu}}, false},
	{"win20", false, args("--publishers 10 --subscribers 10 --window 20 --qos 1"),
		[]row{{cpuTable, "10 pairs, 20 under way each, QoS 1", cpu}}, false},
	{"burst16", false, args("--publishers 10 --subscribers 10 --window 160 --batch 16 --qos 0"),
		[]row{{cpuTable, "10 pairs, 16 sent at once, QoS 0", cpu}}, false},
	{"fanout500", false, args("--publishers 1 --subscribers 500 --window 1 --qos 0"),
		[]row{{cpuTable, "1 publisher, 500 subscribers, QoS 0", cpu}}, false},
	{"fanin500", false, args("--publishers 500 --subscribers 1 --window 1 --qos 0"),
		[]row{{cpuTable, "500 publishers, 1 subscriber, QoS 0", cpu}}, false},
	{"1k", false, args("--publishers 100 --subscribers 100 --rate 1000 --qos 0"), []row{
		{cpuTable, "100 pairs, 1,000 messages a second in all, QoS 0", cpu},
		{latencyTable, "half within", func(r *result) *float64 { return r.latency(func(s *spread) float64 { return s.P50 }) }},
		{latencyTable, "99 % within", func(r *result) *float64 { return r.latency(func(s *spread) float64 { return s.P99 }) }},
	}, false},
	{"sn-up-q0", true, args(up + " --qos 0"), []row{{cpuTable, "MQTT-SN: 50 nodes publish, QoS 0", cpu}}, false},
	{"sn-up-q1", true, args(up + " --qos 1"), []row{{cpuTable, "the same, QoS 1", cpu}}, false},
	{"sn-down-q0", true, args(down + " --qos 0"), []row{{cpuTable, "MQTT-SN: 50 nodes receive, QoS 0", cpu}}, false},
	{"idle", false, args("--idle 10000"), []row{{memoryTable, "connected", memory}}, false},
	{"idle-subscribed", false, args("--idle 10000 --subscribe"), []row{{memoryTable, "with one subscription", memory}}, false},
	{"sn-idle", true, args("--idle 10000"), []row{{memoryTable, "MQTT-SN: connected", memory}}, false},
	{"calls-q0", false, args(each + " --qos 0 --syscalls"), []row{{callsTable, "100 pairs, one message under way each, QoS 0", calls}}, true},
	{"calls-q1", false, args(each + " --qos 1 --syscalls"), []row{{callsTable, "the same, QoS 1", calls}}, true},
	{"sn-calls-q0", true, args(up + " --qos 0 --syscalls"), []row{{callsTable, "MQTT-SN: 50 nodes publish, QoS 0", calls}}, true},
}

// choose returns those that one of the names is, or begins.
func choose(from []scenario, names string) (chosen []scenario, err error) {
	if names == "" {
		return from, nil
	}
	wanted := map[string]bool{}
	for _, n := range strings.Split(names, ",") {
		met := false
		for i := range from {
			if from[i].name == n { // not those that it begins, too
				wanted[n], met = true, true
			}
		}
		for i := range from {
			if !wanted[n] && strings.HasPrefix(from[i].name, n) {
				wanted[from[i].name], met = true, true
			}
		}
		if !met {
			return nil, fmt.Errorf("there is no scenario %q", n)
		}
	}
	for _, s := range from {
		if wanted[s.name] {
			chosen = append(chosen, s)
		}
	}
	return chosen, nil
}

// short is the first figure of a run.
func (c *scenario) short(r *result) string {
	v := c.rows[0].of(r)
	if v == nil {
		return "nothing measured"
	}
	s := fmt.Sprintf(c.rows[0].in.format, *v)
	if r.Lost > 0 {
		s += fmt.Sprintf(", lost %d of %d", r.Lost, r.Sent)
	}
	return s
}
