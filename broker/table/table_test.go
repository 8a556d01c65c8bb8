package table

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

type entry struct {
	key  string
	next *entry
}

var ofEntries = Of[string, entry]{
	Key:  func(e *entry) string { return e.key },
	Next: func(e *entry) **entry { return &e.next },
}

// TestTableAgainstMap puts, replaces and deletes at random, in waves so that the
// table grows and shrinks, and compares with a map.
func TestTableAgainstMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		table, model := New(ofEntries), map[string]*entry{}
		for range rapid.IntRange(1, 10).Draw(t, "waves") {
			down := rapid.Bool().Draw(t, "down")
			from := rapid.IntRange(0, 100).Draw(t, "from")
			for i := range rapid.IntRange(0, 100).Draw(t, "many") {
				key := fmt.Sprint(from + i)
				if down {
					drop(table, key)
					delete(model, key)
					continue
				}
				e := &entry{key: key}
				table.Put(e)
				model[key] = e
			}
			check(t, table, model)
		}
	})
}

func drop(table *Table[string, entry], key string) {
	if e := table.Get(key); e != nil {
		table.Delete(e)
	}
}

func check(t require.TestingT, table *Table[string, entry], model map[string]*entry) {
	require.Equal(t, len(model), table.Len())
	for i := range 200 {
		key := fmt.Sprint(i)
		require.Same(t, model[key], table.Get(key), key)
	}
	seen := map[string]*entry{}
	for e := range table.All {
		require.NotContains(t, seen, e.key)
		seen[e.key] = e
	}
	require.Equal(t, model, seen)
	require.LessOrEqual(t, table.buckets.Len(), 2*table.Len()+100, "it shrinks")
	require.GreaterOrEqual(t, table.buckets.Len(), table.Len(), "it grows")
}

// FuzzTable is the same for octets: the upper bit deletes.
func FuzzTable(f *testing.F) {
	f.Add([]byte{1, 2, 3, 0x81, 4, 0x83, 0x82, 0x84})
	f.Add(slices.Repeat([]byte{5, 0x85}, 10))
	f.Fuzz(func(t *testing.T, ops []byte) {
		table, model := New(ofEntries), map[string]*entry{}
		for _, op := range ops {
			key := fmt.Sprint(op & 0x7F)
			if op&0x80 != 0 {
				drop(table, key)
				delete(model, key)
				continue
			}
			e := &entry{key: key}
			table.Put(e)
			model[key] = e
		}
		check(t, table, model)
	})
}

func TestPutAgain(t *testing.T) {
	table := New(ofEntries)
	a, b, again := &entry{key: "a"}, &entry{key: "b"}, &entry{key: "a"}
	for _, e := range []*entry{a, b, a, again} {
		table.Put(e)
	}
	require.Equal(t, 2, table.Len())
	require.Same(t, again, table.Get("a"))
	require.Same(t, b, table.Get("b"))
	require.Nil(t, a.next, "what was replaced holds on to nothing")
}

func TestDeleteWhatIsNotThere(t *testing.T) {
	table := New(ofEntries)
	a, other := &entry{key: "a"}, &entry{key: "a"}
	table.Delete(a)
	table.Put(a)
	table.Delete(other)
	require.Same(t, a, table.Get("a"))
	table.Delete(a)
	require.Zero(t, table.Len())
}

// TestShrinksToNothing: what a crowd leaves behind is not kept.
func TestShrinksToNothing(t *testing.T) {
	table := New(ofEntries)
	for i := range 10_000 {
		table.Put(&entry{key: fmt.Sprint(i)})
	}
	require.Equal(t, 10_000, table.buckets.Len())
	for i := range 10_000 {
		drop(table, fmt.Sprint(i))
	}
	require.Zero(t, table.Len())
	require.LessOrEqual(t, table.buckets.Len(), 10)
}

func TestGetAndPutAllocateNothing(t *testing.T) {
	table := New(ofEntries)
	entries := make([]entry, 100)
	for i := range entries {
		entries[i].key = fmt.Sprint(i)
		table.Put(&entries[i])
	}
	require.Zero(t, testing.AllocsPerRun(100, func() {
		e := table.Get("42")
		table.Delete(e)
		table.Put(e)
	}))
}

type numbered struct {
	id   uint64
	next *numbered
}

// BenchmarkGet looks up one of 20,000, in a table and in a map.
func BenchmarkGet(b *testing.B) {
	const n = 20_000
	table, numbers, byID, byNumber := New(ofEntries), New(Of[uint64, numbered]{
		Key:  func(e *numbered) uint64 { return e.id },
		Next: func(e *numbered) **numbered { return &e.next },
		Hash: func(id uint64) uint64 { return id },
	}), map[string]*entry{}, map[uint64]*numbered{}
	keys := make([]string, n)
	for i := range keys {
		e := &entry{key: fmt.Sprintf("sensor-%06d", i)}
		keys[i], byID[e.key] = e.key, e
		table.Put(e)
		m := &numbered{id: uint64(i)}
		byNumber[m.id] = m
		numbers.Put(m)
	}
	found := 0
	b.Run("string/table", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			found += len(table.Get(keys[i*7919%n]).key)
		}
	})
	b.Run("string/map", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			found += len(byID[keys[i*7919%n]].key)
		}
	})
	b.Run("number/table", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			found += int(numbers.Get(uint64(i * 7919 % n)).id)
		}
	})
	b.Run("number/map", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			found += int(byNumber[uint64(i*7919%n)].id)
		}
	})
}
