package core

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dormouse-mqtt/dormouse/radio"
)

func TestPlaces(t *testing.T) {
	p := PlaceTable{}
	a, b := Address{peer: radio.Memory(1)}, Address{peer: radio.Memory(2)}
	_, known := p.Find(a)
	require.False(t, known)
	_, had := p.Claim(a, 1)
	require.False(t, had)
	before, had := p.Claim(a, 2)
	require.True(t, had)
	require.Equal(t, 1, before)
	p.Leave(a, 1) // it is another's by now
	at, known := p.Find(a)
	require.True(t, known)
	require.Equal(t, 2, at)
	p.Leave(a, 2)
	p.Leave(b, 0)
	require.Empty(t, p)
}
