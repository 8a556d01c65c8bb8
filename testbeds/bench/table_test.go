package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func took(us float64, lost uint64) *result { return &result{CPUUsPerMessage: &us, Lost: lost} }

func TestTheBestRunCounts(t *testing.T) {
	found := results{}
	_, _, ok := found.best("s", "floor", cpu)
	require.False(t, ok)
	found.add("s", "floor", &result{})
	found.add("s", "floor", took(7, 0))
	found.add("s", "floor", took(5, 0))
	found.add("s", "floor", took(1, 3)) // what is lost is cheap
	v, lost, ok := found.best("s", "floor", cpu)
	require.True(t, ok)
	require.Equal(t, 5.0, v)
	require.Zero(t, lost)
}

func TestRender(t *testing.T) {
	servers := []server{{name: "dormouse"}, {name: "floor"}, {name: "mochi"}, {name: "other", added: true}}
	chosen := []scenario{
		{name: "a", rows: []row{{cpuTable, "all", cpu}}},
		{name: "b", rows: []row{{cpuTable, "some", cpu}, {memoryTable, "idle", memory}, {callsTable, "nothing", calls}}},
	}
	found := results{}
	for server, us := range map[string]float64{"dormouse": 6, "floor": 5, "mochi": 15, "other": 4} {
		found.add("a", server, took(us, 0))
	}
	found.add("b", "dormouse", took(0.123, 4))
	octets := 600.0
	found.add("b", "dormouse", &result{RSSBytesPerConnection: &octets})
	require.Equal(t, `### CPU time

`+cpuTable.note+`

| | dormouse | floor | mochi | other | dormouse : other |
| --- | ---: | ---: | ---: | ---: | ---: |
| all | 6.0 (1.20) | 5.0 | 15.0 (3.00) | 4.0 (0.80) | 1.50 |
| some | 0.12, lost 4 | – | – | – | – |

### Memory

`+memoryTable.note+`

| | dormouse | floor | mochi | other |
| --- | ---: | ---: | ---: | ---: |
| idle | 600 | – | – | – |

`, render(chosen, servers, found))
}

func TestChoose(t *testing.T) {
	for _, tt := range []struct {
		names string
		want  []string
	}{
		{"each", []string{"each-q0", "each-q1", "each-q2"}},
		{"idle", []string{"idle"}},
		{"sn-idle,win", []string{"win20", "sn-idle"}},
	} {
		chosen, err := choose(scenarios, tt.names)
		require.NoError(t, err)
		var got []string
		for _, c := range chosen {
			got = append(got, c.name)
		}
		require.Equal(t, tt.want, got)
	}
	_, err := choose(scenarios, "each,none")
	require.ErrorContains(t, err, `"none"`)
}

func TestRewrite(t *testing.T) {
	page := filepath.Join(t.TempDir(), "page.md")
	require.NoError(t, os.WriteFile(page, []byte("head\n"+begin+"old\n"+end+"tail\n"), 0o644))
	require.NoError(t, rewrite(page, "new\n"))
	require.NoError(t, rewrite(page, "newer\n"))
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	require.Equal(t, "head\n"+begin+"\nnewer\n\n"+end+"tail\n", string(text))

	require.NoError(t, os.WriteFile(page, []byte("head\n"), 0o644))
	require.ErrorContains(t, rewrite(page, "new\n"), "no lines")
}
