package sim

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dormouse-mqtt/dormouse/broker/store"
	"github.com/dormouse-mqtt/dormouse/broker/store/storetest"
)

func TestContract(t *testing.T) {
	latency := Range{time.Millisecond, 9 * time.Millisecond}
	for _, tt := range []struct {
		name    string
		options Options
	}{
		{"at once", Options{}},
		{"slow", Options{Commit: latency, Read: latency}},
		{"slow reads", Options{Read: latency}},
		{"syncs later", Options{Commit: latency, SyncWithin: 20 * time.Millisecond}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			storetest.Run(t, func(t *testing.T, notify func(store.Event)) storetest.Instance {
				return instance(t, notify, tt.options)
			})
		})
	}
}

// instance opens a store for the contract's tests.
func instance(t *testing.T, notify func(store.Event), o Options) storetest.Instance {
	s := New(notify, o)
	reopen := func(disk func(seed uint64) *Disk) func(func(store.Event)) storetest.Instance {
		return func(notify func(store.Event)) storetest.Instance {
			next := o
			next.Seed++
			next.Disk = disk(o.Seed)
			return instance(t, notify, next)
		}
	}
	crash := s.Crash
	if o.SyncWithin > 0 {
		crash = s.Kill // which is what it promises to survive
	}
	return storetest.Instance{
		Store: s,
		Pump: func() {
			at, ok := s.Deadline()
			require.True(t, ok, "the store has nothing to do, and the test waits for it")
			s.Advance(at)
		},
		Reopen: reopen(s.Kill),
		Crash:  reopen(crash),
		Break:  s.Break,
	}
}
