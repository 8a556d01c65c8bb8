package config

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNumber(t *testing.T) {
	for _, tt := range []struct {
		in     string
		octets bool
		want   int64
		ok     bool
	}{
		{"64KiB", true, 65_536, true},
		{"16 MiB", true, 16 << 20, true},
		{"1GiB", true, 1 << 30, true},
		{"1048576", true, 1 << 20, true},
		{"64KiB", false, 0, false},
		{"9007199254740992KiB", true, 0, false},
		{"-18014398509481983KiB", true, 0, false}, // would wrap around to 1,024
		{"", true, 0, false},
	} {
		n, err := number(tt.in, tt.octets)
		require.Equal(t, tt.ok, err == nil, tt.in)
		if tt.ok {
			require.Equal(t, tt.want, n, tt.in)
		}
	}
}

// Every option accepts its default and is explained.
func TestTable(t *testing.T) {
	check := func(name, help string, kind Kind, err error) {
		require.NoError(t, err, name)
		require.NotEmpty(t, help, name)
		require.NotEmpty(t, kind, name)
	}
	for i := range Globals {
		o := &Globals[i]
		check(o.Name, o.Help, o.Kind, o.set(&Config{}, o.Default))
	}
	for i := range Locals {
		o := &Locals[i]
		check(o.Name, o.Help, o.Kind, o.set(&Listener{}, o.Default))
		require.NotContains(t, laterLocals, o.Name)
	}
}

func TestEdits(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"", "abc", 3}, {"data", "data", 0}, {"datta", "data", 1}, {"kitten", "sitting", 3},
	} {
		require.Equal(t, tt.want, edits(tt.a, tt.b))
		require.Equal(t, tt.want, edits(tt.b, tt.a))
	}
}
