package world

import (
	"slices"

	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/radio"
)

// A Radio is a node's, or a forwarder's, place on the network of datagrams.
type Radio struct {
	Name string
	// Heard gets each datagram that comes in; nil: nobody listens.
	Heard func(data []byte)

	world *World
	addr  radio.Addr
}

// Radio makes a place on the network; heard may be nil.
func (w *World) Radio(name string, heard func(data []byte)) *Radio {
	r := &Radio{Name: name, Heard: heard, world: w, addr: radio.Memory(uint64(len(w.nodes) + 1))}
	w.nodes[r.addr] = r
	return r
}

// Move gives the radio an address that nobody had.
func (r *Radio) Move() {
	w := r.world
	addr := radio.Memory(uint64(len(w.nodes) + 1))
	w.nodes[r.addr] = &Radio{Name: r.Name + "-before", world: w, addr: r.addr}
	r.addr = addr
	w.nodes[addr] = r
}

// Send sends a datagram to the gateway.
func (r *Radio) Send(data []byte) {
	w, from, data := r.world, r.addr, slices.Clone(data)
	w.send(r.Name, "gw", data, func() {
		w.deliver(shard.Event{
			Kind: shard.Datagrams, Link: theLink,
			Batch: []radio.Datagram{{Addr: from, Data: slices.Clone(data)}},
		})
	})
}

func (r *Radio) hear(data []byte) {
	if r.Heard != nil {
		r.Heard(data)
	}
}

// send gives a datagram to the network, which has arrive called once, twice, or
// not at all.
func (w *World) send(from, to string, data []byte, arrive func()) {
	e := Entry{From: from, To: to, Text: describeDatagram(data)}
	copies := 1
	if w.chance(w.options.Loss) {
		copies = 0
	} else if w.chance(w.options.Duplicate) {
		copies = 2
	}
	for range copies {
		at := w.now + w.draw(w.options.Delay)
		e.Arrives = append(e.Arrives, at)
		w.at(at, arrive)
	}
	w.log(e)
}
