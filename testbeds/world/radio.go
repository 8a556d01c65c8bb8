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
	r := &Radio{Name: name, Heard: heard, world: w, addr: radio.Memory(uint64(len(w.radios) + 1))}
	w.radios[r.addr] = r
	return r
}

// Move gives the radio an address that nobody had.
func (r *Radio) Move() {
	w := r.world
	addr := radio.Memory(uint64(len(w.radios) + 1))
	w.radios[r.addr] = &Radio{Name: r.Name + "-before", world: w, addr: r.addr}
	r.addr = addr
	w.radios[addr] = r
}

// Send sends a datagram to the gateway.
func (r *Radio) Send(data []byte) {
	w, from, data := r.world, r.addr, slices.Clone(data)
	w.send(r.Name, "gw", data, func() {
		if w.Up() {
			w.process.door(from).deliver(shard.Event{
				Kind: shard.Datagrams, Link: theLink,
				Batch: []radio.Datagram{{Addr: from, Data: slices.Clone(data)}},
			})
		}
	})
}

// door is the shard where datagrams from an address come in.
func (p *process) door(from radio.Addr) *loop {
	text, sum := from.String(), 0
	for i := range len(text) {
		sum += int(text[i])
	}
	return p.shards[sum%len(p.shards)]
}

// SetNetwork changes how many datagrams are lost, or come twice, from here on.
func (w *World) SetNetwork(loss, duplicate float64) {
	w.options.Loss, w.options.Duplicate = loss, duplicate
}

func (r *Radio) hear(data []byte) {
	if r.Heard != nil {
		r.Heard(data)
	}
}

// send gives a datagram to the network, which has arrive called once, twice, or
// not at all.
func (w *World) send(from, to string, data []byte, arrive func()) {
	var arrives []shard.Time
	copies := 1
	if w.chance(w.options.Loss) {
		copies = 0
	} else if w.chance(w.options.Duplicate) {
		copies = 2
	}
	for range copies {
		at := w.now + w.draw(w.options.Delay)
		arrives = append(arrives, at)
		w.at(at, arrive)
	}
	w.logPacket(from, to, data, arrives...)
	w.tell(func() Entry { return Entry{From: from, To: to, Text: describeDatagram(data), Arrives: arrives} })
}
