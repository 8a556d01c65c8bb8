// Package local puts a broker's and a gateway's core together into one machine:
// what the gateway asks of its broker is a function call on the same shard.
package local

import (
	"github.com/dormouse-mqtt/dormouse/broker/core"
	"github.com/dormouse-mqtt/dormouse/broker/shard"
	gateway "github.com/dormouse-mqtt/dormouse/gateway/core"
)

// A Machine is one shard of broker and gateway.
type Machine struct {
	Broker  *core.Core
	Gateway *gateway.Core
}

// New makes the machine of a broker's core and a gateway in front of it.
func New(broker *core.Core, options gateway.Options) *Machine {
	return &Machine{Broker: broker, Gateway: gateway.New(uplink{broker}, options)}
}

// Handle implements shard.Machine.
func (m *Machine) Handle(now shard.Time, ev shard.Event, out *shard.Out) {
	switch ev.Kind {
	case shard.LinkUp, shard.LinkDown, shard.Datagrams, shard.Displaced:
		m.Gateway.Handle(now, ev, out)
	case shard.Stopping: // nodes first: their goodbye goes through the broker
		m.Gateway.Handle(now, ev, out)
		m.Broker.Handle(now, ev, out)
	case shard.Stored, shard.Wall:
		m.Broker.Handle(now, ev, out)
		m.drain(now, out)
		m.Gateway.Handle(now, ev, out)
	default:
		m.Broker.Handle(now, ev, out)
	}
	m.drain(now, out)
}

// drain tells the gateway what the broker has for its connections. That may
// leave more to tell.
func (m *Machine) drain(now shard.Time, out *shard.Out) {
	for i := 0; i < len(out.Wake); i++ {
		m.Gateway.Woken(now, out.Wake[i], out)
	}
	out.Wake = out.Wake[:0]
}

// Advance implements shard.Machine.
func (m *Machine) Advance(now shard.Time, out *shard.Out) {
	m.Broker.Advance(now, out)
	m.drain(now, out)
	m.Gateway.Advance(now, out)
	m.drain(now, out)
}

// Deadline implements shard.Machine.
func (m *Machine) Deadline() (shard.Time, bool) {
	a, ok := m.Broker.Deadline()
	b, also := m.Gateway.Deadline()
	return shard.Earlier(a, ok, b, also)
}

// Evict implements shard.Machine.
func (m *Machine) Evict(now shard.Time, ev shard.Event, out *shard.Out) {
	if ev.Kind != shard.Datagrams {
		m.Broker.Evict(now, ev, out)
	}
	m.Gateway.Evict(now, out) // the node that it was busy with, if it was
	m.drain(now, out)
}
