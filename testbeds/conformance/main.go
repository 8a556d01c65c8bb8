// Command conformance writes docs/conformance.md: how many of the vectors pass,
// by group, as a run of their tests says. Its test fails when the page is stale.
package main

import (
	"fmt"
	"os"
)

const page = "docs/conformance.md"

func main() {
	if err := write(); err != nil {
		fmt.Fprintln(os.Stderr, "conformance:", err)
		os.Exit(1)
	}
}

func write() error {
	text, err := render(".")
	if err != nil {
		return err
	}
	return os.WriteFile(page, text, 0o644)
}
