package config

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// An Option is one thing that can be configured.
type Option[T any] struct {
	Name    string
	Kind    Kind
	Default string
	Min     int64 // in the unit; of durations in nanoseconds
	Max     int64
	Choices []string
	Schemes []string // of listeners; nil: all
	Help    string

	text     func(*T) *string
	number   func(*T) *int
	duration func(*T) *time.Duration
	flag     func(*T) *bool
}

// A Kind is what an option's value is.
type Kind string

// The kinds of value.
const (
	Text     Kind = "text"
	Number   Kind = "number"
	Octets   Kind = "octets"
	Duration Kind = "duration"
	Switch   Kind = "on|off"
)

const forever = int64(0xFFFFFFFF * time.Second)

// Globals are the options of the whole server.
var Globals = []Option[Config]{
	{Name: "data", Kind: Text, Default: "memory:", Help: "where state is kept; folders come in a later version", text: func(c *Config) *string { return &c.Data }},
	{Name: "log-level", Kind: Text, Default: "info", Choices: []string{"debug", "info", "warn", "error"}, Help: "least important line that is logged", text: func(c *Config) *string { return &c.LogLevel }},
	{Name: "log-format", Kind: Text, Default: "auto", Choices: []string{"auto", "text", "json"}, Help: "auto: coloured on a terminal", text: func(c *Config) *string { return &c.LogFormat }},
	{Name: "shards", Kind: Number, Default: "0", Min: 0, Max: 64, Help: "threads that share the work; 0: one less than there are processors", number: func(c *Config) *int { return &c.Shards }},
	{Name: "when-full", Kind: Text, Default: "drop-newest", Choices: []string{"drop-newest", "drop-oldest", "refuse"}, Help: "what to do about QoS 1 and 2 for a client whose queue is full; refuse: nobody gets it", text: func(c *Config) *string { return &c.WhenFull }},
	{Name: "max-queued", Kind: Number, Default: "10000", Min: 1, Max: 10_000_000, Help: "messages that wait for one client", number: func(c *Config) *int { return &c.MaxQueued }},
	{Name: "max-queued-bytes", Kind: Octets, Default: "16MiB", Min: 1 << 10, Max: 1 << 40, Help: "octets that wait for one client", number: func(c *Config) *int { return &c.MaxQueuedBytes }},
	{Name: "max-inflight", Kind: Number, Default: "100", Min: 1, Max: 65_535, Help: "unacknowledged messages to one client", number: func(c *Config) *int { return &c.MaxInflight }},
	{Name: "max-subscriptions", Kind: Number, Default: "10000", Min: 1, Max: 10_000_000, Help: "subscriptions of one client", number: func(c *Config) *int { return &c.MaxSubscriptions }},
	{Name: "max-retained", Kind: Number, Default: "1000000", Min: 1, Max: 1_000_000_000, Help: "retained messages", number: func(c *Config) *int { return &c.MaxRetained }},
	{Name: "session-expiry", Kind: Duration, Default: "1193046h28m15s", Min: 0, Max: forever, Help: "longest that a session outlives its connection", duration: func(c *Config) *time.Duration { return &c.SessionExpiry }},
	{Name: "connect-timeout", Kind: Duration, Default: "10s", Min: int64(time.Second), Max: int64(time.Hour), Help: "how long a client may take to say CONNECT", duration: func(c *Config) *time.Duration { return &c.ConnectTimeout }},
	{Name: "keep-alive-max", Kind: Duration, Default: "0s", Min: 0, Max: int64(65_535 * time.Second), Help: "longest keep alive; 0s: any, none included", duration: func(c *Config) *time.Duration { return &c.KeepAliveMax }},
}

var (
	nodes  = []string{"mqttsn", "slip"}
	serial = []string{"slip"}
)

