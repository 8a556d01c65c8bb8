package topic

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

type vectors struct {
	Matching []struct {
		Filter, Topic string
		Matches       bool
	} `json:"topic_matching"`
	Filters []validity `json:"filter_validity"`
	Shared  []validity `json:"shared_filter_validity"`
	Names   []validity `json:"topic_name_validity"`
}

type validity struct {
	Filter, Topic string
	Valid         bool
}

func load(t testing.TB) (v vectors) {
	b, err := os.ReadFile("testdata/topics.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(b, &v))
	return v
}

func TestVectors(t *testing.T) {
	v := load(t)
	for _, m := range v.Matching {
		t.Run(fmt.Sprintf("match/%q/%q", m.Filter, m.Topic), func(t *testing.T) {
			require.Equal(t, m.Matches, Match(m.Filter, m.Topic))
			var x Index[int, int]
			x.Insert(m.Filter, 1, 1)
			hit := false
			x.Match(m.Topic, func(int, int) { hit = true })
			require.Equal(t, m.Matches, hit)
		})
	}
	for _, f := range append(v.Filters, v.Shared...) {
		t.Run(fmt.Sprintf("filter/%q", f.Filter), func(t *testing.T) {
			require.Equal(t, f.Valid, CheckFilter(f.Filter, Limits{}) == nil)
		})
	}
	for _, n := range v.Names {
		t.Run(fmt.Sprintf("name/%q", n.Topic), func(t *testing.T) {
			require.Equal(t, n.Valid, CheckName(n.Topic, Limits{}) == nil)
		})
	}
}

var (
	someName   = rapid.StringMatching(`(\$?[ab]?)(/[ab]?){0,3}`).Filter(func(s string) bool { return s != "" })
	someFilter = rapid.StringMatching(`(\$?[ab]|\+)?(/([ab]?|\+)){0,3}(/#)?|#`).Filter(func(s string) bool { return s != "" })
)

func TestErrors(t *testing.T) {
	few := Limits{MaxLevels: 3, MaxLength: 8}
	for _, tt := range []struct {
		s            string
		name, filter error
	}{
		{"a/b/c", nil, nil},
		{"", ErrEmpty, ErrEmpty},
		{"a/b/c/d", ErrLevels, ErrLevels},
		{"///", ErrLevels, ErrLevels},
		{"12345678", nil, nil},
		{"123456789", ErrLength, ErrLength},
		{"a\x00", ErrText, ErrText},
		{"\xff", ErrText, ErrText},
		{"\xed\xa0\x80", ErrText, ErrText}, // a surrogate
		{"a/+", ErrWildcard, nil},
		{"a+", ErrWildcard, ErrFilter},
		{"#/a", ErrWildcard, ErrFilter},
	} {
		require.Equal(t, tt.name, CheckName(tt.s, few), "%q", tt.s)
		require.Equal(t, tt.name, CheckName([]byte(tt.s), few), "%q", tt.s)
		require.Equal(t, tt.filter, CheckFilter(tt.s, few), "%q", tt.s)
	}
	require.ErrorIs(t, CheckFilter("$share/g", Limits{}), ErrShared)
	require.NoError(t, CheckName(strings.Repeat("/", 127), Limits{}))
	require.ErrorIs(t, CheckName(strings.Repeat("/", 128), Limits{}), ErrLevels)
	require.NoError(t, CheckName(strings.Repeat("a", 65_535), Limits{}))
	require.ErrorIs(t, CheckName(strings.Repeat("a", 65_536), Limits{}), ErrLength)
	require.EqualError(t, ErrLevels, "topic: more levels than allowed")
}

func TestParseShared(t *testing.T) {
	for _, tt := range []struct {
		filter, group, rest string
		shared              bool
		err                 error
	}{
		{"$share/g/a/+", "g", "a/+", true, nil},
		{"$share/g//a", "g", "/a", true, nil},
		{"$share//a", "", "", true, ErrShared},
		{"$share/g/", "", "", true, ErrShared},
		{"$share/g#/a", "", "", true, ErrShared},
		{"$share", "", "$share", false, nil},
		{"a/$share/b", "", "a/$share/b", false, nil},
	} {
		group, rest, shared, err := ParseShared(tt.filter)
		require.Equal(t, tt.err, err, tt.filter)
		require.Equal(t, []any{tt.group, tt.rest, tt.shared}, []any{group, rest, shared}, tt.filter)
	}
}

// short are all names of up to five levels of few kinds. They tell any two
// filters of someFilter apart: z stands for a level that no filter has.
var short = func() (names []string) {
	level := []string{"", "a", "b", "z"}
	longest := append([]string{"$a", "$b", "$z"}, level...)
	for range 5 {
		names = append(names, longest...)
		var longer []string
		for _, n := range longest {
			for _, l := range level {
				longer = append(longer, n+"/"+l)
			}
		}
		longest = longer
	}
	return slices.DeleteFunc(names, func(n string) bool { return n == "" })
}()

func TestCoversMeansMatchesAll(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := someFilter.Draw(t, "a"), someFilter.Draw(t, "b")
		all := !slices.ContainsFunc(short, func(name string) bool {
			return Match(b, name) && !Match(a, name)
		})
		require.Equal(t, all, Covers(a, b), "%s covers %s", a, b)
	})
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{"#", "a/b", true}, {"a/#", "a", true}, {"a/#", "a/+/c", true}, {"a/+", "a/b", true},
		{"a/b", "a/+", false}, {"a/+", "a/#", false}, {"a/+/#", "a/#", false},
		{"+/#", "#", true}, {"/+/#", "/#", true}, // no name is empty
		{"#", "$SYS/#", false}, {"$SYS/#", "#", false}, {"a/#", "a/#", true},
	} {
		require.Equal(t, tt.want, Covers(tt.a, tt.b), "%s %s", tt.a, tt.b)
	}
}
