package crosscheck

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"

	"github.com/dormouse-mqtt/dormouse/broker/mqtt"
	"github.com/stretchr/testify/require"
)

const vectorPath = "../../broker/mqtt/testdata/mqtt-vectors.json"

// maxRepeat is the longest payload that is built: the one that is longer fills
// the largest packet there is.
const maxRepeat = 10_000_000

// A vector is one packet of the file, as its "about" describes.
type vector struct {
	ID        string
	Version   string
	Dir       string
	Valid     bool
	Hex       string
	HexPrefix string `json:"hex_prefix"`
	RepeatHex string `json:"then_repeat_hex"`
	Repeat    int    `json:"repeat_count"`
	Fields    object
}

type object = map[string]any

func loadVectors(t *testing.T) []vector {
	t.Helper()
	file, err := os.ReadFile(vectorPath)
	require.NoError(t, err)
	var all struct{ Vectors []vector }
	require.NoError(t, json.Unmarshal(file, &all))
	require.NotEmpty(t, all.Vectors)
	return all.Vectors
}

func (v *vector) octets(t *testing.T) []byte {
	t.Helper()
	head, err := hex.DecodeString(v.Hex + v.HexPrefix)
	require.NoError(t, err)
	again, err := hex.DecodeString(v.RepeatHex)
	require.NoError(t, err)
	return append(head, bytes.Repeat(again, v.Repeat)...)
}

func (v *vector) version() mqtt.Version {
	return map[string]mqtt.Version{"3.1": mqtt.V31, "3.1.1": mqtt.V311, "5.0": mqtt.V5}[v.Version]
}

func (v *vector) from() mqtt.Sender {
	return map[string]mqtt.Sender{"c2s": mqtt.FromClient, "s2c": mqtt.FromServer, "both": mqtt.FromAnyone}[v.Dir]
}

// want are the fields to compare with: all but which of the three forms of an
// acknowledgement the octets have.
func (v *vector) want() object {
	want := object{}
	for key, value := range v.Fields {
		if key != "wire_form" {
			want[key] = value
		}
	}
	return want
}

// payload describes one as the vector does: in full, or by its length.
func (v *vector) payload(f object, payload []byte) {
	if v.Fields["payload_length"] != nil {
		f["payload_length"] = len(payload)
		return
	}
	f["payload_hex"] = hex.EncodeToString(payload)
}

// normal makes values comparable: all of them as JSON has them.
func normal(v any) any {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	var out any
	if err := json.Unmarshal(b, &out); err != nil {
		return err
	}
	return out
}

// numbers keeps codes from becoming base64.
func numbers(codes []byte) []int {
	out := []int{}
	for _, c := range codes {
		out = append(out, int(c))
	}
	return out
}
