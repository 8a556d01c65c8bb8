package config

import (
	"fmt"
	"os"
	"path/filepath"
)

// Sources are where a Config comes from, in the order of increasing weight.
type Sources struct {
	File    string   // YAML; empty: none
	Environ []string // KEY=VALUE
	Flags   Flags
	// ReadFile reads File and the files that the environment names. Nil:
	// os.ReadFile.
	ReadFile func(string) ([]byte, error)
}

// Flags are what was given on the command line.
type Flags struct {
	Listen     []string // replaces all other listeners
	Predefined []string // comes to the others
	Options    map[string]string
}

// A setting is a value and where it stands.
type setting struct {
	value, where, excerpt string
	weight                weight
}

// A weight orders the sources: the heavier one wins.
type weight int

const (
	byDefault weight = iota
	inFile
	inEnvironment
	onCommandLine
)

func (s setting) fail(err error) error { return &Error{s.where, err.Error(), s.excerpt} }

// settings are all values by name; a listener's URL is its option "url".
type settings struct {
	globals    map[string]setting
	listeners  []map[string]setting
	predefined []setting
}

func (s *settings) listener(i int) map[string]setting {
	for len(s.listeners) <= i {
		s.listeners = append(s.listeners, map[string]setting{})
	}
	return s.listeners[i]
}

// Load reads all sources and checks what comes out. An error is one line; see
// Error for the excerpt.
func Load(src Sources) (*Config, error) {
	s := &settings{globals: map[string]setting{}}
	if src.ReadFile == nil {
		src.ReadFile = os.ReadFile
	}
	if src.File != "" {
		b, err := src.ReadFile(src.File)
		if err != nil {
			return nil, fmt.Errorf("configuration: %w; give a readable file with --config, or none", err)
		}
		if err := s.yaml(filepath.Base(src.File), b); err != nil {
			return nil, err
		}
	}
	if err := s.environment(src.Environ, src.ReadFile); err != nil {
		return nil, err
	}
	s.flags(src.Flags)
	return s.config()
}

func (s *settings) flags(f Flags) {
	if len(f.Listen) > 0 {
		s.listeners = nil
	}
	for i, url := range f.Listen {
		s.listener(i)["url"] = setting{value: url, where: "flag --listen", weight: onCommandLine}
	}
	for _, p := range f.Predefined {
		s.predefined = append(s.predefined, setting{value: p, where: "flag --predefined", weight: onCommandLine})
	}
	for name, value := range f.Options {
		s.globals[name] = setting{value: value, where: "flag --" + name, weight: onCommandLine}
	}
}

// config checks the settings and puts them into a Config.
func (s *settings) config() (*Config, error) {
	c := &Config{}
	for i := range Globals {
		o := &Globals[i]
		set, ok := s.globals[o.Name]
		if !ok {
			set = setting{value: o.Default, where: "default"}
		}
		if err := o.set(c, set.value); err != nil {
			return nil, set.fail(err)
		}
	}
	if c.Data != "memory:" {
		return nil, s.globals["data"].fail(fmt.Errorf("data is %q; folders come in a later version: use memory:", c.Data))
	}
	if err := s.addListeners(c); err != nil {
		return nil, err
	}
	if err := s.addPredefined(c); err != nil {
		return nil, err
	}
	return c, nil
}

func (s *settings) addListeners(c *Config) error {
	if len(s.listeners) == 0 {
		s.listener(0)["url"] = setting{value: "mqtt://:1883", where: "default"}
		s.listener(1)["url"] = setting{value: "mqttsn://:1884", where: "default"}
	}
	for i, options := range s.listeners {
		url, ok := options["url"]
		if !ok {
			return noURL(i, options)
		}
		delete(options, "url")
		l, err := parseListener(url, options)
		if e, ours := err.(*Error); ours {
			return e
		} else if err != nil {
			return url.fail(err)
		}
		l.Where = url.where
		c.Listeners = append(c.Listeners, *l)
	}
	return nil
}

// noURL is the error of a listener that has options at most; it stands where
// the first of them does.
func noURL(i int, options map[string]setting) error {
	e := &Error{
		Where: fmt.Sprintf("listener %d", i),
		Text:  fmt.Sprintf("it has no url; write one like mqtt://:1883 as `url` in the file or as %sLISTENERS__%d__URL", prefix, i),
	}
	for _, name := range sortedKeys(options) {
		e.Where, e.Excerpt = options[name].where, options[name].excerpt
		e.Text = fmt.Sprintf("listener %d has options but no url; write one like mqtt://:1883 as `url` in the file or as %sLISTENERS__%d__URL", i, prefix, i)
		break
	}
	return e
}
