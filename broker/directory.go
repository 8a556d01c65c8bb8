package broker

import (
	"sync"

	"github.com/dormouse-mqtt/dormouse/broker/core"
	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/broker/store"
	"github.com/dormouse-mqtt/dormouse/broker/topic"
)

// A directory is a core.Directory for several shards: one lock over the index
// and the retained messages, so that each copy comes once (L3). What is retained
// is submitted under it, so that the disk has it in the order of its steps.
type directory struct {
	mu sync.Mutex
	core.Directory
}

func (d *directory) Subscribe(filter string, t *core.Target, s core.Subscription) (bool, core.Step) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.Directory.Subscribe(filter, t, s)
}

func (d *directory) Unsubscribe(filter string, t *core.Target) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.Directory.Unsubscribe(filter, t)
}

func (d *directory) Join(group, filter string, m *core.Target, qos byte, create func() *core.Target) *core.Target {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.Directory.Join(group, filter, m, qos, create)
}

func (d *directory) Leave(t, m *core.Target) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.Directory.Leave(t, m)
}

func (d *directory) Match(name string, visit func(*core.Target, core.Subscription)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.Directory.Match(name, visit)
}

func (d *directory) Retain(m *shard.Message, record *store.Batch, limit int, visit func(*core.Target, core.Subscription)) (store.Ticket, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.Directory.Retain(m, record, limit, visit)
}

func (d *directory) Expire(m *shard.Message, record *store.Batch) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.Directory.Expire(m, record)
}

func (d *directory) Scan(filter string, step core.Step, cursor topic.Cursor, limit int, visit func(*shard.Message) bool) (topic.Cursor, int, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.Directory.Scan(filter, step, cursor, limit, visit)
}

func (d *directory) Restore(m *shard.Message) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.Directory.Restore(m)
}

func (d *directory) Len() (subscriptions, retained int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.Directory.Len()
}
