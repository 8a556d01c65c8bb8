// Command dormouse is an MQTT broker, an MQTT-SN gateway, and the tools around
// them.
package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dormouse-mqtt/dormouse/cmd/internal/config"
)

// commands make the subcommands; each file adds its own.
var commands []func() *cobra.Command

// Exit codes.
const (
	exitError = 1
	exitUsage = 2
)

// An exitCode is an error that was reported already.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// A usageError is a command line that cannot be understood.
type usageError struct{ error }

func main() { os.Exit(run(newRoot())) }

// run runs the command line and returns the exit code. An error is one line,
// and for a place in a file the place.
func run(root *cobra.Command) int {
	c, err := root.ExecuteC()
	var code exitCode
	var usage usageError
	var place *config.Error
	switch {
	case err == nil:
		return 0
	case errors.As(err, &code):
		return int(code)
	case errors.As(err, &usage) || strings.HasPrefix(err.Error(), "unknown command"):
		line := strings.Join(strings.Fields(err.Error()), " ") // suggestions come on lines of their own
		fmt.Fprintf(root.ErrOrStderr(), "dormouse: %s; see %s --help\n", line, c.CommandPath())
		return exitUsage
	}
	fmt.Fprintf(root.ErrOrStderr(), "dormouse: %v\n", err)
	if errors.As(err, &place) && place.Excerpt != "" {
		fmt.Fprintln(root.ErrOrStderr(), place.Excerpt)
	}
	return exitError
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "dormouse",
		Short:         "MQTT broker and MQTT-SN gateway for nodes that sleep",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	for _, make := range commands {
		c := make()
		if args := c.Args; args != nil {
			c.Args = func(c *cobra.Command, given []string) error {
				if err := args(c, given); err != nil {
					return usageError{err}
				}
				return nil
			}
		}
		root.AddCommand(c)
	}
	return root
}
