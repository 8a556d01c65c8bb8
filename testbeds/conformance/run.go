package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"strings"
)

// module is what package paths begin with.
const module = "github.com/dormouse-mqtt/dormouse/"

// A test is a sub-test that was run: the vector of its name.
type test struct {
	vector string
	passed bool
	note   string // what it logged after "note: "
}

// A run is the sub-tests of each test function, such as
// "mqttsn.TestVectors", in their order.
type run map[string][]*test

// runVectors runs the tests that go through vectors, in the module at root.
func runVectors(root string) (run, error) {
	c := exec.Command("go", "test", "-json", "-run", tests,
		"./mqttsn", "./broker/mqtt", "./broker/topic", "./testbeds/crosscheck")
	c.Dir = root
	out, err := c.Output()
	r, readErr := readEvents(bytes.NewReader(out))
	if readErr != nil {
		return nil, readErr
	}
	if failed := r.failed(); len(failed) > 0 {
		return nil, fmt.Errorf("vectors failed: %s", strings.Join(failed, ", "))
	}
	if err != nil {
		return nil, fmt.Errorf("%v: %w", c, err)
	}
	return r, nil
}

// readEvents reads what go test -json prints.
func readEvents(from io.Reader) (run, error) {
	r := run{}
	known := map[string]*test{}
	for d := json.NewDecoder(from); ; {
		var ev struct{ Action, Package, Test, Output string }
		if err := d.Decode(&ev); err == io.EOF {
			return r, nil
		} else if err != nil {
			return nil, fmt.Errorf("output of go test: %w", err)
		}
		function, vector, sub := strings.Cut(ev.Test, "/")
		if !sub {
			continue
		}
		function = strings.TrimPrefix(ev.Package, module) + "." + function
		t := known[function+"/"+vector]
		if t == nil {
			t = &test{vector: vector}
			known[function+"/"+vector] = t
			r[function] = append(r[function], t)
		}
		switch ev.Action {
		case "pass":
			t.passed = true
		case "output":
			if _, note, ok := strings.Cut(ev.Output, ": note: "); ok {
				t.note = strings.TrimSpace(note)
			}
		}
	}
}

func (r run) failed() (names []string) {
	for function, tests := range r {
		for _, t := range tests {
			if !t.passed {
				names = append(names, function+"/"+t.vector)
			}
		}
	}
	return names
}
