package storetest

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dormouse-mqtt/dormouse/broker/store"
)

// What survives, and what a failing disk must not break.

func reopen(t *testing.T, h *harness) {
	if h.Reopen == nil {
		t.Skip("keeps nothing")
	}
	want := []string{}
	for i := range 3 {
		key := fmt.Sprint(i)
		h.submit(func(b *store.Batch) { put(b, key, "gone"); remove(b, "gone") })
		want = append(want, key+"="+key)
		require.NoError(t, h.Close())
		h.again(h.Reopen)
		require.Equal(t, want, h.loaded())
		require.Equal(t, want, h.all())
	}
}

func crash(t *testing.T, h *harness) {
	if h.Crash == nil {
		t.Skip("cannot crash")
	}
	h.commit(func(b *store.Batch) { put(b, "a", "b", "c") })
	h.commit(func(b *store.Batch) { remove(b, "a"); b.DeleteRange([]byte("c"), []byte("d")) })
	h.again(h.Crash)
	require.Equal(t, []string{"b=b"}, h.loaded())
	h.commit(func(b *store.Batch) { put(b, "d") })
	h.again(h.Crash)
	require.Equal(t, []string{"b=b", "d=d"}, h.loaded())
}

// crashKeepsAPrefix: whole batches, all that were committed, and none without
// those before it. Batch n puts two keys n.
func crashKeepsAPrefix(t *testing.T, h *harness) {
	if h.Crash == nil {
		t.Skip("cannot crash")
	}
	n := 0 // batches in the store
	for range 50 {
		first := n
		for range 5 {
			h.submit(func(b *store.Batch) { put(b, fmt.Sprintf("a%04d", n), fmt.Sprintf("b%04d", n)) })
			if n++; n%3 == 0 {
				h.any()
			}
		}
		committed := first + int(h.done)
		h.again(h.Crash)
		all := h.loaded()
		n = len(all) / 2
		require.GreaterOrEqual(t, n, committed)
		for i := range n {
			require.Equal(t, fmt.Sprintf("a%04[1]d=a%04[1]d", i), all[i])
			require.Equal(t, fmt.Sprintf("b%04[1]d=b%04[1]d", i), all[n+i])
		}
	}
}

var errBroken = errors.New("broken on purpose")

func failsForAWhile(t *testing.T, h *harness) {
	if h.Break == nil {
		t.Skip("cannot fail")
	}
	h.commit(func(b *store.Batch) { put(b, "a") })
	done := h.done
	h.Break(errBroken)
	ticket := h.submit(func(b *store.Batch) { put(b, "b") })
	ev := h.any()
	require.Equal(t, store.Failed, ev.Kind)
	require.Equal(t, ticket, ev.Ticket)
	require.ErrorIs(t, ev.Err, errBroken)
	require.Equal(t, done, h.done)

	h.submit(func(b *store.Batch) { put(b, "c"); remove(b, "a") })
	h.Break(nil)
	require.Equal(t, []string{"b=b", "c=c"}, h.all())
}

// stalls: the store says once that it has failed for too long, and nothing is
// lost if the disk comes back even then.
func stalls(t *testing.T, h *harness) {
	if h.Break == nil {
		t.Skip("cannot fail")
	}
	for _, key := range []string{"a", "b"} {
		h.Break(errBroken)
		ticket := h.submit(func(b *store.Batch) { put(b, key) })
		ev := h.await(store.Stalled)
		require.Equal(t, ticket, ev.Ticket)
		require.ErrorIs(t, ev.Err, errBroken)
		require.Equal(t, store.Failed, h.any().Kind, "it goes on trying, and says it only once")
		h.Break(nil)
		for h.done < ticket {
			require.NotEqual(t, store.Stalled, h.any().Kind)
		}
	}
	require.Equal(t, []string{"a=a", "b=b"}, h.all())
}

// refusedIsWithdrawn (L9): what was refused after Stalled is deleted, and is
// not there after the next Committed, whatever a failed attempt left behind.
func refusedIsWithdrawn(t *testing.T, h *harness) {
	if h.Break == nil {
		t.Skip("cannot fail")
	}
	h.commit(func(b *store.Batch) { put(b, "a") })
	h.Break(errBroken)
	h.submit(func(b *store.Batch) { put(b, "refused") })
	h.await(store.Stalled)
	ticket := h.submit(func(b *store.Batch) { remove(b, "refused") })
	h.Break(nil)
	for h.done < ticket {
		h.any()
	}
	require.Equal(t, []string{"a=a"}, h.all())
	if h.Crash != nil {
		h.again(h.Crash)
		require.Equal(t, []string{"a=a"}, h.loaded())
	}
}

// closesBroken: Close says that it could not keep what was submitted.
func closesBroken(t *testing.T, h *harness) {
	if h.Break == nil || h.Reopen == nil {
		t.Skip("cannot fail")
	}
	h.commit(func(b *store.Batch) { put(b, "a") })
	h.Break(errBroken)
	h.submit(func(b *store.Batch) { remove(b, "a") })
	require.ErrorIs(t, h.Close(), errBroken)
	h.again(h.Reopen)
	require.Subset(t, []string{"a=a"}, h.loaded())
}
