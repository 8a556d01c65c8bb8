// Planted builds the random worlds with faults that were put into the code on
// purpose, and says after how many seeds each is found: what the worlds do not
// find in code that is broken, they would not find in ours.
//
// A fault is a file NAME.patch: a line with # that says what is wrong, a line
// with --- and the source file, then lines to replace (-) and their replacements
// (+), which must occur exactly once. The sources themselves stay as they are.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	seeds := flag.Int("seeds", 2000, "within how many seeds a fault must be found")
	flag.Parse()
	patches, err := filepath.Glob("testbeds/planted/*.patch")
	if err != nil || len(patches) == 0 {
		fmt.Fprintln(os.Stderr, "planted: run it in the root of the repository")
		os.Exit(1)
	}
	missed := 0
	for _, file := range patches {
		if !selected(file, flag.Args()) {
			continue
		}
		found, err := try(file, *seeds)
		if err != nil {
			found = err.Error()
			missed++
		}
		fmt.Printf("%-24s %s\n", nameOf(file), found)
	}
	if missed > 0 {
		os.Exit(1)
	}
}

// selected says whether a fault is one of the names, or there are none.
func selected(file string, names []string) bool {
	for _, n := range names {
		if n == nameOf(file) {
			return true
		}
	}
	return len(names) == 0
}

func nameOf(file string) string {
	name := filepath.Base(file)
	return name[:len(name)-len(filepath.Ext(name))]
}
