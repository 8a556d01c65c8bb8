// Package gateway puts the gateway's shards together.
package gateway

import (
	"sync"

	"github.com/dormouse-mqtt/dormouse/gateway/core"
)

// Places are core.Places for several shards.
type Places struct {
	mu    sync.RWMutex
	table core.PlaceTable
}

// NewPlaces makes an empty table.
func NewPlaces() *Places { return &Places{} }

// Find implements core.Places.
func (p *Places) Find(a core.Address) (shard int, known bool) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.table.Find(a)
}

// Claim implements core.Places.
func (p *Places) Claim(a core.Address, shard int) (before int, had bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.table.Claim(a, shard)
}

// Leave implements core.Places.
func (p *Places) Leave(a core.Address, shard int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.table.Leave(a, shard)
}
