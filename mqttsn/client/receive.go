package client

import (
	"bytes"

	"github.com/dormouse-mqtt/dormouse/mqttsn"
)

// Receive handles a datagram from the gateway; what is malformed or fits nothing
// is dropped. It keeps nothing of the datagram, and reports one message at most.
func (c *Client) Receive(now Time, datagram []byte) {
	p, _, err := c.decoder.Decode(datagram)
	if err != nil {
		return
	}
	switch p := p.(type) {
	case *mqttsn.Connack:
		c.connack(p)
	case *mqttsn.Regack:
		c.regack(now, p)
	case *mqttsn.Puback:
		c.puback(now, p)
	case *mqttsn.Suback:
		c.suback(p)
	case *mqttsn.Unsuback:
		if c.underWay(mqttsn.TypeUnsubscribe, p.MsgID) {
			c.finish(nil)
		}
	case *mqttsn.Pingreq:
		c.send(now, &mqttsn.Pingresp{})
	case *mqttsn.Pingresp:
		c.pingresp()
	case *mqttsn.Register:
		c.register(now, p)
	case *mqttsn.Publish:
		c.publish(now, p)
	case *mqttsn.Disconnect:
		c.disconnect()
	}
	c.next(now)
}

// asked says whether the request under way is of that kind.
func (c *Client) asked(kind mqttsn.Type) bool { return c.started && c.requests[0].kind == kind }

// underWay says whether an answer with that message id answers it.
func (c *Client) underWay(kind mqttsn.Type, msgID uint16) bool {
	return c.asked(kind) && c.requests[0].msgID == msgID
}

func (c *Client) answered(t mqttsn.Type, code mqttsn.ReturnCode) {
	if code != mqttsn.Accepted {
		c.finish(&RefusedError{t, code})
		return
	}
	c.finish(nil)
}

func (c *Client) connack(p *mqttsn.Connack) {
	if !c.asked(mqttsn.TypeConnect) {
		return
	}
	c.state = disconnected
	if p.Code == mqttsn.Accepted {
		c.state = active
		c.topics.renew(c.options.CleanSession)
		c.inbox.renew(c.options.CleanSession)
	}
	c.answered(mqttsn.TypeConnack, p.Code)
}

// regack answers a REGISTER, of its own or before a PUBLISH.
func (c *Client) regack(now Time, p *mqttsn.Regack) {
	publishing := c.underWay(mqttsn.TypePublish, p.MsgID) && c.requests[0].register
	if !publishing && !c.underWay(mqttsn.TypeRegister, p.MsgID) {
		return
	}
	r := c.requests[0]
	if p.Code == mqttsn.Accepted {
		c.topics.learn(r.topic, p.TopicID)
	}
	if !publishing || p.Code != mqttsn.Accepted {
		c.answered(mqttsn.TypeRegack, p.Code)
		return
	}
	r.fresh, c.tries = true, 0
	c.transmit(now, false)
}

// puback ends a PUBLISH, or registers its topic anew if the gateway has forgotten
// it (6.5). It is matched by its message id, for gateways exist that leave the
// topic id out; only that of a refused QoS 0 has no other name.
func (c *Client) puback(now Time, p *mqttsn.Puback) {
	unknown := p.Code == mqttsn.InvalidTopicID
	if unknown && p.MsgID == 0 {
		c.topics.forget(p.TopicID)
	}
	if !c.underWay(mqttsn.TypePublish, p.MsgID) || c.requests[0].register {
		return
	}
	r := c.requests[0]
	if id, ok := c.topics.ids[r.topic]; unknown && ok && !r.fresh {
		c.topics.forget(id)
		c.tries = 0
		c.transmit(now, false)
		return
	}
	c.answered(mqttsn.TypePuback, p.Code)
}

// suback learns the topic id, which a filter with wildcards has not (6.9).
func (c *Client) suback(p *mqttsn.Suback) {
	if !c.underWay(mqttsn.TypeSubscribe, p.MsgID) {
		return
	}
	r := c.requests[0]
	r.granted = p.QoS
	if kind, _ := c.topics.fixed(r.topic); kind == mqttsn.TopicNormal && p.Code == mqttsn.Accepted && p.TopicID != 0 {
		c.topics.learn(r.topic, p.TopicID)
	}
	c.answered(mqttsn.TypeSuback, p.Code)
}

func (c *Client) pingresp() {
	if !c.asked(mqttsn.TypePingreq) {
		return
	}
	if c.state == awake {
		c.state = asleep
	}
	c.finish(nil)
}

// stillAwake restarts T_retry: the messages of a wake are coming in (6.14).
func (c *Client) stillAwake(now Time) {
	if c.asked(mqttsn.TypePingreq) && c.requests[0].wake {
		c.due, c.tries = now+c.options.Retry, 0
	}
}

// register takes the id that the gateway gives to a topic (6.10).
func (c *Client) register(now Time, p *mqttsn.Register) {
	c.stillAwake(now)
	answer := mqttsn.Regack{TopicID: p.TopicID, MsgID: p.MsgID}
	switch {
	case mqttsn.Check(p) != nil:
		answer.Code = mqttsn.NotSupported
	case p.TopicID == 0, p.TopicID == 0xFFFF: // reserved (5.3.11)
		answer.Code = mqttsn.InvalidTopicID
	default:
		c.topics.learn(string(p.TopicName), p.TopicID)
	}
	c.send(now, &answer)
}

// publish takes a message. Each repetition is acknowledged, but told once.
func (c *Client) publish(now Time, p *mqttsn.Publish) {
	if c.held || p.QoS == mqttsn.QoSMinus1 {
		return
	}
	c.stillAwake(now)
	answer := mqttsn.Puback{TopicID: p.TopicID}
	if p.QoS != mqttsn.QoS0 {
		answer.MsgID = p.MsgID
	}
	topic := c.topics.name(p.TopicIDType, p.TopicID)
	switch {
	case p.QoS == mqttsn.QoS2:
		answer.Code = mqttsn.NotSupported
	case topic == "" || mqttsn.Check(p) != nil:
		answer.Code = mqttsn.InvalidTopicID
	}
	if p.QoS == mqttsn.QoS1 || answer.Code != mqttsn.Accepted {
		c.send(now, &answer)
	}
	if answer.Code != mqttsn.Accepted || p.QoS == mqttsn.QoS1 && c.inbox.repeated(p) {
		return
	}
	c.events = append(c.events, Event{
		Kind: Message, Topic: topic, Payload: bytes.Clone(p.Data), QoS: p.QoS, Retain: p.Retain, Dup: p.Dup,
	})
}

// disconnect is the gateway's answer to ours, or its own goodbye. One that comes
// while a CONNECT is under way is about what was before it, and one that finds
// nothing under way of a sleeper repeats the answer to its DISCONNECT.
func (c *Client) disconnect() {
	switch {
	case c.asked(mqttsn.TypeConnect), c.state == asleep && !c.started:
	case c.asked(mqttsn.TypeDisconnect):
		c.state = disconnected
		if c.requests[0].duration > 0 {
			c.state = asleep
		}
		c.finish(nil)
	default:
		c.lose(ErrDisconnected)
	}
}
