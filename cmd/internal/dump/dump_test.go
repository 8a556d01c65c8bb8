package dump

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dormouse-mqtt/dormouse/broker/mqtt"
)

var update = flag.Bool("update", false, "write what comes out to testdata")

// golden compares out with a file of testdata.
func golden(t *testing.T, name, out string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(out), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), out)
}

// dumpHex is what Hex prints of one stretch, and how many lines tell a fault.
func dumpHex(t *testing.T, o Options, text string) (out string, faults int) {
	t.Helper()
	var b bytes.Buffer
	d := New(&b, o)
	require.NoError(t, d.Hex(text))
	return b.String(), d.Faults()
}

// TestPackets decodes testdata/packets.hex, which has every type of packet of
// both protocols, and compares both forms of output.
func TestPackets(t *testing.T) {
	in, err := os.ReadFile("testdata/packets.hex")
	require.NoError(t, err)
	for _, json := range []bool{false, true} {
		var out bytes.Buffer
		d := New(&out, Options{JSON: json})
		require.NoError(t, d.Read(bytes.NewReader(in)))
		name := "packets.txt"
		if json {
			name = "packets.json"
			wantObjects(t, out.String())
		}
		golden(t, name, out.String())
	}
}

// wantObjects wants a JSON object on each line, and nothing raw that a terminal
// obeys.
func wantObjects(t *testing.T, out string) {
	t.Helper()
	for line := range strings.Lines(out) {
		require.True(t, json.Valid([]byte(line)), line)
		wantHarmless(t, line)
	}
}

func wantHarmless(t *testing.T, line string) {
	t.Helper()
	for _, r := range strings.TrimSuffix(line, "\n") {
		require.False(t, r < ' ' || r >= 0x7f && r <= 0x9f || r == 0x202e, "%q", line)
	}
}

func TestNothingReachesTheTerminalRaw(t *testing.T) {
	p := mqtt.Publish{Topic: []byte("a"), Payload: []byte("\x1b[2J\x07\u009b\u202e\x7f\"\\\U0001F600\U000e0001")}
	for _, json := range []bool{false, true} {
		d := New(new(bytes.Buffer), Options{JSON: json})
		r := record{protocol: MQTT, packet: "PUBLISH", fields: mqttFields(&p, mqtt.V311)}
		line := string(d.render(&r))
		wantHarmless(t, line)
		if json {
			var got struct{ Fields struct{ Payload string } }
			require.NoError(t, unmarshal(line, &got))
			require.Equal(t, string(p.Payload), got.Fields.Payload)
		}
	}
}

func unmarshal(line string, into any) error { return json.Unmarshal([]byte(line), into) }

func TestLongPayloads(t *testing.T) {
	packet := func(payload string) string {
		p := mqtt.Publish{Topic: []byte("a"), Payload: []byte(payload)}
		return hexOf(p.AppendTo(nil, mqtt.V311))
	}
	text := packet(strings.Repeat("é", 200))
	out, _ := dumpHex(t, Options{}, text)
	require.Contains(t, out, `payload=400:"`+strings.Repeat("é", 128)+`"... (144 more octets; --full shows them)`)
	out, _ = dumpHex(t, Options{Full: true}, text)
	require.Contains(t, out, `payload=400:"`+strings.Repeat("é", 200)+"\"\n")
	out, _ = dumpHex(t, Options{}, packet(strings.Repeat("\xff", 257)))
	require.Contains(t, out, "payload=257:0x"+strings.Repeat("ff", 256)+"... (1 more octets; --full shows them)")
	out, _ = dumpHex(t, Options{JSON: true}, packet(strings.Repeat("\xff", 300)))
	require.Contains(t, out, `"payload_hex":"`+strings.Repeat("ff", 300)+`"`)
	out, _ = dumpHex(t, Options{}, "32"+packet(strings.Repeat("x", 400))[2:])
	require.Contains(t, out, "more octets; --full shows them)\n")
}

// A line that cannot be written is an error, and the last one that is tried.
func TestOutputFails(t *testing.T) {
	w, err := os.Open(os.DevNull)
	require.NoError(t, err)
	defer w.Close()
	require.ErrorContains(t, New(w, Options{}).Read(strings.NewReader("c000\nc000\n")), "output: ")
}
