package config

import (
	"io/fs"
	"testing"

	"github.com/stretchr/testify/require"
)

// files reads from memory.
func files(m map[string]string) func(string) ([]byte, error) {
	return func(name string) ([]byte, error) {
		if text, ok := m[name]; ok {
			return []byte(text), nil
		}
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
}

func TestEnvironment(t *testing.T) {
	c, err := Load(Sources{
		Environ: []string{
			"DORMOUSE_LISTENERS__0__URL=mqtt://:5?max-clients=3", "DORMOUSE_LISTENERS__1__URL_FILE=secret/url",
			"DORMOUSE_LISTENERS__1__MAX_CLIENTS=4", "DORMOUSE_PREDEFINED__0=*:1=a", "DORMOUSE_MAX_QUEUED_BYTES=2MiB",
		},
		ReadFile: files(map[string]string{"secret/url": "mqttsn://:6\n"}),
	})
	require.NoError(t, err)
	require.Equal(t, []string{":5", ":6"}, []string{c.Listeners[0].Address, c.Listeners[1].Address})
	require.Equal(t, []int{3, 4}, []int{c.Listeners[0].MaxClients, c.Listeners[1].MaxClients})
	require.Equal(t, "environment DORMOUSE_LISTENERS__1__URL_FILE", c.Listeners[1].Where)
	require.Equal(t, []Predefined{{"*", 1, "a"}}, c.Predefined)
	require.Equal(t, 2<<20, c.MaxQueuedBytes)
}

func TestEnvironmentErrors(t *testing.T) {
	const form = "write DORMOUSE_LISTENERS__0__URL, DORMOUSE_PREDEFINED__0 or DORMOUSE_ and an option's name"
	for _, tt := range []struct {
		environ []string
		want    string
	}{
		{[]string{"DORMOUSE_LOG_LEVLE=x"}, `environment DORMOUSE_LOG_LEVLE: unknown option "log-levle"; did you mean "log-level"?`},
		{[]string{"DORMOUSE_LOG_LEVEL="}, `environment DORMOUSE_LOG_LEVEL: log-level is ""; use one of debug, info, warn, error`},
		{[]string{"DORMOUSE_LISTENERS=mqtt://:1"}, "environment DORMOUSE_LISTENERS: " + form},
		{[]string{"DORMOUSE_PREDEFINED__0__X=1"}, "environment DORMOUSE_PREDEFINED__0__X: " + form},
		{[]string{"DORMOUSE_PREDEFINED__A=1"}, `environment DORMOUSE_PREDEFINED__A: "a" is no number of a predefined topic; use 0 to 999`},
		{[]string{"DORMOUSE_LISTENERS__1000__URL=x"}, `environment DORMOUSE_LISTENERS__1000__URL: "1000" is no number of a listener; use 0 to 999`},
		{[]string{"DORMOUSE_LISTENERS__0__ULR=x"}, `environment DORMOUSE_LISTENERS__0__ULR: unknown option "ulr"; did you mean "url"?`},
		{[]string{"DORMOUSE_LISTENERS__0__RETRY=1s"}, "environment DORMOUSE_LISTENERS__0__RETRY: listener 0 has options but no url; write one like mqtt://:1883 as `url` in the file or as DORMOUSE_LISTENERS__0__URL"},
		{[]string{"DORMOUSE_LISTENERS__1__URL=mqtt://:1"}, "listener 0: it has no url; write one like mqtt://:1883 as `url` in the file or as DORMOUSE_LISTENERS__0__URL"},
		{[]string{"DORMOUSE_MAX_CLIENTS=1"}, "environment DORMOUSE_MAX_CLIENTS: option \"max-clients\" belongs to a listener; write it in the listener's url, like mqtt://:1883?max-clients=..., or beside it under `listeners`"},
		{[]string{"DORMOUSE_DATA_FILE=gone"}, "environment DORMOUSE_DATA_FILE: open gone: file does not exist; name a readable file that holds the value"},
		{[]string{"DORMOUSE_DATA=memory:", "DORMOUSE_DATA_FILE=f"}, "environment DORMOUSE_DATA_FILE: DORMOUSE_DATA is set too; unset one of them"},
	} {
		_, err := Load(Sources{Environ: tt.environ, ReadFile: files(nil)})
		require.EqualError(t, err, tt.want)
	}
}
