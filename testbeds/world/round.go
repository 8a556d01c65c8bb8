package world

import (
	"slices"

	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/broker/store"
)

// deliver puts an event before the machine; the next round handles it.
func (w *World) deliver(ev shard.Event) { w.inbox = append(w.inbox, ev) }

// round is one round of a loop: the events that are there, what is due, then
// one batch for the store, and only then what was said.
func (w *World) round() {
	at, ok := w.Machine.Deadline()
	if due := ok && at <= w.now; len(w.inbox) == 0 && !due {
		return
	}
	w.out.BeginRound()
	for _, ev := range w.inbox {
		if ev.Kind == shard.Stored && ev.Store.Kind == store.Committed {
			w.out.Committed(ev.Store.Ticket)
		}
		w.out.BeginEvent()
		w.Machine.Handle(w.now, ev, &w.out)
	}
	w.inbox = w.inbox[:0]
	if at, ok := w.Machine.Deadline(); ok && at <= w.now {
		w.out.BeginEvent()
		w.Machine.Advance(w.now, &w.out)
	}
	w.out.Submit(w.submit)
	for i := range w.out.Notes {
		w.log(Entry{From: "gw", Text: describeNote(&w.out.Notes[i])})
	}
	for _, o := range w.out.Outputs() {
		if s := w.streams[o.Conn]; s != nil {
			s.take(&o)
		}
	}
	for _, d := range w.out.Outgoing() {
		if r := w.nodes[d.To]; r != nil {
			data := slices.Clone(d.Data)
			w.send("gw", r.Name, data, func() { r.hear(data) })
		}
	}
}

// submit gives the store a batch, which becomes durable some time later.
func (w *World) submit(b *store.Batch) store.Ticket {
	t := w.store.Submit(b)
	w.After(w.draw(w.options.Commit), func() {
		if !w.Hold {
			w.store.Commit(1)
		}
	})
	return t
}
