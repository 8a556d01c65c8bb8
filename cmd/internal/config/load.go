package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Sources are where a Config comes from, in the order of increasing weight.
type Sources struct {
	File    string   // YAML; empty: none
	Environ []string // KEY=VALUE
	Flags   Flags
}

// Flags are what was given on the command line.
type Flags struct {
	Listen     []string // replaces all other listeners
	Predefined []string // comes to the others
	Options    map[string]string
}

// A setting is a value and where it stands.
type setting struct{ value, where, excerpt string }

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
	if src.File != "" {
		b, err := os.ReadFile(src.File)
		if err != nil {
			return nil, fmt.Errorf("configuration: %w; give a readable file with --config, or none", err)
		}
		if err := s.yaml(filepath.Base(src.File), b); err != nil {
			return nil, err
		}
	}
	if err := s.environment(src.Environ); err != nil {
		return nil, err
	}
	s.flags(src.Flags)
	return s.config()
}

const prefix = "DORMOUSE_"

// environment reads DORMOUSE_NAME, DORMOUSE_LISTENERS__0__NAME and
// DORMOUSE_PREDEFINED__0; with _FILE behind it the value is in that file.
func (s *settings) environment(environ []string) error {
	for _, kv := range environ {
		key, value, _ := strings.Cut(kv, "=")
		name, ok := strings.CutPrefix(key, prefix)
		if !ok {
			continue
		}
		if base, isFile := strings.CutSuffix(name, "_FILE"); isFile {
			b, err := os.ReadFile(value)
			if err != nil {
				return &Error{Where: "environment " + key, Text: err.Error()}
			}
			name, value = base, strings.TrimSpace(string(b))
		}
		if err := s.variable(key, name, value); err != nil {
			return &Error{Where: "environment " + key, Text: err.Error()}
		}
	}
	return nil
}

// maxIndex bounds the numbers of listeners and predefined topics.
const maxIndex = 999

func (s *settings) variable(key, name, value string) error {
	set := setting{value: value, where: "environment " + key}
	parts := strings.Split(strings.ToLower(name), "__")
	for i := range parts {
		parts[i] = strings.ReplaceAll(parts[i], "_", "-")
	}
	switch {
	case parts[0] == "listeners" && len(parts) == 3:
		i, err := strconv.Atoi(parts[1])
		if err != nil || i < 0 || i > maxIndex {
			return fmt.Errorf("%q is no number of a listener; count from 0", parts[1])
		}
		if parts[2] != "url" {
			if _, err := find(Locals, parts[2]); err != nil {
				return err
			}
		}
		s.listener(i)[parts[2]] = set
	case parts[0] == "predefined" && len(parts) == 2:
		s.predefined = append(s.predefined, set)
	case len(parts) == 1:
		if _, err := find(Globals, parts[0]); err != nil {
			return err
		}
		s.globals[parts[0]] = set
	default:
		return fmt.Errorf("write DORMOUSE_LISTENERS__0__URL, DORMOUSE_PREDEFINED__0 or DORMOUSE_ and an option's name")
	}
	return nil
}

func (s *settings) flags(f Flags) {
	if len(f.Listen) > 0 {
		s.listeners = nil
	}
	for i, url := range f.Listen {
		s.listener(i)["url"] = setting{value: url, where: "flag --listen"}
	}
	for _, p := range f.Predefined {
		s.predefined = append(s.predefined, setting{value: p, where: "flag --predefined"})
	}
	for name, value := range f.Options {
		s.globals[name] = setting{value: value, where: "flag --" + name}
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
			return nil, &Error{set.where, err.Error(), set.excerpt}
		}
	}
	if c.Data != "memory:" {
		return nil, &Error{Where: s.globals["data"].where, Text: fmt.Sprintf("data is %q; folders come in a later version: use memory:", c.Data)}
	}
	if len(s.listeners) == 0 {
		s.listener(0)["url"] = setting{value: "mqtt://:1883", where: "default"}
		s.listener(1)["url"] = setting{value: "mqttsn://:1884", where: "default"}
	}
	for i, options := range s.listeners {
		url, ok := options["url"]
		if !ok {
			return nil, &Error{Where: fmt.Sprintf("listener %d", i), Text: "it has no url; write one like mqtt://:1883"}
		}
		delete(options, "url")
		l, err := parseListener(url.value, options)
		if e, ours := err.(*Error); ours {
			return nil, e
		} else if err != nil {
			return nil, &Error{url.where, err.Error(), url.excerpt}
		}
		l.Where = url.where
		c.Listeners = append(c.Listeners, *l)
	}
	for _, set := range s.predefined {
		p, err := parsePredefined(set.value)
		if err != nil {
			return nil, &Error{set.where, err.Error(), set.excerpt}
		}
		c.Predefined = append(c.Predefined, p)
	}
	return c, nil
}
