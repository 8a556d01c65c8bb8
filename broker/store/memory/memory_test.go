package memory

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dormouse-mqtt/dormouse/broker/store"
)

// events collects what a store tells.
type events []store.Event

func (e *events) take() []store.Event {
	taken := *e
	*e = nil
	return taken
}

func open(o Options) (*Store, *events) {
	var e events
	return New(func(ev store.Event) { e = append(e, ev) }, o), &e
}

func batch(f func(b *store.Batch)) *store.Batch {
	b := &store.Batch{}
	f(b)
	return b
}

func put(keys ...string) *store.Batch {
	return batch(func(b *store.Batch) {
		for _, k := range keys {
			b.Put([]byte(k), []byte("="+k))
		}
	})
}

func keys(t *testing.T, s *Store) (all []string) {
	require.NoError(t, s.Load(func(k, v []byte) error {
		require.Equal(t, "="+string(k), string(v))
		all = append(all, string(k))
		return nil
	}))
	return all
}

func TestCommitsAtOnceAndInOrder(t *testing.T) {
	s, e := open(Options{})
	require.Equal(t, store.Ticket(1), s.Submit(put("b", "a", "c1", "c2", "d")))
	require.Equal(t, store.Ticket(2), s.Submit(batch(func(b *store.Batch) {
		b.Delete([]byte("a"))
		b.DeleteRange([]byte("c"), []byte("d"))
	})))
	require.Equal(t, []store.Event{{Ticket: 1}, {Ticket: 2}}, e.take())
	require.Equal(t, []string{"b", "d"}, keys(t, s))
	stop := errors.New("stop")
	require.ErrorIs(t, s.Load(func(_, _ []byte) error { return stop }), stop)
}

func TestHoldsUntilToldTo(t *testing.T) {
	s, e := open(Options{Hold: true})
	b := put("a")
	s.Submit(b)
	b.Reset() // the batch may be used again at once
	b.Put([]byte("b"), []byte("=b"))
	s.Submit(b)
	require.Empty(t, e.take())
	require.Empty(t, keys(t, s))
	s.Commit(1)
	require.Equal(t, []store.Event{{Ticket: 1}}, e.take())
	require.Equal(t, []string{"a"}, keys(t, s))
	require.NoError(t, s.Close())
	require.Equal(t, []store.Event{{Ticket: 2}}, e.take())
	require.Equal(t, []string{"a", "b"}, keys(t, s))
}

func TestReadComesBehindWhatWasSubmitted(t *testing.T) {
	s, e := open(Options{Hold: true})
	s.Submit(put("a", "b", "c", "d"))
	s.Request(store.ReadRequest{Tag: 7, From: []byte("b"), To: []byte("d"), MaxEntries: 10, MaxOctets: 100})
	s.Submit(put("bb"))
	require.Empty(t, e.take())
	s.Commit(1)
	got := e.take()
	require.Len(t, got, 2)
	require.Equal(t, uint64(7), got[1].Tag)
	require.Equal(t, []store.Entry{{Key: []byte("b"), Value: []byte("=b")}, {Key: []byte("c"), Value: []byte("=c")}}, got[1].Entries)
	require.False(t, got[1].More)
}

func TestReadIsBounded(t *testing.T) {
	s, e := open(Options{})
	s.Submit(put("a", "b", "c"))
	e.take()
	for _, r := range []store.ReadRequest{{MaxEntries: 2, MaxOctets: 100}, {MaxEntries: 9, MaxOctets: 7}} {
		r.From, r.To = []byte("a"), []byte("z")
		s.Request(r)
		got := e.take()[0]
		require.Len(t, got.Entries, 2)
		require.True(t, got.More)
	}
	s.Request(store.ReadRequest{From: []byte("a"), To: []byte("z"), MaxEntries: 9, MaxOctets: 1})
	require.Len(t, e.take()[0].Entries, 1, "one at least")
}

func TestForgetsEntriesNotTickets(t *testing.T) {
	s, e := open(Options{Forget: true})
	s.Submit(put("a"))
	require.Equal(t, []store.Event{{Ticket: 1}}, e.take())
	require.Empty(t, keys(t, s))
}

// Who submits from within an event hears of it after that event.
func TestTellsInOrder(t *testing.T) {
	var (
		s    *Store
		told []store.Ticket
	)
	s = New(func(ev store.Event) {
		if ev.Ticket < 3 {
			s.Submit(put("a"))
		}
		told = append(told, ev.Ticket)
	}, Options{})
	s.Submit(put("a"))
	require.Equal(t, []store.Ticket{1, 2, 3}, told)
}
