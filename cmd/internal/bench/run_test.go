package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dormouse-mqtt/dormouse/cmd/internal/config"
	"github.com/dormouse-mqtt/dormouse/cmd/internal/server"
)

// serve runs the real server and gives the addresses of its broker and its
// gateway.
func serve(t *testing.T) (broker, gateway string) {
	flags := config.Flags{
		Listen:     []string{"mqtt://127.0.0.1:0", "mqttsn://127.0.0.1:0"},
		Predefined: []string{"*:1=pre/1", "*:2=pre/2"},
	}
	c, err := config.Load(config.Sources{Flags: flags})
	require.NoError(t, err)
	s, err := server.Start(c, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(s.Close)
	urls := strings.Fields(s.Ready())
	return urls[1], urls[2]
}

// own spares the search for the server.
var own = []int{os.Getpid()}

// scenario is the default with little of everything.
func scenario(url string) Scenario {
	return Scenario{
		URL: url, Publishers: 3, Subscribers: 3, Size: 64, Window: 1, Batch: 1, Duration: Seconds(100 * time.Millisecond),
		Version: "3.1.1", KeepAlive: Seconds(time.Minute), Direction: "up", TopicType: "registered", Messages: 5, Sleep: Seconds(100 * time.Millisecond),
	}
}

// measure runs it and checks what holds of every run that goes well.
func measure(t *testing.T, s Scenario) *Result {
	r, err := Run(t.Context(), Options{Scenario: s, PIDs: own})
	require.NoError(t, err)
	require.Zero(t, r.Lost)
	require.Zero(t, r.Duplicates)
	require.Zero(t, r.OutOfOrder)
	require.Zero(t, r.Refused)
	require.Zero(t, r.Closed)
	require.Zero(t, r.Repeated)
	require.False(t, r.Failed())
	require.False(t, r.Interrupted)
	require.Positive(t, r.Seconds)
	var table strings.Builder
	require.NoError(t, r.WriteTable(&table))
	return r
}

func TestMQTT(t *testing.T) {
	url, _ := serve(t)
	for _, tt := range []struct {
		name, kind string
		change     func(s *Scenario)
		fan        uint64
	}{
		{"QoS 0", "each", func(s *Scenario) {}, 1},
		{"QoS 1", "each", func(s *Scenario) { s.QoS, s.Warmup = 1, Seconds(20*time.Millisecond) }, 1},
		{"QoS 2", "each", func(s *Scenario) { s.QoS, s.Version = 2, "5.0" }, 1},
		{"fan-out", "fan-out", func(s *Scenario) { s.Publishers, s.Subscribers = 1, 5 }, 5},
		{"fan-in", "fan-in", func(s *Scenario) { s.Publishers, s.Subscribers, s.QoS = 5, 1, 2 }, 1},
		{"many topics of one publisher", "each", func(s *Scenario) { s.Publishers, s.Topics, s.QoS = 1, 3, 1 }, 1},
		{"batches", "each", func(s *Scenario) { s.Batch, s.Window = 8, 32 }, 1},
		{"a rate", "each", func(s *Scenario) { s.Rate, s.QoS = 1000, 1 }, 1},
		{"a rate of batches", "each", func(s *Scenario) { s.Rate, s.Batch = 1000, 5 }, 1},
		{"a rate of batches on many topics", "each", func(s *Scenario) { s.Rate, s.Batch, s.Publishers, s.Topics = 1000, 5, 1, 3 }, 1},
		{"batches on many topics", "each", func(s *Scenario) { s.Batch, s.Publishers, s.Topics = 2, 1, 3 }, 1},
		{"large", "each", func(s *Scenario) { s.Size, s.QoS = 400_000, 1 }, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := scenario(url)
			tt.change(&s)
			r := measure(t, s)
			require.Equal(t, tt.kind, r.Scenario.Kind)
			require.Positive(t, r.Sent)
			require.Equal(t, tt.fan*r.Sent, r.Delivered)
			require.LessOrEqual(t, r.LatencyUs.P50, r.LatencyUs.P99)
			require.LessOrEqual(t, r.LatencyUs.P99, r.LatencyUs.Max)
			if s.Rate > 0 {
				require.EqualValues(t, 100, r.Sent, "what was due in 100 ms")
				require.NotNil(t, r.GeneratorLateUsP99)
			}
		})
	}
}

func TestMQTTSN(t *testing.T) {
	broker, gateway := serve(t)
	for _, direction := range []string{"up", "down"} {
		for _, kind := range []string{"registered", "short", "predefined"} {
			for qos := -1; qos <= 2; qos++ {
				if qos == -1 && (direction == "down" || kind == "registered") {
					continue
				}
				t.Run(fmt.Sprint(direction, " ", kind, " ", qos), func(t *testing.T) {
					s := scenario(gateway)
					s.Broker, s.Direction, s.TopicType, s.QoS = broker, direction, kind, qos
					s.Publishers, s.Subscribers, s.Duration = 2, 2, Seconds(30*time.Millisecond)
					if qos == 2 { // more are refused within T_retry times N_retry
						s.Rate = 200
					}
					r := measure(t, s)
					require.Positive(t, r.Sent)
					require.Equal(t, r.Sent, r.Delivered)
				})
			}
		}
	}
}

func TestSleepers(t *testing.T) {
	broker, gateway := serve(t)
	s := scenario(gateway)
	s.Broker, s.Sleepers, s.QoS = broker, 10, 1
	r := measure(t, s)
	require.Equal(t, "sleepers", r.Scenario.Kind)
	require.Zero(t, r.Wakes%10, "whole rounds")
	require.Zero(t, r.WakesIncomplete)
	require.Equal(t, 5*r.Wakes, r.Sent)
	require.Equal(t, r.Sent, r.Delivered)
	require.Positive(t, r.WakeUs.P50)
	require.Nil(t, r.LatencyUs)
}

