package memory

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dormouse-mqtt/dormouse/broker/store"
	"github.com/dormouse-mqtt/dormouse/broker/store/storetest"
)

func TestContract(t *testing.T) {
	storetest.Run(t, func(_ *testing.T, notify func(store.Event)) storetest.Instance {
		return storetest.Instance{Store: New(notify, Options{})}
	})
}

func TestCommitsAsManyAsTold(t *testing.T) {
	for _, forget := range []bool{false, true} {
		s, e := open(Options{Hold: true, Forget: forget})
		for _, k := range []string{"a", "b", "c"} {
			s.Submit(put(k))
		}
		for _, step := range []struct {
			n    int
			want []store.Event
		}{
			{0, nil},
			{2, []store.Event{{Ticket: 1}, {Ticket: 2}}},
			{-1, []store.Event{{Ticket: 3}}},
			{-1, nil},
		} {
			s.Commit(step.n)
			require.Equal(t, step.want, []store.Event(e.take()))
		}
	}
}
