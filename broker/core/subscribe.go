package core

import (
	"slices"

	"github.com/dormouse-mqtt/dormouse/broker/mqtt"
	"github.com/dormouse-mqtt/dormouse/broker/shard"
	"github.com/dormouse-mqtt/dormouse/broker/topic"
)

// handleSubscribe answers SUBSCRIBE with a code for each filter [MQTT-3.8.4-6].
func (c *Core) handleSubscribe(now shard.Time, k *conn, p *mqtt.Subscribe, out *shard.Out) {
	identifier, _ := p.Properties.Uint32(mqtt.SubscriptionIdentifier)
	codes := c.codes[:0]
	for filters := p.Filters; ; {
		filter, o, ok := filters.Next()
		if !ok {
			break
		}
		code := c.subscribe(now, k, string(filter), Subscription{
			QoS:               byte(o.QoS),
			NoLocal:           o.NoLocal,
			RetainAsPublished: o.RetainAsPublished,
			Identifier:        identifier,
		}, o.RetainHandling, out)
		if code >= mqtt.UnspecifiedError && k.version < mqtt.V5 {
			code = mqtt.UnspecifiedError // the only failure of 3.1.1
		}
		codes = append(codes, byte(code))
	}
	c.codes = codes
	c.scratch = (&mqtt.Suback{PacketID: p.PacketID, Codes: codes}).AppendTo(c.scratch[:0], k.version)
	c.answer(k, ringAnswer, c.scratch, out)
	c.pump(now, k, out)
}

// subscribe adds or replaces one subscription and has its retained messages
// sent, as retainHandling says.
func (c *Core) subscribe(now shard.Time, k *conn, filter string, s Subscription, retainHandling mqtt.RetainHandling, out *shard.Out) mqtt.ReasonCode {
	if topic.CheckFilter(filter, c.options.Topics) != nil {
		return mqtt.TopicFilterInvalid
	}
	cl := k.client
	if _, have := cl.filters.get(filter); !have && cl.filters.len() >= c.options.MaxSubscriptions {
		return mqtt.QuotaExceeded
	}
	if group, rest, shared, _ := topic.ParseShared(filter); shared { // without retained messages (4.8.2)
		cl.subscribed(filter, s)
		if cl.Stored {
			c.putSubscription(cl, filter, s, out)
		}
		c.joinGroup(now, cl, group, rest, s, out)
		return mqtt.ReasonCode(s.QoS)
	}
	isNew, step := c.directory.Subscribe(filter, &cl.target, s)
	cl.subscribed(filter, s)
	if cl.Stored {
		c.putSubscription(cl, filter, s, out)
	}
	if retainHandling == mqtt.SendRetained || retainHandling == mqtt.SendRetainedIfNew && isNew { // [MQTT-3.3.1-9], [MQTT-3.3.1-10]
		c.scan(cl, scan{filter: filter, subscription: s, step: step})
	}
	return mqtt.ReasonCode(s.QoS)
}

// handleUnsubscribe answers UNSUBSCRIBE [MQTT-3.10.4-4].
func (c *Core) handleUnsubscribe(now shard.Time, k *conn, p *mqtt.Unsubscribe, out *shard.Out) {
	codes := c.codes[:0]
	for filters := p.Filters; ; {
		filter, ok := filters.Next()
		if !ok {
			break
		}
		code := mqtt.NoSubscriptionExisted
		if c.unsubscribe(now, k, string(filter), out) {
			code = mqtt.Success
		}
		codes = append(codes, byte(code))
	}
	c.codes = codes
	c.scratch = (&mqtt.Unsuback{PacketID: p.PacketID, Codes: codes}).AppendTo(c.scratch[:0], k.version)
	c.answer(k, ringAnswer, c.scratch, out)
}

func (c *Core) unsubscribe(now shard.Time, k *conn, filter string, out *shard.Out) bool {
	c.inherit(k.client, k.client.groups[filter], out)
	had := c.leaveGroup(now, k.client, filter, out) || c.directory.Unsubscribe(filter, &k.client.target)
	if had && k.client.Stored {
		c.deleteSubscription(k.client, filter, out)
	}
	k.client.filters.drop(filter)
	for i, s := range k.client.scans {
		if s.filter == filter {
			k.client.scans = slices.Delete(k.client.scans, i, i+1)
			break
		}
	}
	return had
}