func TestGoroutines(t *testing.T) {
	url, gateway := serve(t)
	for _, to := range []string{url, gateway} {
		s := scenario(to)
		s.Broker, s.QoS = url, 1
		r, err := Run(t.Context(), Options{Scenario: s, PIDs: own, engine: func(now func() Time) (engine, error) { return newGoEngine(now), nil }})
		require.NoError(t, err)
		require.Positive(t, r.Sent)
		require.Equal(t, r.Sent, r.Delivered)
	}
}

func TestIdle(t *testing.T) {
	url, gateway := serve(t)
	for _, url := range []string{url, gateway} {
		s := scenario(url)
		s.Idle, s.Subscribe = 20, true
		r := measure(t, s)
		require.Equal(t, 20, r.Connections)
		require.Equal(t, "idle", r.Scenario.Kind)
	}
}

func TestJSON(t *testing.T) {
	url, _ := serve(t)
	b, err := json.Marshal(measure(t, scenario(url)))
	require.NoError(t, err)
	var fields map[string]any
	require.NoError(t, json.Unmarshal(b, &fields))
	for _, name := range strings.Fields(`scenario seconds sent delivered lost duplicates out_of_order rate_per_s
		cpu_us_per_message cpu_seconds rss_bytes rss_bytes_per_connection syscalls_per_message syscalls latency_us
		generator_late_us_p99 connect_cpu_us generator_cpu_seconds`) {
		require.Contains(t, fields, name)
	}
	require.Nil(t, fields["cpu_seconds"], "the server is in this process")
	require.Len(t, fields["latency_us"], 6)
	require.Equal(t, 0.1, fields["scenario"].(map[string]any)["duration_seconds"])
}

func TestInterrupted(t *testing.T) {
	url, _ := serve(t)
	ctx, cancel := context.WithCancel(t.Context())
	s := scenario(url)
	s.Duration = Seconds(time.Hour)
	r, err := Run(ctx, Options{Scenario: s, PIDs: own, Progress: func(p Progress) {
		if p.PerSecond > 0 {
			cancel()
		}
	}})
	require.NoError(t, err)
	require.True(t, r.Interrupted)
	require.Equal(t, r.Sent, r.Delivered)
	require.Positive(t, r.Sent)
}

func TestNobodyIsThere(t *testing.T) {
	for _, scheme := range []string{"mqtt", "mqttsn"} {
		s := scenario(scheme + "://127.0.0.1:1")
		s.Broker = "mqtt://127.0.0.1:1"
		_, err := Run(t.Context(), Options{Scenario: s, PIDs: own})
		require.ErrorContains(t, err, "refused")
	}
}

func TestScenariosThatCannotBe(t *testing.T) {
	for _, tt := range []struct {
		says   string
		change func(s *Scenario)
	}{
		{"no address", func(s *Scenario) { s.URL = "http://127.0.0.1" }},
		{"--qos is 3; use 0 to 2", func(s *Scenario) { s.QoS = 3 }},
		{"--qos is -1; use 0 to 2", func(s *Scenario) { s.QoS = -1 }},
		{"--size is 15", func(s *Scenario) { s.Size = 15 }},
		{"--version is \"3.1\"", func(s *Scenario) { s.Version = "3.1" }},
		{"--batch 2 never fits into --window 1", func(s *Scenario) { s.Batch = 2 }},
		{"nobody publishes", func(s *Scenario) { s.Publishers = 0 }},
		{"without subscribers give --rate", func(s *Scenario) { s.Subscribers = 0 }},
		{"only 3 subscribers", func(s *Scenario) { s.Topics = 4 }},
		{"only nodes of MQTT-SN sleep", func(s *Scenario) { s.Sleepers = 1 }},
		{"--subscribe is for --idle", func(s *Scenario) { s.Subscribe = true }},
		{"QoS -1 knows no registered topics", func(s *Scenario) { s.URL, s.QoS = "mqttsn://127.0.0.1", -1 }},
		{"--direction is \"left\"", func(s *Scenario) { s.URL, s.Direction = "mqttsn://127.0.0.1", "left" }},
		{"one datagram", func(s *Scenario) { s.URL, s.Size = "mqttsn://127.0.0.1", 65_000 }},
		{"--topic \"a/#\"", func(s *Scenario) { s.Topic = "a/#" }},
	} {
		t.Run(tt.says, func(t *testing.T) {
			s := scenario("mqtt://127.0.0.1:1")
			tt.change(&s)
			_, err := Run(t.Context(), Options{Scenario: s, PIDs: own})
			require.ErrorContains(t, err, tt.says)
		})
	}
}

// TestPasswordIsNotShown: it is sent, and stays out of what is printed.
func TestPasswordIsNotShown(t *testing.T) {
	url, _ := serve(t)
	r := measure(t, scenario(strings.Replace(url, "//", "//ann:secret@", 1)))
	require.Equal(t, strings.Replace(url, "//", "//ann:xxxxx@", 1), r.Scenario.URL)
}

func TestNames(t *testing.T) {
	seen := map[string]bool{}
	s := Scenario{TopicType: "short"}
	for i := range shortNames {
		seen[s.name(i)] = true
		require.Len(t, s.name(i), 2)
	}
	require.Len(t, seen, shortNames)
	s = Scenario{TopicType: "predefined"}
	s.complete(true, 7)
	require.Equal(t, "pre/1", s.name(0))
	s = Scenario{TopicType: "registered"}
	s.complete(true, 0xABC)
	require.Equal(t, "bench/0abc/0", s.name(0))
}
