package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/dormouse-mqtt/dormouse/cmd/internal/config"
)

func newCheckConfig() *cobra.Command {
	var f configFlags
	var defaults bool
	c := &cobra.Command{
		Use:   "check-config",
		Short: "Check a configuration without running it",
		Example: `  dormouse check-config --config dormouse.yaml
  dormouse check-config --defaults > dormouse.yaml`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if defaults {
				config.WriteDefaults(c.OutOrStdout())
				return nil
			}
			cfg, err := f.load(c)
			if err != nil {
				return err
			}
			for _, l := range cfg.Listeners {
				fmt.Fprintf(c.OutOrStdout(), "ok %s (%s)\n", l.URL, l.Where)
			}
			return nil
		},
	}
	c.Flags().BoolVar(&defaults, "defaults", false, "print a file with every option, its default, unit and bounds")
	f.register(c)
	return c
}
