// Package storetest is the contract that every store.Store fulfils, as tests.
package storetest

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dormouse-mqtt/dormouse/broker/store"
)

// An Instance is a store under test, with what a test may do to it. What is nil
// it cannot do, and what needs it is not tested.
type Instance struct {
	store.Store
	// Pump lets virtual time pass until the next thing happens. A store with a
	// Pump is used by one goroutine at a time.
	Pump func()
	// Reopen opens what a closed store left.
	Reopen func(notify func(store.Event)) Instance
	// Crash opens what the store leaves when the power goes now.
	Crash func(notify func(store.Event)) Instance
	// Break makes commits fail; nil ends that. The store's patience passes
	// without a real second.
	Break func(err error)
}

// Run tests stores that open makes: empty ones, telling their events by notify.
func Run(t *testing.T, open func(t *testing.T, notify func(store.Event)) Instance) {
	tests := []struct {
		name string
		test func(t *testing.T, h *harness)
	}{
		{"Tickets", tickets},
		{"Operations", operations},
		{"OneGroup", oneGroup},
		{"BatchIsReused", batchIsReused},
		{"BatchIsWhole", batchIsWhole},
		{"ReadsBounds", readBounds},
		{"ReadsBehindSubmits", readsBehindSubmits},
		{"ReadsOfNothing", readsOfNothing},
		{"Load", load},
		{"Close", closing},
		{"Concurrent", concurrent},
		{"Reopen", reopen},
		{"Crash", crash},
		{"CrashKeepsAPrefix", crashKeepsAPrefix},
		{"FailsForAWhile", failsForAWhile},
		{"Stalls", stalls},
		{"RefusedIsWithdrawn", refusedIsWithdrawn},
		{"ClosesBroken", closesBroken},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := &harness{t: t, events: make(chan store.Event, 4096)}
			h.Instance = open(t, h.notify)
			defer func() { require.NoError(t, h.Close()) }()
			tt.test(t, h)
		})
	}
}

func tickets(t *testing.T, h *harness) {
	var last store.Ticket
	for i := range 100 {
		var b store.Batch
		put(&b, fmt.Sprint(i))
		ticket := h.Submit(&b)
		require.Greater(t, ticket, last)
		last = ticket
	}
	for h.done < last {
		require.Equal(t, store.Committed, h.next().Kind)
	}
	require.Equal(t, last, h.done, "nothing is durable that was not submitted")
}

func operations(t *testing.T, h *harness) {
	steps := []struct {
		name  string
		write func(b *store.Batch)
		want  []string
	}{
		{"put", func(b *store.Batch) { put(b, "b", "a", "c", "cc", "d") }, []string{"a=a", "b=b", "c=c", "cc=cc", "d=d"}},
		{"put again", func(b *store.Batch) { b.Put([]byte("a"), []byte("x")) }, []string{"a=x", "b=b", "c=c", "cc=cc", "d=d"}},
		{"empty value", func(b *store.Batch) { b.Put([]byte("a"), nil) }, []string{"a=", "b=b", "c=c", "cc=cc", "d=d"}},
		{"delete", func(b *store.Batch) { b.Delete([]byte("a")) }, []string{"b=b", "c=c", "cc=cc", "d=d"}},
		{"delete what is not there", func(b *store.Batch) { b.Delete([]byte("a")) }, []string{"b=b", "c=c", "cc=cc", "d=d"}},
		{"range", func(b *store.Batch) { b.DeleteRange([]byte("c"), []byte("d")) }, []string{"b=b", "d=d"}},
		{"empty range", func(b *store.Batch) { b.DeleteRange([]byte("b"), []byte("b")) }, []string{"b=b", "d=d"}},
		{"in order", func(b *store.Batch) {
			put(b, "e", "f")
			b.DeleteRange([]byte("a"), []byte("z"))
			put(b, "e", "g")
			b.Delete([]byte("g"))
		}, []string{"e=e"}},
	}
	for _, s := range steps {
		h.commit(s.write)
		require.Equal(t, s.want, h.all(), s.name)
	}
}

// oneGroup: batches that may be committed as one leave what they would have
// left one by one.
func oneGroup(t *testing.T, h *harness) {
	h.commit(func(b *store.Batch) { put(b, "old", "older", "r1") })
	steps := []func(b *store.Batch){
		func(b *store.Batch) { put(b, "new", "old", "r2", "stays") },
		func(b *store.Batch) { b.Put([]byte("old"), []byte("x")) },
		func(b *store.Batch) { b.Delete([]byte("new")) },
		func(b *store.Batch) { b.Delete([]byte("old")) },
		func(*store.Batch) {},
		func(b *store.Batch) { b.DeleteRange([]byte("r"), []byte("s")) },
		func(b *store.Batch) { put(b, "r3") },
		func(b *store.Batch) { b.Delete([]byte("r3")); b.Put([]byte("r3"), []byte("again")) },
	}
	var b store.Batch
	for _, step := range steps {
		b.Reset()
		step(&b)
		h.Submit(&b)
	}
	require.Equal(t, []string{"older=older", "r3=again", "stays=stays"}, h.all())
}

func batchIsReused(t *testing.T, h *harness) {
	var b store.Batch
	for _, k := range []string{"a", "b", "c"} {
		b.Reset()
		put(&b, k)
		h.Submit(&b)
	}
	require.Equal(t, []string{"a=a", "b=b", "c=c"}, h.all())
}

