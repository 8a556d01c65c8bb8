package config

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func write(t *testing.T, text string) string {
	file := filepath.Join(t.TempDir(), "c.yaml")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	return file
}

func TestNothingGiven(t *testing.T) {
	c, err := Load(Sources{})
	require.NoError(t, err)
	require.Len(t, c.Listeners, 2)
	require.Equal(t, ":1883", c.Listeners[0].Address)
	require.Equal(t, ":1884", c.Listeners[1].Address)
	require.Equal(t, "loopback", c.Listeners[0].Anonymous)
	require.Equal(t, 1<<20, c.Listeners[0].MaxPacket)
	require.Equal(t, 10_000, c.MaxQueued)
}

func TestFlagsWinOverEnvironmentOverFile(t *testing.T) {
	file := write(t, `
max-queued: 5
log-level: warn
connect-timeout: 3s
listeners:
  - mqtt://:1111?anonymous=on
  - url: mqttsn://:2222
    retry: 2s
    anonymous: on
    max-clients: 7
predefined:
  - "*:1=a/b"
`)
	c, err := Load(Sources{File: file,
		Environ: []string{"DORMOUSE_LOG_LEVEL=error", "DORMOUSE_LISTENERS__0__MAX_CLIENTS=9", "HOME=/", "DORMOUSE_MAX_QUEUED=6"},
		Flags:   Flags{Options: map[string]string{"max-queued": "7"}, Predefined: []string{"n1:2=c"}}})
	require.NoError(t, err)
	require.Equal(t, 7, c.MaxQueued)
	require.Equal(t, "error", c.LogLevel)
	require.Equal(t, 3*time.Second, c.ConnectTimeout)
	require.Equal(t, 9, c.Listeners[0].MaxClients)
	require.Equal(t, "on", c.Listeners[0].Anonymous)
	require.Equal(t, "on", c.Listeners[1].Anonymous)
	require.Equal(t, 2*time.Second, c.Listeners[1].Retry)
	require.Equal(t, 7, c.Listeners[1].MaxClients)
	require.Equal(t, []Predefined{{"*", 1, "a/b"}, {"n1", 2, "c"}}, c.Predefined)

	c, err = Load(Sources{File: file, Flags: Flags{Listen: []string{"slip:///dev/ttyUSB0?baud=9600&rtscts=on"}}})
	require.NoError(t, err)
	require.Len(t, c.Listeners, 1)
	require.Equal(t, "/dev/ttyUSB0", c.Listeners[0].Address)
	require.Equal(t, 9600, c.Listeners[0].Baud)
	require.True(t, c.Listeners[0].RTSCTS)
}

func TestValueFromFile(t *testing.T) {
	file := write(t, "debug\n")
	c, err := Load(Sources{Environ: []string{"DORMOUSE_LOG_LEVEL_FILE=" + file}})
	require.NoError(t, err)
	require.Equal(t, "debug", c.LogLevel)
}

func TestErrorsSayWhatAndWhereAndWhatToDo(t *testing.T) {
	for _, tt := range []struct {
		name, yaml string
		src        Sources
		want       string
	}{
		{"unknown key", "data: 'memory:'\nmax-quued: 3\n", Sources{}, `c.yaml:2:1: unknown option "max-quued"; did you mean "max-queued"?`},
		{"unknown listener key", "listeners:\n  - url: mqtt://:1\n    anonymus: on\n", Sources{}, `c.yaml:3:5: unknown option "anonymus"; did you mean "anonymous"?`},
		{"twice", "log-level: info\nlog-level: warn\n", Sources{}, "c.yaml:2:1: "},
		{"no scalar", "data: [1]\n", Sources{}, "c.yaml:1:7: a single value is expected here"},
		{"no sequence", "listeners: mqtt://:1\n", Sources{}, "c.yaml:1:12: a sequence is expected here"},
		{"out of bounds", "max-inflight: 70000\n", Sources{}, `c.yaml:1:15: max-inflight is "70000"; use a number from 1 to 65535`},
		{"syntax", "a: [\n", Sources{}, "c.yaml:1:4: "},
		{"environment", "", Sources{Environ: []string{"DORMOUSE_DATTA=x"}}, `environment DORMOUSE_DATTA: unknown option "datta"; did you mean "data"?`},
		{"a folder", "", Sources{Flags: Flags{Options: map[string]string{"data": "/var/lib/x"}}}, `flag --data: data is "/var/lib/x"; folders come in a later version: use memory:`},
		{"scheme to come", "", Sources{Flags: Flags{Listen: []string{"mqtts://:8883"}}}, `flag --listen: listener scheme "mqtts" is not available in this version; available are mqtt, mqttsn, slip`},
		{"scheme mistyped", "", Sources{Flags: Flags{Listen: []string{"mqttn://:1"}}}, `did you mean`},
		{"no url", "", Sources{Flags: Flags{Listen: []string{"1883"}}}, `flag --listen: "1883" is no listener URL; write one like mqtt://:1883`},
		{"option of another scheme", "", Sources{Flags: Flags{Listen: []string{"mqtt://:1?baud=9600"}}}, `option "baud" is not one of mqtt listeners, but of slip`},
		{"port", "", Sources{Flags: Flags{Listen: []string{"mqtt://:70000"}}}, `the port is "70000"; use 0 to 65535`},
		{"choice", "", Sources{Flags: Flags{Listen: []string{"mqtt://:1?anonymous=yes"}}}, `anonymous is "yes"; use one of loopback, on, off`},
		{"predefined", "", Sources{Flags: Flags{Predefined: []string{"x=1"}}}, `flag --predefined: "x=1" is no predefined topic; write CLIENT:ID=TOPIC`},
		{"no file", "", Sources{File: "/nonexistent.yaml"}, "/nonexistent.yaml: no such file"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.yaml != "" {
				tt.src.File = write(t, tt.yaml)
			}
			_, err := Load(tt.src)
			require.ErrorContains(t, err, tt.want)
			require.NotContains(t, err.Error(), "\n")
		})
	}
}

func TestErrorShowsExcerpt(t *testing.T) {
	_, err := Load(Sources{File: write(t, "data: 'memory:'\nmax-quued: 3\n")})
	var e *Error
	require.ErrorAs(t, err, &e)
	require.Contains(t, e.Excerpt, "max-quued: 3")
}

func TestDefaultsReadBack(t *testing.T) {
	var b bytes.Buffer
	WriteDefaults(&b)
	file := write(t, b.String())
	got, err := Load(Sources{File: file})
	require.NoError(t, err, b.String())
	want, err := Load(Sources{})
	require.NoError(t, err)
	for i := range got.Listeners {
		got.Listeners[i].Where = "default"
	}
	require.Equal(t, want, got)
}
