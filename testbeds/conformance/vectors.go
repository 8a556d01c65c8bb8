package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// A group is vectors that are told in one row.
type group struct {
	name string
	ids  map[string]bool
}

// groups sorts the vectors of a file into groups, which come in the order of
// their first vector.
func groups(root, path string, nameOf func(v vector) string) (all []group, err error) {
	text, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		return nil, err
	}
	var file struct{ Vectors []vector }
	if err := json.Unmarshal(text, &file); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	at := map[string]int{}
	for _, v := range file.Vectors {
		name := nameOf(v)
		if name == "" {
			continue
		}
		i, ok := at[name]
		if !ok {
			i = len(all)
			at[name] = i
			all = append(all, group{name, map[string]bool{}})
		}
		all[i].ids[v.ID] = true
	}
	return all, nil
}

// A vector is what both files of vectors say of one.
type vector struct {
	ID string
	// MQTT-SN
	Verdict, Type string
	// MQTT
	Version, Packet string
	Valid           bool
}
