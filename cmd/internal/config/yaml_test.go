package config

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func load(text string) (*Config, error) {
	return Load(Sources{File: "etc/c.yaml", ReadFile: files(map[string]string{"etc/c.yaml": text})})
}

func TestYAML(t *testing.T) {
	for _, text := range []string{
		"log-level: warn\nmax-queued: 5\n",
		"{log-level: 'warn', \"max-queued\": 5}\n",
		"---\n# a comment\nlog-level: |\n  warn\nmax-queued: \"5\"\n",
		"log-level: >-\n  warn\nmax-queued: 5 # few\n",
	} {
		c, err := load(text)
		require.NoError(t, err, text)
		require.Equal(t, "warn", c.LogLevel, text)
		require.Equal(t, 5, c.MaxQueued, text)
	}
}

func TestYAMLErrors(t *testing.T) {
	const alone = "anchors, aliases and tags are not understood here; write the value itself"
	for _, tt := range []struct{ text, want string }{
		{"listenrs: []\n", `c.yaml:1:1: unknown option "listenrs"; did you mean "listeners"?`},
		{"listeners:\n  - ulr: mqtt://:1\n", `c.yaml:2:5: unknown option "ulr"; did you mean "url"?`},
		{"listeners:\n  - url: mqtt://:1\n    data: 'memory:'\n", `c.yaml:3:5: option "data" belongs to the whole server; write it at the top of the file, or as --data`},
		{"listeners:\n  - max-clients: 1\n", "c.yaml:2:18: listener 0 has options but no url; write one like mqtt://:1883 as `url` in the file or as DORMOUSE_LISTENERS__0__URL"},
		{"listeners:\n  - {}\n", "c.yaml:2:5: this listener has no url; write one like `url: mqtt://:1883`"},
		{"listeners:\n  -\n", "c.yaml:2:5: a single value is expected here"},
		{"listeners:\n  - url: mqtt://:1?anonymous=on\n    anonymous: off\n", `c.yaml:3:16: option "anonymous" is given twice: here and in the url; leave out one`},
		{"predefined:\n", "c.yaml:1:13: a sequence is expected here: lines that begin with -"},
		{"log-level: &a warn\n", "c.yaml:1:12: " + alone},
		{"log-level: !!str warn\n", "c.yaml:1:12: " + alone},
		{"<<: {log-level: warn}\n", "c.yaml:1:1: a plain name is expected here, such as `log-level`"},
		{"log-level: info\n---\nlog-level: warn\n", "c.yaml:2:1: a second document begins here; put all into one"},
		{"- a\n", "c.yaml:1:1: a list of names and values is expected here, such as `log-level: info`"},
		{"data: /var/lib/dormouse\n", `c.yaml:1:7: data is "/var/lib/dormouse"; folders come in a later version: use memory:`},
		{"connect-timeout: 10\n", `c.yaml:1:18: connect-timeout is "10"; use a duration from 1s to 1h0m0s, such as 10s`},
		{"max-queued: 1.5\n", `c.yaml:1:13: max-queued is "1.5"; use a number from 1 to 10000000`},
	} {
		_, err := load(tt.text)
		require.EqualError(t, err, tt.want, tt.text)
		var e *Error
		require.ErrorAs(t, err, &e)
		require.Contains(t, e.Excerpt, ">  ", "the line is marked")
	}
}

func FuzzYAML(f *testing.F) {
	for _, text := range []string{
		"listeners:\n  - url: mqtt://:1\n    anonymous: on\npredefined: ['*:1=a']\n",
		"a: [\n", "log-level: &a |\n  warn\ndata: *a\n", "<<: {}\n", "? a\n: b\n", "---\n...\n---\n", "listeners: [-, {url: !x y}]\n",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := load(text); err != nil {
			require.False(t, strings.ContainsAny(err.Error(), "\r\n"), "%q", err)
		}
	})
}
