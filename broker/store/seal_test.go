package store

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSeal(t *testing.T) {
	key := []byte("key")
	value := Sealed(key, append(Seal(nil, 3), "content"...))
	version, content, err := Unseal(key, value)
	require.NoError(t, err)
	require.EqualValues(t, 3, version)
	require.Equal(t, "content", string(content))

	for i := range value {
		value[i] ^= 0x10
		_, _, err = Unseal(key, value)
		require.ErrorIs(t, err, ErrDamaged, "octet %d", i)
		value[i] ^= 0x10
	}
	for n := range value {
		_, _, err = Unseal(key, value[:n])
		require.ErrorIs(t, err, ErrDamaged, "cut to %d", n)
	}
	_, _, err = Unseal([]byte("yek"), value)
	require.ErrorIs(t, err, ErrDamaged, "another key's")
	_, _, err = Unseal([]byte("keyc"), Sealed(key, append(Seal(nil, 3), "content"...)))
	require.ErrorIs(t, err, ErrDamaged)
}

func TestSealUsesTheBufferAgain(t *testing.T) {
	b := make([]byte, 0, 64)
	key := []byte("k")
	require.Zero(t, testing.AllocsPerRun(100, func() { b = Sealed(key, append(Seal(b, 1), "v"...)) }))
}
