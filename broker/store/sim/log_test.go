package sim

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dormouse-mqtt/dormouse/broker/store"
)

func batchOf(key string) *store.Batch {
	b := &store.Batch{}
	b.Put([]byte(key), nil)
	return b
}

// chain gives a log of one record for each key.
func chain(keys ...string) (data []byte) {
	var l link
	for _, k := range keys {
		data, l = appendRecord(data, l, batchOf(k))
	}
	return data
}

func replayed(data []byte) (keys []string, end int) {
	end, _ = replay(data, func(op store.Op) { keys = append(keys, string(op.Key)) })
	return keys, end
}

func TestReplayStopsAtTheFirstBadOctet(t *testing.T) {
	one, two, three := len(chain("a")), len(chain("a", "b")), len(chain("a", "b", "c"))
	good := chain("a", "b", "c")
	keys, end := replayed(good)
	require.Equal(t, []string{"a", "b", "c"}, keys)
	require.Equal(t, three, end)
	for i := range good {
		bad := append([]byte(nil), good...)
		bad[i] ^= 0x10
		_, end := replayed(bad)
		require.Equal(t, map[bool]int{i < one: 0, one <= i && i < two: one, two <= i: two}[true], end, "octet %d", i)
		_, cut := replayed(good[:i])
		require.Equal(t, end, cut, "cut at %d", i)
	}
}

func TestZerosAreNoRecord(t *testing.T) {
	_, end := replayed(make([]byte, 1024))
	require.Zero(t, end)
	_, end = replayed(append(chain("a"), make([]byte, 1024)...))
	require.Equal(t, len(chain("a")), end)
}

// What an older life left behind a record counts only behind that very record.
func TestRecordOfAnotherChain(t *testing.T) {
	data := chain("a", "b")
	copy(data, chain("x")) // as long as the first
	keys, _ := replayed(data)
	require.Equal(t, []string{"x"}, keys)
}

// What was discarded stays so, even if what was missing is written again.
func TestOpenCutsTheTailOff(t *testing.T) {
	data := chain("a", "b", "c")
	hole := len(chain("a"))
	torn := append([]byte(nil), data...)
	clear(torn[hole : hole+recordHeader])
	s := New(func(store.Event) {}, Options{Disk: &Disk{torn}})
	require.Equal(t, []string{"a"}, keysOf(s))
	require.Equal(t, len(data)-hole, s.Statistics().Discarded)
	s.Submit(batchOf("b"))
	s.Advance(0)
	require.Equal(t, []string{"a", "b"}, keysOn(s.Crash(1)))
}

func FuzzReplay(f *testing.F) {
	f.Add(chain("a", "b"))
	f.Add(make([]byte, 40))
	f.Fuzz(func(t *testing.T, data []byte) {
		var all store.Batch
		end, l := replay(data, all.Add)
		require.LessOrEqual(t, end, len(data))
		again, same := replay(data[:end], func(store.Op) {})
		require.Equal(t, end, again)
		require.Equal(t, l, same)
	})
}
