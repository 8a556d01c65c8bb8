package dump

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dormouse-mqtt/dormouse/broker/mqtt"
	"github.com/dormouse-mqtt/dormouse/mqttsn"
)

// A vector is one packet of the tables that the codecs are tested with.
type vector struct {
	ID      string
	Version string
	Packet  string // MQTT
	Type    string // MQTT-SN
	Valid   bool
	Verdict string
	Hex     string
	Prefix  string `json:"hex_prefix"`
	Repeat  string `json:"then_repeat_hex"`
	Times   int    `json:"repeat_count"`
	Fill    string `json:"fill_hex"`
	Count   int    `json:"fill_count"`
}

// text is the hex of v, or empty for the one of 256 MiB.
func (v *vector) text() string {
	if v.Times > 10_000_000 {
		return ""
	}
	return v.Hex + v.Prefix + strings.Repeat(v.Repeat, v.Times) + strings.Repeat(v.Fill, v.Count)
}

func loadVectors(t *testing.T, path string) (all struct{ Vectors []vector }) {
	t.Helper()
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(b, &all))
	require.NotEmpty(t, all.Vectors)
	return all
}

// wantDumped wants a line that shows the packet, or one that says what is
// malformed, as the codec judges; in JSON too.
func wantDumped(t *testing.T, o Options, text, packet string, sound bool) {
	t.Helper()
	out, faults := dumpHex(t, o, text)
	require.Equal(t, sound, faults == 0, out)
	require.Equal(t, sound, !strings.Contains(out, "malformed at octet"), out)
	if sound {
		require.Contains(t, out, packet)
		require.Equal(t, 1, strings.Count(out, "\n"), out)
	} else {
		require.Regexp(t, `malformed at octet \d+: [a-zA-Z].* hex=[0-9a-f]+`, out)
	}
	o.JSON = true
	out, _ = dumpHex(t, o, text)
	wantObjects(t, out)
	for line := range strings.Lines(out) {
		var got struct {
			Error, Class, Reason, Hex string
			Offset                    int
		}
		require.NoError(t, unmarshal(line, &got))
		if got.Error != "" {
			require.NotEmpty(t, got.Class)
			require.NotEmpty(t, got.Reason)
			require.LessOrEqual(t, got.Offset, len(got.Hex)/2)
		}
	}
}

func TestMQTTVectors(t *testing.T) {
	versions := map[string]mqtt.Version{"3.1": mqtt.V31, "3.1.1": mqtt.V311, "5.0": mqtt.V5}
	refused := 0
	for _, v := range loadVectors(t, "../../../broker/mqtt/testdata/mqtt-vectors.json").Vectors {
		text := v.text()
		if text == "" {
			continue
		}
		t.Run(v.ID, func(t *testing.T) {
			b, err := hex.DecodeString(text)
			require.NoError(t, err)
			sound := fitsMQTT(b)
			if sound { // a vector may be several packets
				d := New(nil, Options{Version: versions[v.Version]})
				sound = d.soundMQTT(b, d.hex, mqtt.FromAnyone)
			}
			require.True(t, sound || !v.Valid)
			if !sound {
				refused++
			}
			if v.Valid || !sound {
				wantDumped(t, Options{Protocol: MQTT, Version: versions[v.Version]}, text, v.Packet, sound)
			}
		})
	}
	require.Greater(t, refused, 150)
}

func TestMQTTSNVectors(t *testing.T) {
	seen := map[string]bool{}
	for _, v := range loadVectors(t, "../../../mqttsn/testdata/vectors-1.2.json").Vectors {
		if v.text() == "" {
			continue // an empty datagram is no hex
		}
		t.Run(v.ID, func(t *testing.T) {
			b, err := hex.DecodeString(v.text())
			require.NoError(t, err)
			var d mqttsn.Decoder
			p, _, err := d.Decode(b)
			packet := v.Type
			if f, ok := p.(*mqttsn.Forward); ok && err == nil {
				packet = "via node " + hexOf(f.NodeID)
				p, _, err = d.Decode(f.Message)
			}
			sound := err == nil && mqttsn.Check(p) == nil
			require.True(t, sound || v.Verdict != "accept")
			wantDumped(t, Options{Protocol: MQTTSN}, v.text(), packet, sound)
			seen[packet] = true
		})
	}
	for c := range 256 {
		if name := mqttsn.Type(c).String(); !strings.HasPrefix(name, "reserved") && name != "ENCAPSULATED" {
			require.True(t, seen[name], name)
		}
	}
}
