package config

import (
	"fmt"
	"strconv"
	"strings"
)

const prefix = "DORMOUSE_"

// maxIndex bounds the numbers of listeners and predefined topics.
const maxIndex = 999

// environment reads DORMOUSE_NAME, DORMOUSE_LISTENERS__0__NAME and
// DORMOUSE_PREDEFINED__0; with _FILE behind it the value is in that file.
func (s *settings) environment(environ []string, readFile func(string) ([]byte, error)) error {
	from := map[string]string{} // the variable that gave a name its value
	for _, kv := range environ {
		key, value, _ := strings.Cut(kv, "=")
		name, ok := strings.CutPrefix(key, prefix)
		if !ok {
			continue
		}
		base, isFile := strings.CutSuffix(name, "_FILE")
		if other, twice := from[base]; twice && other != key {
			return &Error{Where: "environment " + key, Text: other + " is set too; unset one of them"}
		}
		from[base] = key
		if isFile {
			b, err := readFile(value)
			if err != nil {
				return &Error{Where: "environment " + key, Text: err.Error() + "; name a readable file that holds the value"}
			}
			value = strings.TrimSpace(string(b))
		}
		if err := s.variable(key, base, value); err != nil {
			return &Error{Where: "environment " + key, Text: err.Error()}
		}
	}
	return nil
}

// variable takes one variable; name is its key without prefix and _FILE.
func (s *settings) variable(key, name, value string) error {
	set := setting{value: value, where: "environment " + key, weight: inEnvironment}
	parts := strings.Split(strings.ToLower(name), "__")
	for i := range parts {
		parts[i] = strings.ReplaceAll(parts[i], "_", "-")
	}
	switch {
	case parts[0] == "listeners" && len(parts) == 3:
		i, err := index("listener", parts[1])
		if err != nil {
			return err
		}
		if parts[2] != "url" {
			if _, err := findLocal(parts[2], ""); err != nil {
				return err
			}
		}
		s.listener(i)[parts[2]] = set
	case parts[0] == "predefined" && len(parts) == 2:
		if _, err := index("predefined topic", parts[1]); err != nil {
			return err
		}
		s.predefined = append(s.predefined, set)
	case len(parts) == 1 && parts[0] != "listeners" && parts[0] != "predefined":
		if _, err := findGlobal(parts[0]); err != nil {
			return err
		}
		s.globals[parts[0]] = set
	default:
		return fmt.Errorf("write %[1]sLISTENERS__0__URL, %[1]sPREDEFINED__0 or %[1]s and an option's name", prefix)
	}
	return nil
}

func index(what, s string) (int, error) {
	i, err := strconv.Atoi(s)
	if err != nil || i < 0 || i > maxIndex {
		return 0, fmt.Errorf("%q is no number of a %s; use 0 to %d", s, what, maxIndex)
	}
	return i, nil
}
