package config

import (
	"fmt"
	"slices"
	"strings"
)

// laterLocals are listener options of the design that this version lacks.
var laterLocals = []string{"advertise", "group", "group-if", "trust"}

func names[T any](options []Option[T], keep func(*Option[T]) bool) (list []string) {
	for i := range options {
		if keep(&options[i]) {
			list = append(list, options[i].Name)
		}
	}
	return list
}

func find[T any](options []Option[T], name string) *Option[T] {
	for i := range options {
		if options[i].Name == name {
			return &options[i]
		}
	}
	return nil
}

// findGlobal is the server's option of a name; the error for an unknown one
// names the nearest.
func findGlobal(name string) (*Option[Config], error) {
	if o := find(Globals, name); o != nil {
		return o, nil
	}
	if find(Locals, name) != nil {
		return nil, fmt.Errorf("option %q belongs to a listener; write it in the listener's url, like mqtt://:1883?%s=..., or beside it under `listeners`", name, name)
	}
	known := names(Globals, func(*Option[Config]) bool { return true })
	return nil, unknown("option", name, append(known, "listeners", "predefined"))
}

// findLocal is the listener option of a name, of any scheme; suggestions for an
// unknown one are those of the scheme, if it is known already.
func findLocal(name, scheme string) (*Option[Listener], error) {
	if o := find(Locals, name); o != nil {
		return o, nil
	}
	if find(Globals, name) != nil {
		return nil, fmt.Errorf("option %q belongs to the whole server; write it at the top of the file, or as --%s", name, name)
	}
	if slices.Contains(laterLocals, name) {
		return nil, fmt.Errorf("option %q is not available in this version; leave it out", name)
	}
	known := names(Locals, func(o *Option[Listener]) bool { return scheme == "" || o.of(scheme) })
	if scheme == "" {
		known = append(known, "url")
	}
	return nil, unknown("option", name, known)
}

// unknown says that there is no such thing, and what may have been meant: of
// names equally near the one as long, for letters are often swapped.
func unknown(what, name string, known []string) error {
	best, distance := "", 3
	for _, k := range known {
		d := edits(name, k)
		swapped := best != "" && len(k) == len(name) && len(best) != len(name)
		if d < distance || d == distance && (swapped || best == "" && len(k) > 4) {
			best, distance = k, d
		}
	}
	if best != "" {
		return fmt.Errorf("unknown %s %q; did you mean %q?", what, name, best)
	}
	return fmt.Errorf("unknown %s %q; known are %s", what, name, strings.Join(known, ", "))
}

// edits is the Levenshtein distance.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
