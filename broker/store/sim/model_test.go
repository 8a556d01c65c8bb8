package sim

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/dormouse-mqtt/dormouse/broker/store"
)

// A model is what a store may hold: the state after each batch of its life.
type model struct {
	t       *rapid.T
	store   *Store
	options Options
	states  []map[string]string // [0]: what was loaded
	done    store.Ticket
	failed  bool
	reads   []store.Ticket // each behind what
	tag     uint64         // of the next answer
	lives   int
	seen    Statistics
}

// TestModel does what chance says to a store, and compares: commits and answers
// come in order, an answer is the state after some batch, and what a crash or a
// kill leaves is the state after one that is no older than what was promised.
func TestModel(t *testing.T) {
	var seen Statistics
	rapid.Check(t, func(t *rapid.T) {
		m := newModel(t)
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			m.step()
		}
		m.store.Break(nil)
		m.store.options.EIO, m.store.options.ENOSPC = 0, 0
		require.NoError(t, m.store.Close())
		require.Equal(t, int(m.done), len(m.states)-1)
		require.Empty(t, m.reads)
		require.Equal(t, m.states[m.done], m.load(m.store.Crash(0)))
		m.seen.Discarded += m.store.Statistics().Discarded
		seen.Discarded += m.seen.Discarded
		seen.Dropped += m.store.Statistics().Dropped
		seen.Failures += m.store.Statistics().Failures
	})
	require.NotZero(t, seen.Discarded, "records were torn")
	require.NotZero(t, seen.Dropped)
	require.NotZero(t, seen.Failures)
}

func newModel(t *rapid.T) *model {
	m := &model{t: t, options: Options{
		Seed:   rapid.Uint64().Draw(t, "seed"),
		Commit: Range{0, rapid.SampledFrom([]time.Duration{0, 50 * time.Millisecond}).Draw(t, "commit")},
		Read:   Range{0, rapid.SampledFrom([]time.Duration{0, 50 * time.Millisecond}).Draw(t, "read")},
		EIO:    rapid.SampledFrom([]float64{0, 0.3}).Draw(t, "EIO"),
		ENOSPC: rapid.SampledFrom([]float64{0, 0.3}).Draw(t, "ENOSPC"),

		SyncWithin: rapid.SampledFrom([]time.Duration{0, 0, 100 * time.Millisecond}).Draw(t, "sync within"),
	}}
	m.open(nil)
	return m
}

// open begins a life; what is loaded is the first state.
func (m *model) open(disk *Disk) {
	m.options.Disk = disk
	m.options.Seed++
	m.store = New(m.told, m.options)
	m.states = []map[string]string{m.load(nil)}
	m.done, m.failed, m.reads, m.tag = 0, false, nil, 0
}

// load is what a new store finds on a disk; nil: what the model's did.
func (m *model) load(disk *Disk) map[string]string {
	s := m.store
	if disk != nil {
		s = New(nil, Options{Disk: disk})
	}
	found, last := map[string]string{}, ""
	require.NoError(m.t, s.Load(func(k, v []byte) error {
		require.True(m.t, len(found) == 0 || last < string(k), "in order")
		found[string(k)], last = string(v), string(k)
		return nil
	}))
	return found
}

func (m *model) step() {
	switch rapid.IntRange(0, 11).Draw(m.t, "step") {
	case 0, 1, 2, 3, 4:
		m.submit()
	case 5:
		m.store.Request(store.ReadRequest{Tag: m.tag + uint64(len(m.reads)), To: []byte{0xff}, MaxEntries: 99, MaxOctets: 1 << 20})
		m.reads = append(m.reads, store.Ticket(len(m.states)-1))
	case 6, 7, 8:
		m.store.Advance(m.store.now + time.Duration(rapid.IntRange(0, 100).Draw(m.t, "ms"))*time.Millisecond)
	case 9:
		m.store.Break(rapid.SampledFrom([]error{nil, nil, ErrIO, ErrNoSpace}).Draw(m.t, "fault"))
	case 10:
		m.cut("crash", m.store.Crash, m.store.Statistics().Synced)
	case 11:
		m.cut("kill", m.store.Kill, m.done)
	}
}

func (m *model) submit() {
	var b store.Batch
	next := maps.Clone(m.states[len(m.states)-1])
	for range rapid.IntRange(0, 4).Draw(m.t, "operations") {
		key := rapid.StringMatching("[ab][a-e]?").Draw(m.t, "key")
		switch rapid.IntRange(0, 4).Draw(m.t, "operation") {
		case 0, 1:
			value := fmt.Sprint(m.lives, "/", len(m.states), "/", m.store.random.Uint64())
			if rapid.Bool().Draw(m.t, "long") {
				value = fmt.Sprintf("%200s", value)
			}
			b.Put([]byte(key), []byte(value))
			next[key] = value
		case 2, 3:
			b.Delete([]byte(key))
			delete(next, key)
		case 4:
			to := rapid.StringMatching("[abc][a-e]?").Draw(m.t, "to")
			b.DeleteRange([]byte(key), []byte(to))
			maps.DeleteFunc(next, func(k, _ string) bool { return key <= k && k < to })
		}
	}
	m.states = append(m.states, next)
	require.Equal(m.t, store.Ticket(len(m.states)-1), m.store.Submit(&b))
	b.Reset()
	b.Put([]byte("never"), nil) // the batch may be used again at once
}

// cut ends a life. What it left is loaded by the next.
func (m *model) cut(how string, disk func(seed uint64) *Disk, promised store.Ticket) {
	left := disk(rapid.Uint64().Draw(m.t, how))
	m.seen.Discarded += m.store.Statistics().Discarded
	found := m.load(left)
	possible := m.states[promised : m.store.taken+1]
	require.True(m.t, contains(possible, found), "%s: found %v, possible %v", how, found, possible)
	m.lives++
	m.open(left)
	require.Equal(m.t, found, m.states[0])
}

func contains(states []map[string]string, found map[string]string) bool {
	return slices.ContainsFunc(states, func(s map[string]string) bool { return maps.Equal(s, found) })
}

func (m *model) told(ev store.Event) {
	switch ev.Kind {
	case store.Committed:
		require.True(m.t, ev.Ticket > m.done || m.failed && ev.Ticket == m.done)
		require.LessOrEqual(m.t, m.store.Statistics().Synced, ev.Ticket)
		m.done, m.failed = ev.Ticket, false
		require.Less(m.t, int(m.done), len(m.states))
	case store.Failed, store.Stalled:
		require.Error(m.t, ev.Err)
		m.failed = true
	case store.Read:
		require.Equal(m.t, m.tag, ev.Tag)
		found := map[string]string{}
		for _, x := range ev.Entries {
			found[string(x.Key)] = string(x.Value)
		}
		require.LessOrEqual(m.t, m.reads[0], m.done)
		require.True(m.t, contains(m.states[m.reads[0]:m.done+1], found), "answer %v", found)
		m.reads = m.reads[1:]
		m.tag++
	}
}
