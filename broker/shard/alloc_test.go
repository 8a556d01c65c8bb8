//go:build !race

package shard

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dormouse-mqtt/dormouse/broker/store"
	"github.com/dormouse-mqtt/dormouse/radio"
)

func TestARoundDoesNotAllocate(t *testing.T) {
	var (
		o    Out
		r    Ring
		a, b = Dest{ID: 1}, Dest{ID: 2}
		data = make([]byte, 100)
		n    store.Ticket
	)
	round := func() {
		o.BeginRound()
		for _, d := range []*Dest{&a, &b, &a} {
			o.BeginEvent()
			x := o.To(d)
			x.Data = append(x.Data, data...)
			o.Batch.Put(data[:8], data)
			o.Datagram(1, radio.Memory(1), radio.Addr{}, data)
			o.Wake = append(o.Wake, Wake{})
			r.Put(o.Mark(), d.ID, 0, data)
		}
		o.Outgoing()
		n++
		o.Submit(func(*store.Batch) store.Ticket { return n })
		o.Committed(n)
		for {
			if _, ok := r.Next(o.Durable()); !ok {
				break
			}
		}
	}
	round()
	require.Zero(t, testing.AllocsPerRun(100, round))
}
