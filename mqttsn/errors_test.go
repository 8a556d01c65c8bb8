package mqttsn

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPacketError(t *testing.T) {
	require.EqualError(t, registerName.wildcard, "mqttsn: REGISTER: topic name: invalid: WILDCARD_IN_NAME")
	require.EqualError(t, errLengthMismatch, "mqttsn: length: malformed: LENGTH_MISMATCH")
	require.ErrorIs(t, registerName.wildcard, ErrInvalid)
	require.ErrorIs(t, errLengthMismatch, ErrMalformed)
}

func TestClassOf(t *testing.T) {
	require.Equal(t, NoDrop, ClassOf(nil))
	require.Equal(t, NoDrop, ClassOf(errors.New("another")))
	require.Equal(t, MissingInner, ClassOf(errMissingInner))
	require.Equal(t, MissingInner, ClassOf(fmt.Errorf("wrapped: %w", errMissingInner)))
}

func TestDropClassString(t *testing.T) {
	names := map[string]bool{}
	for c := range NumDropClasses {
		require.NotEmpty(t, c.String())
		names[c.String()] = true
	}
	require.Len(t, names, int(NumDropClasses), "each has a name of its own")
	require.Equal(t, "drop class 200", DropClass(200).String())
}
