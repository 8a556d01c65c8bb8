package config

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPredefined(t *testing.T) {
	c, err := Load(Sources{Flags: Flags{Predefined: []string{"*:1=a", "urn:dev:7:65534=b=c/d", "*:1=a"}}})
	require.NoError(t, err)
	require.Equal(t, []Predefined{{"*", 1, "a"}, {"urn:dev:7", 65534, "b=c/d"}}, c.Predefined)
}

func TestPredefinedErrors(t *testing.T) {
	for _, tt := range []struct{ given, want string }{
		{":1=a", `":1=a" is no predefined topic; write CLIENT:ID=TOPIC, with * for every client`},
		{"n:1=", `"n:1=" is no predefined topic; write CLIENT:ID=TOPIC, with * for every client`},
		{"n:0=a", `"n:0=a": the id is "0"; use 1 to 65534`},
		{"n:65535=a", `"n:65535=a": the id is "65535"; use 1 to 65534`},
		{"n:1=a/+", `"n:1=a/+": a predefined topic has no wildcards`},
		{"n:1=\xff", `"n:1=\xff": a topic is at most 65535 octets of UTF-8 without U+0000`},
	} {
		_, err := parsePredefined(tt.given)
		require.EqualError(t, err, tt.want)
	}
	_, err := parsePredefined("n:1=" + strings.Repeat("x", 65_536))
	require.ErrorContains(t, err, "at most 65535 octets")
}

func TestOneIDMeansOneTopic(t *testing.T) {
	_, err := Load(Sources{
		File: "c.yaml", ReadFile: files(map[string]string{"c.yaml": "predefined: ['*:1=a']\n"}),
		Flags: Flags{Predefined: []string{"*:1=b"}},
	})
	require.EqualError(t, err, `flag --predefined: id 1 of client "*" is "b" here and "a" at c.yaml:1:14; leave out one`)
}
