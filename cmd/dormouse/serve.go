package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/lmittmann/tint"
	"github.com/spf13/cobra"

	"github.com/dormouse-mqtt/dormouse/cmd/internal/config"
	"github.com/dormouse-mqtt/dormouse/cmd/internal/server"
)

func init() { commands = append(commands, newServe, newCheckConfig) }

// configFlags are the flags that serve and check-config share.
type configFlags struct {
	file       string
	listen     []string
	predefined []string
}

func (f *configFlags) register(c *cobra.Command) {
	flags := c.Flags()
	flags.StringVar(&f.file, "config", "", "YAML file with options of the same names")
	flags.StringArrayVar(&f.listen, "listen", nil, "listener URL; repeat for more (mqtt://:1883 and mqttsn://:1884)")
	flags.StringArrayVar(&f.predefined, "predefined", nil, "predefined topic id CLIENT:ID=TOPIC, with * for every client; repeat for more")
	for i := range config.Globals {
		o := &config.Globals[i]
		flags.String(o.Name, "", o.Usage())
	}
}

// load reads the configuration from file, environment and these flags.
func (f *configFlags) load(c *cobra.Command) (*config.Config, error) {
	given := map[string]string{}
	for i := range config.Globals {
		if name := config.Globals[i].Name; c.Flags().Changed(name) {
			given[name], _ = c.Flags().GetString(name)
		}
	}
	return config.Load(config.Sources{
		File: f.file, Environ: os.Environ(),
		Flags: config.Flags{Listen: f.listen, Predefined: f.predefined, Options: given},
	})
}

func newServe() *cobra.Command {
	var f configFlags
	var listenerHelp strings.Builder
	config.WriteHelp(&listenerHelp)
	c := &cobra.Command{
		Use:   "serve",
		Short: "Run the broker and the gateway",
		Long: `Run the MQTT broker and the MQTT-SN gateway in front of it.

Without any option clients of this host are served: MQTT on port 1883, MQTT-SN on
UDP port 1884. Once all listeners are open, one line on standard output names
their addresses. Options are flags, or keys of the file given by --config, or
environment variables such as DORMOUSE_LOG_LEVEL; flags win over the environment,
the environment over the file.

Options of a listener, as parameters of its URL:
` + listenerHelp.String(),
		Example: `  dormouse serve
  dormouse serve --listen 'mqtt://:1883?anonymous=on' --listen 'mqttsn://:1884?anonymous=on'
  dormouse serve --listen mqtt://127.0.0.1:0 --listen 'slip:///dev/ttyUSB0?baud=115200'
  dormouse serve --config dormouse.yaml --log-level debug`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := f.load(c)
			if err != nil {
				return err
			}
			return serve(cfg, c.OutOrStdout())
		},
	}
	f.register(c)
	return c
}

// serve runs the server until a signal ends it.
func serve(cfg *config.Config, stdout io.Writer) error {
	logger := newLogger(cfg)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	s, err := server.Start(cfg, logger)
	if err != nil {
		return err
	}
	for _, url := range server.LocalOnly(cfg) {
		logger.Info("anonymous clients of other hosts are refused here; this option accepts them: anonymous=on", "listener", url)
	}
	fmt.Fprintln(stdout, s.Ready())
	sig := <-signals
	b, g := s.Stats()
	logger.Info("stopping", "signal", sig.String(),
		"mqtt-clients", b.Accepted, "mqtt-refused", b.Refused, "mqtt-malformed", b.Malformed,
		"published", b.Published, "delivered", b.Delivered, "dropped", b.Dropped,
		"datagrams", g.Received, "datagrams-malformed", g.Malformed, "nodes-refused", g.Refused, "strangers", g.Unknown)
	s.Close()
	return nil
}

// newLogger logs to standard error, in colour on a terminal unless NO_COLOR says
// otherwise.
func newLogger(cfg *config.Config) *slog.Logger {
	var level slog.Level
	level.UnmarshalText([]byte(cfg.LogLevel)) // checked by config
	switch {
	case cfg.LogFormat == "json":
		return slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
	case cfg.LogFormat == "auto" && isTerminal(os.Stderr):
		return slog.New(tint.NewTextHandler(os.Stderr, &tint.Options{Level: level, NoColor: os.Getenv("NO_COLOR") != "", TimeFormat: "15:04:05"}))
	default:
		return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
	}
}

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
