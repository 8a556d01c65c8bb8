package crosscheck

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestNPM checks that the kept result of mqtt-packet is of the present vectors
// and of the mqtt-packet that is asked for, and that nothing in it is
// unexplained. It needs no node.
func TestNPM(t *testing.T) {
	const cure = "run make crosscheck"
	var kept struct {
		Vectors map[string]any
		SHA256  string `json:"vectors_sha256"`
		Version string `json:"mqtt_packet"`
	}
	read(t, "npm/result.json", &kept)
	file, err := os.ReadFile(vectorPath)
	require.NoError(t, err)
	sum := sha256.Sum256(file)
	require.Equal(t, hex.EncodeToString(sum[:]), kept.SHA256, "the vectors have changed: "+cure)

	var lock struct {
		Packages map[string]struct{ Version string }
	}
	read(t, "npm/package-lock.json", &lock)
	require.Equal(t, lock.Packages["node_modules/mqtt-packet"].Version, kept.Version, "mqtt-packet has changed: "+cure)

	valid := 0
	for _, v := range loadVectors(t) {
		if !v.Valid {
			continue
		}
		valid++
		t.Run(v.ID, func(t *testing.T) {
			require.Contains(t, kept.Vectors, v.ID, cure)
			if result, ok := kept.Vectors[v.ID].(object); ok && result["differs"] != nil {
				require.NotEmpty(t, result["why"], cure)
				require.NotEqual(t, "unexplained", result["why"], cure)
				t.Logf("note: %s", result["why"])
			}
		})
	}
	require.Len(t, kept.Vectors, valid, cure)
}

func read(t *testing.T, path string, into any) {
	t.Helper()
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(b, into))
}
