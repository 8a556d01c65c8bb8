package deadline

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestHeapAgainstModel sets, moves, removes and pops at random, and compares
// with a slice that is searched from end to end.
func TestHeapAgainstModel(t *testing.T) {
	type due struct {
		at  Time
		seq int
		id  int
	}
	rapid.Check(t, func(t *rapid.T) {
		var h Heap[int]
		items := make([]Item[int], 20)
		var model []due
		drop := func(id int) {
			model = slices.DeleteFunc(model, func(d due) bool { return d.id == id })
		}
		for step := range rapid.IntRange(1, 200).Draw(t, "steps") {
			id := rapid.IntRange(0, len(items)-1).Draw(t, "id")
			items[id].Value = id
			at := Time(rapid.IntRange(0, 10).Draw(t, "at"))
			switch rapid.IntRange(0, 3).Draw(t, "op") {
			case 0, 1:
				h.Set(&items[id], at)
				drop(id)
				model = append(model, due{at, step, id})
			case 2:
				h.Remove(&items[id])
				drop(id)
			case 3:
				slices.SortFunc(model, func(a, b due) int {
					if a.at != b.at {
						return int(a.at - b.at)
					}
					return a.seq - b.seq
				})
				it, ok := h.Pop(at)
				require.Equal(t, len(model) > 0 && model[0].at <= at, ok)
				if ok {
					require.Equal(t, model[0].id, it.Value)
					_, set := it.At()
					require.False(t, set)
					model = model[1:]
				}
			}
			require.Equal(t, len(model), h.Len())
		}
	})
}
