package storetest

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dormouse-mqtt/dormouse/broker/store"
)

// A harness is a store with what it told.
type harness struct {
	Instance
	t      *testing.T
	mu     sync.Mutex // if there is a Pump: for one call at a time
	events chan store.Event
	done   store.Ticket
	failed bool // since the last Committed
}

func (h *harness) notify(ev store.Event) { h.events <- ev }

// alone calls f, and nothing else of a store in virtual time meanwhile.
func (h *harness) alone(f func()) {
	if h.Pump != nil {
		h.mu.Lock()
		defer h.mu.Unlock()
	}
	f()
}

func (h *harness) Submit(b *store.Batch) (t store.Ticket) {
	h.alone(func() { t = h.Store.Submit(b) })
	return t
}

func (h *harness) Request(r store.ReadRequest) { h.alone(func() { h.Store.Request(r) }) }

// any is the next event.
func (h *harness) any() store.Event {
	for h.Pump != nil && len(h.events) == 0 {
		h.alone(h.Pump)
	}
	ev := <-h.events
	switch {
	case ev.Kind == store.Failed || ev.Kind == store.Stalled:
		require.Error(h.t, ev.Err)
		h.failed = true
	case ev.Kind == store.Committed && h.failed:
		require.GreaterOrEqual(h.t, ev.Ticket, h.done, "commits never go back")
		h.done, h.failed = ev.Ticket, false
	case ev.Kind == store.Committed:
		require.Greater(h.t, ev.Ticket, h.done, "commits go forward")
		h.done = ev.Ticket
	}
	return ev
}

// next is the next event of a store that does not fail.
func (h *harness) next() store.Event {
	ev := h.any()
	require.NoError(h.t, ev.Err)
	return ev
}

// await waits for an event of a kind.
func (h *harness) await(kind store.EventKind) store.Event {
	for {
		if ev := h.any(); ev.Kind == kind {
			return ev
		}
	}
}

// submit submits what f writes.
func (h *harness) submit(f func(b *store.Batch)) store.Ticket {
	var b store.Batch
	f(&b)
	return h.Submit(&b)
}

// commit submits what f writes and waits until it is durable.
func (h *harness) commit(f func(b *store.Batch)) {
	for ticket := h.submit(f); h.done < ticket; {
		h.next()
	}
}

func (h *harness) read(r store.ReadRequest) store.Event {
	h.Request(r)
	ev := h.await(store.Read)
	require.Equal(h.t, r.Tag, ev.Tag)
	return ev
}

// all is every entry, as key=value.
func (h *harness) all() []string {
	ev := h.read(store.ReadRequest{To: []byte{0xff}, MaxEntries: 1 << 20, MaxOctets: 1 << 30})
	require.False(h.t, ev.More)
	return flat(ev.Entries)
}

// loaded is every entry of a store to which nothing was submitted yet.
func (h *harness) loaded() []string {
	var entries []store.Entry
	require.NoError(h.t, h.Load(func(k, v []byte) error {
		entries = append(entries, store.Entry{Key: k, Value: v})
		return nil
	}))
	return flat(entries)
}

// again goes on with the store that open makes.
func (h *harness) again(open func(notify func(store.Event)) Instance) {
	for len(h.events) > 0 {
		h.any()
	}
	h.done, h.failed = 0, false // tickets begin anew
	h.Instance = open(h.notify)
}

func flat(entries []store.Entry) []string {
	all := []string{}
	for _, e := range entries {
		all = append(all, string(e.Key)+"="+string(e.Value))
	}
	return all
}

func put(b *store.Batch, keys ...string) {
	for _, k := range keys {
		b.Put([]byte(k), []byte(k))
	}
}

func remove(b *store.Batch, keys ...string) {
	for _, k := range keys {
		b.Delete([]byte(k))
	}
}
