package core

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/dormouse-mqtt/dormouse/radio"
)

func TestPlaces(t *testing.T) {
	var p PlaceTable
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
	require.Zero(t, p.Len())
}

// TestPlacesAgainstMap claims and leaves at random, in waves so that the table
// grows and shrinks.
func TestPlacesAgainstMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var places PlaceTable
		model := map[Address]int{}
		for range rapid.IntRange(1, 8).Draw(t, "waves") {
			leave := rapid.Bool().Draw(t, "leave")
			from, shard := rapid.IntRange(0, 300).Draw(t, "from"), rapid.IntRange(0, 2).Draw(t, "shard")
			for i := range rapid.IntRange(0, 300).Draw(t, "many") {
				a := Address{link: 1, peer: radio.Memory(uint64(from + i))}
				was, had := model[a]
				if leave {
					places.Leave(a, shard)
					if was == shard {
						delete(model, a)
					}
					continue
				}
				before, knew := places.Claim(a, shard)
				require.Equal(t, had, knew)
				if had {
					require.Equal(t, was, before)
				}
				model[a] = shard
			}
			require.Equal(t, len(model), places.Len())
			for i := range 600 {
				a := Address{link: 1, peer: radio.Memory(uint64(i))}
				want, known := model[a]
				at, got := places.Find(a)
				require.Equal(t, known, got)
				if known {
					require.Equal(t, want, at)
				}
			}
			require.LessOrEqual(t, len(places.slots), max(minPlaces, 4*places.n+1))
		}
	})
}

// FuzzPlaces has one octet for each step: address, shard, and whether it leaves.
func FuzzPlaces(f *testing.F) {
	f.Add([]byte{1, 2, 3, 0x81, 0x82, 0x43, 0xC3})
	f.Fuzz(func(t *testing.T, steps []byte) {
		var places PlaceTable
		model := map[Address]int{}
		for _, s := range steps {
			a, shard := Address{peer: radio.Memory(uint64(s & 0x3F))}, int(s>>6&1)
			if s&0x80 == 0 {
				places.Claim(a, shard)
				model[a] = shard
				continue
			}
			places.Leave(a, shard)
			if model[a] == shard {
				delete(model, a)
			}
		}
		require.Equal(t, len(model), places.Len())
		for a, shard := range model {
			at, known := places.Find(a)
			require.True(t, known)
			require.Equal(t, shard, at)
		}
	})
}
