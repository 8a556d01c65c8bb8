package deadline

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

type timer struct {
	Item
	id int
}

// timers makes a heap and n for it, with their number as id.
func timers(n int) (Heap[timer], []timer) {
	all := make([]timer, n)
	for i := range all {
		all[i].id = i
	}
	return New(func(t *timer) *Item { return &t.Item }), all
}

// TestHeapAgainstModel sets, moves, removes and pops at random, and compares
// with a slice that is searched from end to end.
func TestHeapAgainstModel(t *testing.T) {
	type due struct {
		at  Time
		seq int
		id  int
	}
	rapid.Check(t, func(t *rapid.T) {
		h, items := timers(20)
		var model []due
		drop := func(id int) {
			model = slices.DeleteFunc(model, func(d due) bool { return d.id == id })
		}
		for step := range rapid.IntRange(1, 200).Draw(t, "steps") {
			id := rapid.IntRange(0, len(items)-1).Draw(t, "id")
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
				it := h.Pop(at)
				require.Equal(t, len(model) > 0 && model[0].at <= at, it != nil)
				if it != nil {
					require.Equal(t, model[0].id, it.id)
					_, set := h.At(it)
					require.False(t, set)
					model = model[1:]
				}
			}
			require.Equal(t, len(model), h.Len())
			var first *due
			for i, d := range model {
				at, set := h.At(&items[d.id])
				require.True(t, set)
				require.Equal(t, d.at, at)
				if first == nil || d.at < first.at {
					first = &model[i]
				}
			}
			next, ok := h.Next()
			require.Equal(t, first != nil, ok)
			if ok {
				require.Equal(t, first.at, next)
			}
		}
	})
}

func TestEqualDeadlinesInOrderOfSetting(t *testing.T) {
	h, items := timers(100)
	for i := range items {
		h.Set(&items[i], 5)
	}
	h.Set(&items[0], 5) // set again: the last now
	for i := range items {
		require.Equal(t, (i+1)%len(items), h.Pop(5).id)
	}
	_, ok := h.Next()
	require.False(t, ok)
}

func TestPopWaitsForTheDeadline(t *testing.T) {
	h, items := timers(1)
	it := &items[0]
	h.Remove(it) // not there: nothing happens
	h.Set(it, 10)
	require.Nil(t, h.Pop(9))
	require.Same(t, it, h.Pop(10))
	require.Nil(t, h.Pop(10))
}

func TestMovingAllocatesNothing(t *testing.T) {
	h, items := timers(100)
	for i := range items {
		h.Set(&items[i], Time(i))
	}
	i := 0
	require.Zero(t, testing.AllocsPerRun(1000, func() {
		i++
		h.Set(&items[i%len(items)], Time(i*7919%1000))
		h.Set(h.Pop(1000), Time(i))
	}))
}

// BenchmarkSet moves one of 100,000 deadlines to later, as each packet of a
// client does.
func BenchmarkSet(b *testing.B) {
	h, items := timers(100_000)
	for i := range items {
		h.Set(&items[i], Time(i))
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		h.Set(&items[i*7919%len(items)], Time(len(items)+i))
	}
}

func BenchmarkPopAndSet(b *testing.B) {
	h, items := timers(100_000)
	for i := range items {
		h.Set(&items[i], Time(i))
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		h.Set(h.Pop(1<<62), Time(len(items)+i))
	}
}