// Locals are the options of one listener: query parameters of its URL.
var Locals = []Option[Listener]{
	{Name: "anonymous", Kind: Text, Choices: []string{"loopback", "on", "off"}, Default: "loopback", Help: "from where clients without credentials are accepted; a serial line counts as this host", text: func(l *Listener) *string { return &l.Anonymous }},
	{Name: "max-clients", Kind: Number, Default: "10000", Min: 1, Max: 10_000_000, Help: "clients at once", number: func(l *Listener) *int { return &l.MaxClients }},
	{Name: "max-packet", Kind: Octets, Default: "1MiB", Min: 128, Max: 268_435_460, Help: "largest packet accepted", number: func(l *Listener) *int { return &l.MaxPacket }},
	{Name: "retry", Kind: Duration, Default: "10s", Min: int64(100 * time.Millisecond), Max: int64(time.Hour), Schemes: nodes, Help: "T_retry: pause before a message is sent again", duration: func(l *Listener) *time.Duration { return &l.Retry }},
	{Name: "retries", Kind: Number, Default: "3", Min: 0, Max: 100, Schemes: nodes, Help: "N_retry: how often it is sent again", number: func(l *Listener) *int { return &l.Retries }},
	{Name: "awake-retry", Kind: Duration, Default: "1s", Min: int64(50 * time.Millisecond), Max: int64(time.Hour), Schemes: nodes, Help: "the same pause towards a sleeper that is awake", duration: func(l *Listener) *time.Duration { return &l.AwakeRetry }},
	{Name: "gw-id", Kind: Number, Default: "1", Min: 0, Max: 255, Schemes: nodes, Help: "GwId in GWINFO", number: func(l *Listener) *int { return &l.GwID }},
	{Name: "forwarders", Kind: Text, Choices: []string{"any", "off"}, Default: "any", Schemes: nodes, Help: "who may speak for nodes behind it: any that is accepted as a client", text: func(l *Listener) *string { return &l.Forwarders }},
	{Name: "roam", Kind: Text, Choices: []string{"same-ip", "any", "off"}, Default: "same-ip", Schemes: nodes, Help: "to which new addresses a client id is followed", text: func(l *Listener) *string { return &l.Roam }},
	{Name: "baud", Kind: Number, Default: "115200", Min: 50, Max: 12_000_000, Schemes: serial, Help: "bits per second", number: func(l *Listener) *int { return &l.Baud }},
	{Name: "rtscts", Kind: Switch, Default: "off", Schemes: serial, Help: "hardware flow control", flag: func(l *Listener) *bool { return &l.RTSCTS }},
}

// set gives the option its value.
func (o *Option[T]) set(t *T, value string) error {
	switch {
	case o.text != nil:
		if o.Choices != nil && !slices.Contains(o.Choices, value) {
			return fmt.Errorf("%s is %q; use one of %s", o.Name, value, strings.Join(o.Choices, ", "))
		}
		*o.text(t) = value
	case o.flag != nil:
		if value != "on" && value != "off" {
			return fmt.Errorf("%s is %q; use on or off", o.Name, value)
		}
		*o.flag(t) = value == "on"
	case o.duration != nil:
		d, err := time.ParseDuration(value)
		if err != nil || int64(d) < o.Min || int64(d) > o.Max {
			return fmt.Errorf("%s is %q; use a duration from %v to %v, such as %s", o.Name, value, time.Duration(o.Min), time.Duration(o.Max), o.Default)
		}
		*o.duration(t) = d
	default:
		n, err := number(value, o.Kind == Octets)
		if err != nil || n < o.Min || n > o.max() {
			return fmt.Errorf("%s is %q; use a number%s from %d to %d", o.Name, value, o.unit(), o.Min, o.max())
		}
		*o.number(t) = int(n)
	}
	return nil
}

// max is the largest number that the option and an int of this machine hold.
func (o *Option[T]) max() int64 { return min(o.Max, math.MaxInt) }

// of says whether listeners of the scheme have the option.
func (o *Option[T]) of(scheme string) bool {
	return o.Schemes == nil || slices.Contains(o.Schemes, scheme)
}

func (o *Option[T]) unit() string {
	if o.Kind == Octets {
		return " of octets (KiB, MiB and GiB are understood)"
	}
	return ""
}

// number reads an integer, of octets with a unit.
func number(s string, octets bool) (int64, error) {
	shift := 0
	if octets {
		for i, unit := range []string{"KiB", "MiB", "GiB"} {
			if n, ok := strings.CutSuffix(s, unit); ok {
				s, shift = strings.TrimSpace(n), 10*(i+1)
			}
		}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if limit := int64(1<<62) >> shift; err == nil && (n > limit || n < -limit) {
		err = strconv.ErrRange
	}
	return n << shift, err
}