// batchIsWhole: no read sees a part of a batch.
func batchIsWhole(t *testing.T, h *harness) {
	var (
		writer sync.WaitGroup
		b      store.Batch
	)
	writer.Go(func() {
		for i := range 100 {
			b.Reset()
			for _, k := range []string{"a", "b", "c"} {
				b.Put([]byte(k), fmt.Append(nil, i))
			}
			h.Submit(&b)
		}
	})
	defer writer.Wait()
	for tag := range uint64(100) {
		ev := h.read(store.ReadRequest{Tag: tag, To: []byte{0xff}, MaxEntries: 9, MaxOctets: 999})
		if len(ev.Entries) == 0 {
			continue
		}
		require.Len(t, ev.Entries, 3)
		for _, e := range ev.Entries {
			require.Equal(t, ev.Entries[0].Value, e.Value)
		}
	}
}

func readBounds(t *testing.T, h *harness) {
	h.commit(func(b *store.Batch) { put(b, "a", "b", "c", "d") })
	tests := []struct {
		name            string
		from, to        string
		entries, octets int
		want            []string
		more            bool
	}{
		{"all", "a", "z", 9, 99, []string{"a=a", "b=b", "c=c", "d=d"}, false},
		{"from is in, to is out", "b", "d", 9, 99, []string{"b=b", "c=c"}, false},
		{"nothing", "x", "z", 9, 99, []string{}, false},
		{"entries", "a", "z", 2, 99, []string{"a=a", "b=b"}, true},
		{"entries to the last", "a", "z", 4, 99, []string{"a=a", "b=b", "c=c", "d=d"}, false},
		{"entries of the range", "a", "c", 2, 99, []string{"a=a", "b=b"}, false},
		{"octets", "a", "z", 9, 7, []string{"a=a", "b=b", "c=c"}, true},
		{"octets to the last", "a", "z", 9, 8, []string{"a=a", "b=b", "c=c", "d=d"}, false},
		{"one at least", "a", "z", 9, 1, []string{"a=a"}, true},
	}
	for i, tt := range tests {
		ev := h.read(store.ReadRequest{
			Tag: uint64(i), From: []byte(tt.from), To: []byte(tt.to),
			MaxEntries: tt.entries, MaxOctets: tt.octets,
		})
		require.Equal(t, tt.want, flat(ev.Entries), tt.name)
		require.Equal(t, tt.more, ev.More, tt.name)
	}
}

func readsBehindSubmits(t *testing.T, h *harness) {
	for i := range 50 {
		var b store.Batch
		b.Put([]byte("k"), fmt.Append(nil, i))
		h.Submit(&b)
		h.Request(store.ReadRequest{Tag: uint64(i), To: []byte{0xff}, MaxEntries: 1, MaxOctets: 99})
	}
	for i := range 50 {
		ev := h.next()
		for ev.Kind != store.Read {
			ev = h.next()
		}
		require.Equal(t, uint64(i), ev.Tag, "answers keep the order of requests")
		require.Len(t, ev.Entries, 1)
		var got int
		_, err := fmt.Sscan(string(ev.Entries[0].Value), &got)
		require.NoError(t, err)
		require.GreaterOrEqual(t, got, i)
	}
}

// readsOfNothing: a read is answered when nothing was ever submitted, and one
// whose range ends before it begins.
func readsOfNothing(t *testing.T, h *harness) {
	require.Empty(t, h.all())
	h.commit(func(b *store.Batch) { put(b, "a", "b", "c") })
	ev := h.read(store.ReadRequest{From: []byte("c"), To: []byte("a"), MaxEntries: 9, MaxOctets: 99})
	require.Empty(t, ev.Entries)
	require.False(t, ev.More)
}

func load(t *testing.T, h *harness) {
	h.commit(func(b *store.Batch) { put(b, "b", "\xfe", "a", "ab", "") })
	var got []string
	require.NoError(t, h.Load(func(k, v []byte) error {
		require.Equal(t, string(k), string(v))
		got = append(got, string(k))
		return nil
	}))
	require.Equal(t, []string{"", "a", "ab", "b", "\xfe"}, got)

	stop, n := errors.New("stop"), 0
	require.ErrorIs(t, h.Load(func(_, _ []byte) error { n++; return stop }), stop)
	require.Equal(t, 1, n)
}

// closing: Close commits what was submitted.
func closing(t *testing.T, h *harness) {
	var b store.Batch
	put(&b, "a")
	ticket := h.Submit(&b)
	require.NoError(t, h.Close())
	for h.done < ticket {
		h.next()
	}
}

func concurrent(t *testing.T, h *harness) {
	var (
		shards sync.WaitGroup
		mu     sync.Mutex
		seen   = map[store.Ticket]bool{}
	)
	for i := range 4 {
		shards.Go(func() {
			for j := range 50 {
				var b store.Batch
				put(&b, fmt.Sprint(i, "/", j))
				ticket := h.Submit(&b)
				mu.Lock()
				seen[ticket] = true
				mu.Unlock()
			}
		})
	}
	shards.Wait()
	require.Len(t, seen, 200, "a ticket is given once")
	require.Len(t, h.all(), 200)
}
