package core

import (
	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/mqttsn"
)

// A publication is a PUBLISH of QoS 1 or 2.
type publication struct {
	conn shard.ConnID
	id   uint16
}

// A withdrawal is a publication whose acknowledgement waited in vain.
type withdrawal struct {
	publication
	topicID uint16
	ahead   int32 // answers to the node that leave before it would have
}

// takeBack refuses what the broker has withdrawn: the acknowledgements that wait
// do not leave any more (L9).
func (c *Core) takeBack(now shard.Time) {
	if len(c.refused) == 0 {
		return
	}
	refused := map[publication]bool{} // true: its acknowledgement waited
	for _, p := range c.refused {
		refused[p] = false
	}
	ahead := map[shard.ConnID]int32{}
	var all []withdrawal
	c.ring.Filter(func(r shard.Released) bool {
		id, topicID, ok := c.acknowledges(r.Packet)
		p := publication{r.Conn, id}
		if _, withdrawn := refused[p]; !ok || !withdrawn {
			ahead[r.Conn]++
			return true
		}
		refused[p] = true
		all = append(all, withdrawal{p, topicID, ahead[r.Conn]})
		return false
	})
	for _, p := range c.refused {
		if n := c.conns.Get(p.conn); n != nil && !refused[p] { // it was sent on a connection before
			n.session.Unlearn(p.id, c.up, n, c.out)
		}
	}
	c.refused = c.refused[:0]
	for _, w := range all {
		if n := c.conns.Get(w.conn); n != nil {
			n.session.Withdraw(now, w.id, w.topicID, w.ahead, c.up, n, c.out)
			c.settle(n)
		}
	}
}

// acknowledges says which message a packet of ours tells the node is taken.
func (c *Core) acknowledges(packet []byte) (id, topicID uint16, ok bool) {
	p, _, err := c.decoder.Decode(packet)
	if err != nil {
		return 0, 0, false
	}
	switch p := p.(type) {
	case *mqttsn.Puback:
		return p.MsgID, p.TopicID, p.Code == mqttsn.Accepted
	case *mqttsn.Pubrec:
		return p.MsgID, 0, true
	default:
		return 0, 0, false
	}
}
