package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPageIsFresh(t *testing.T) {
	root := filepath.Join("..", "..")
	want, err := render(root)
	require.NoError(t, err)
	got, err := os.ReadFile(filepath.Join(root, page))
	require.NoError(t, err)
	require.Equal(t, string(want), string(got), "%s is stale: run make conformance", page)
}

func TestFailedVectorsAreNamed(t *testing.T) {
	r, err := readEvents(strings.NewReader(`
		{"Action":"run","Package":"github.com/dormouse-mqtt/dormouse/mqttsn","Test":"TestVectors"}
		{"Action":"run","Package":"github.com/dormouse-mqtt/dormouse/mqttsn","Test":"TestVectors/a"}
		{"Action":"output","Package":"github.com/dormouse-mqtt/dormouse/mqttsn","Test":"TestVectors/a","Output":"    x_test.go:1: note: why\n"}
		{"Action":"pass","Package":"github.com/dormouse-mqtt/dormouse/mqttsn","Test":"TestVectors/a"}
		{"Action":"fail","Package":"github.com/dormouse-mqtt/dormouse/mqttsn","Test":"TestVectors/b"}`))
	require.NoError(t, err)
	require.Equal(t, run{"mqttsn.TestVectors": {{"a", true, "why"}, {"b", false, ""}}}, r)
	require.Equal(t, []string{"mqttsn.TestVectors/b"}, r.failed())
	_, err = readEvents(strings.NewReader("no test"))
	require.Error(t, err)
}
