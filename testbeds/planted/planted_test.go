package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPatchIsApplied(t *testing.T) {
	dir := t.TempDir() + "/"
	require.NoError(t, os.WriteFile(dir+"a.go", []byte("one\ntwo\nthree\n"), 0o600))
	patch := filepath.Join(dir, "fault.patch")
	require.NoError(t, os.WriteFile(patch, []byte("# Why.\n--- a.go\n-two\n+2\n+2\n"), 0o600))
	p, err := readPatch(patch)
	require.NoError(t, err)
	require.Equal(t, "Why.\n", p.why)
	faulty, err := p.apply(dir)
	require.NoError(t, err)
	require.Equal(t, "one\n2\n2\nthree\n", faulty)
	p.old = "four\n"
	_, err = p.apply(dir)
	require.ErrorContains(t, err, "0 times", "its place was rewritten")
}

// TestFaultsAreExplained: each says what is wrong, and fits where it says.
func TestFaultsAreExplained(t *testing.T) {
	patches, err := filepath.Glob("*.patch")
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(patches), 10)
	for _, file := range patches {
		p, err := readPatch(file)
		require.NoError(t, err)
		require.NotEmpty(t, p.why, file)
		_, err = p.apply("../../")
		require.NoError(t, err, file)
	}
}

func TestFound(t *testing.T) {
	text, err := found("x.go:1: seed 7: c0 did not get it\nshrunk to:\nworld seed=7\n1.5s c0 publish a 1\n90ms - crash kill 1s 2\n3.0 c0 did not get it\n")
	require.NoError(t, err)
	require.Equal(t, "seed 7, 2 operations: c0 did not get it", text)
	_, err = found("PASS\n")
	require.ErrorIs(t, err, errMissed)
}
