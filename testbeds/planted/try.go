package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

var errMissed = errors.New("NOT FOUND")

// try builds the worlds with a fault, runs them until one fails, and says how it
// was found.
func try(file string, seeds int) (string, error) {
	p, err := readPatch(file)
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "planted")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	binary := filepath.Join(dir, "worlds")
	if err := p.build(dir, binary); err != nil {
		return "", err
	}
	run := exec.Command(binary, "-test.run", "^TestWorlds$", "-seeds", strconv.Itoa(seeds), "-until-failure")
	run.Dir = "testbeds/world"
	out, _ := run.CombinedOutput() // it fails, if the fault is found
	return found(string(out))
}

// build compiles the worlds with the source file that has the fault.
func (p *patch) build(dir, binary string) error {
	source, err := p.apply("")
	if err != nil {
		return err
	}
	faulty, overlay := filepath.Join(dir, "faulty.go"), filepath.Join(dir, "overlay.json")
	original, err := filepath.Abs(p.file)
	if err != nil {
		return err
	}
	list, err := json.Marshal(map[string]map[string]string{"Replace": {original: faulty}})
	if err != nil {
		return err
	}
	if err := errors.Join(os.WriteFile(faulty, []byte(source), 0o600), os.WriteFile(overlay, list, 0o600)); err != nil {
		return err
	}
	out, err := exec.Command("go", "test", "-c", "-overlay", overlay, "-o", binary, "./testbeds/world").CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

var failure = regexp.MustCompile(`seed (\d+): (.*)`)

// found reads what the worlds say of the first that failed.
func found(out string) (string, error) {
	m := failure.FindStringSubmatch(out)
	if m == nil {
		return "", errMissed
	}
	_, shrunk, _ := strings.Cut(out, "shrunk to:\n")
	operations := 0
	for line := range strings.Lines(shrunk) {
		if f := strings.Fields(line); len(f) >= 3 && regexp.MustCompile(`^[\d.]+m?s$`).MatchString(f[0]) {
			operations++
		}
	}
	return fmt.Sprintf("seed %s, %d operations: %s", m[1], operations, m[2]), nil
}
