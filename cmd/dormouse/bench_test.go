package main

import (
	"encoding/json"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dormouse-mqtt/dormouse/cmd/internal/config"
	"github.com/dormouse-mqtt/dormouse/cmd/internal/server"
)

func TestBench(t *testing.T) {
	c, err := config.Load(config.Sources{Flags: config.Flags{Listen: []string{"mqtt://127.0.0.1:0", "mqttsn://127.0.0.1:0"}}})
	require.NoError(t, err)
	s, err := server.Start(c, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	defer s.Close()
	urls := strings.Fields(s.Ready())
	short := []string{"--duration", "50ms", "--warmup", "0s", "-p", "2", "-s", "2"}

	code, out, errs := dormouse(t, nil, append([]string{"bench", urls[1], "-q", "1", "--json"}, short...)...)
	require.Zero(t, code, errs)
	require.Empty(t, errs, "no progress where JSON is read and nobody looks")
	var result struct {
		Scenario        struct{ QoS, Publishers int }
		Sent, Delivered int
	}
	lines := json.NewDecoder(strings.NewReader(out))
	require.NoError(t, lines.Decode(&result))
	require.False(t, lines.More(), "one object")
	require.Equal(t, 1, result.Scenario.QoS)
	require.Equal(t, 2, result.Scenario.Publishers)
	require.Positive(t, result.Sent)
	require.Equal(t, result.Sent, result.Delivered)

	code, out, errs = dormouse(t, nil, append([]string{"bench", urls[2], "--broker", urls[1], "--topic-type", "short"}, short...)...)
	require.Zero(t, code, errs)
	require.Regexp(t, `(?m)^each +2 publishers, 2 subscribers, 2 topics$`, out)
	require.Regexp(t, `(?m)^lost +0$`, out)
	require.Regexp(t, `(?m)^latency +p50 `, out)
}

func TestBenchRefuses(t *testing.T) {
	code, out, errs := dormouse(t, nil, "bench", "--qos", "3")
	require.Equal(t, exitUsage, code)
	require.Empty(t, out)
	require.Equal(t, "dormouse: --qos is 3; use 0 to 2; see dormouse bench --help\n", errs)
	code, _, errs = dormouse(t, nil, "bench", "mqtt://127.0.0.1:1")
	require.Equal(t, exitError, code)
	require.Contains(t, errs, "is the server running?")
}
