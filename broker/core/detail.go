package core

import (
	"cmp"
	"slices"

	"github.com/dormouse-mqtt/dormouse/broker/shard"
)

// Detail keeps a small value with the session of an in-process connection, in
// place of the one that had the number before. It is a record of its own. What
// tells the client of it waits for the mark.
func (c *Core) Detail(id shard.ConnID, number uint32, value []byte, out *shard.Out) shard.Mark {
	k := c.conns.Get(id)
	if k == nil {
		return 0
	}
	c.putDetail(k.client, number, value, out)
	return k.client.Written
}

func (c *Core) putDetail(cl *client, number uint32, value []byte, out *shard.Out) {
	cl.setDetail(number, value)
	if cl.Stored {
		c.recorder.PutDetail(&out.Batch, cl.Instance, number, value)
		c.wrote(cl, out)
	}
}

// setDetail copies value.
func (cl *client) setDetail(number uint32, value []byte) {
	own := cl.own()
	i, found := cl.findDetail(number)
	if !found {
		own.details = slices.Insert(own.details, i, shard.Detail{Number: number})
	}
	e := &own.details[i]
	e.Value = append(e.Value[:0], value...)
}

func (cl *client) findDetail(number uint32) (at int, found bool) {
	return slices.BinarySearchFunc(cl.details, number, func(e shard.Detail, n uint32) int { return cmp.Compare(e.Number, n) })
}

func (cl *client) hasDetail(number uint32) bool {
	_, found := cl.findDetail(number)
	return found
}

func (cl *client) dropDetails() {
	if len(cl.details) > 0 {
		cl.own().details = nil
	}
}
