package main

import (
	"fmt"
	"os"
	"strings"
)

// A patch is one fault: a text of a source file, and what takes its place.
type patch struct {
	why, file string
	old, new  string
}

func readPatch(name string) (p patch, err error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return p, err
	}
	for line := range strings.Lines(string(text)) {
		switch {
		case strings.HasPrefix(line, "--- "):
			p.file = strings.TrimSpace(line[4:])
		case strings.HasPrefix(line, "# "):
			p.why += line[2:]
		case strings.HasPrefix(line, "-"):
			p.old += line[1:]
		case strings.HasPrefix(line, "+"):
			p.new += line[1:]
		}
	}
	return p, nil
}

// apply gives the source file with the fault in it.
func (p *patch) apply(root string) (string, error) {
	source, err := os.ReadFile(root + p.file)
	if err != nil {
		return "", err
	}
	if n := strings.Count(string(source), p.old); n != 1 || p.old == "" {
		return "", fmt.Errorf("what is to be replaced is %d times in %s", n, p.file)
	}
	return strings.Replace(string(source), p.old, p.new, 1), nil
}
