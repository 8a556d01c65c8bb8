package config

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// WriteHelp prints the options of listeners, for `serve --help`.
func WriteHelp(w io.Writer) {
	for i := range Locals {
		o := &Locals[i]
		fmt.Fprintf(w, "  %-12s %s%s\n", o.Name, o.describe(), of(o.Schemes))
	}
}

func of(schemes []string) string {
	if schemes == nil {
		return ""
	}
	return " [" + strings.Join(schemes, ", ") + "]"
}

// Usage is the option's help with its default and bounds.
func (o *Option[T]) Usage() string { return o.describe() }

func (o *Option[T]) describe() string {
	s := o.Help + " (" + o.Default
	switch {
	case o.Choices != nil:
		s += "; " + strings.Join(o.Choices, "|")
	case o.Kind == Duration:
		s += fmt.Sprintf("; %v to %v", time.Duration(o.Min), time.Duration(o.Max))
	case o.Kind == Number || o.Kind == Octets:
		s += fmt.Sprintf("; %d to %d", o.Min, o.max())
	}
	return s + ")"
}

// WriteDefaults prints a configuration file that says what holds without one.
func WriteDefaults(w io.Writer) {
	for i := range Globals {
		o := &Globals[i]
		fmt.Fprintf(w, "# %s\n%s: %q\n\n", o.describe(), o.Name, o.Default)
	}
	fmt.Fprintf(w, "# CLIENT:ID=TOPIC, with * for every client\npredefined: []\n\n")
	fmt.Fprintf(w, "listeners:\n")
	for _, url := range []string{"mqtt://:1883", "mqttsn://:1884"} {
		fmt.Fprintf(w, "  - url: %s\n", url)
		scheme, _, _ := strings.Cut(url, ":")
		for i := range Locals {
			o := &Locals[i]
			if o.of(scheme) {
				fmt.Fprintf(w, "    # %s\n    %s: %q\n", o.describe(), o.Name, o.Default)
			}
		}
	}
}
