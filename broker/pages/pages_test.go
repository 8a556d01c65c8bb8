package pages

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestAgainstSlice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s Slice[int]
		var model []int
		for range rapid.IntRange(0, 20).Draw(t, "turns") {
			if by := rapid.IntRange(-1000, 1000).Draw(t, "by"); by > 0 {
				for range by {
					s.Push(len(model))
					model = append(model, len(model))
				}
			} else {
				for range min(-by, len(model)) {
					last := len(model) - 1
					require.Equal(t, model[last], s.Pop())
					model = model[:last]
				}
			}
			require.Equal(t, len(model), s.Len())
			for i, v := range model {
				require.Equal(t, v, *s.At(i))
			}
			require.LessOrEqual(t, len(s.pages)*pageSize, len(model)+2*pageSize)
		}
	})
}

func TestElementsStayInPlace(t *testing.T) {
	var s Slice[int]
	s.Push(7)
	first := s.At(0)
	for i := range 10 * pageSize {
		s.Push(i)
	}
	require.Same(t, first, s.At(0))
}

// TestPoppedIsNotHeld: neither the element nor the pages.
func TestPoppedIsNotHeld(t *testing.T) {
	var s Slice[*int]
	for i := range 10 * pageSize {
		s.Push(&i)
	}
	for s.Len() > 3 {
		s.Pop()
	}
	require.Len(t, s.pages, 1+1)
	require.Nil(t, s.pages[0][3])
	require.Nil(t, s.pages[:cap(s.pages)][5])
}

// TestTurningAtAnEdgeAllocatesNothing: one page is kept.
func TestTurningAtAnEdgeAllocatesNothing(t *testing.T) {
	var s Slice[int]
	for range pageSize {
		s.Push(0)
	}
	s.Push(0)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		s.Pop()
		s.Push(0)
	}))
}
