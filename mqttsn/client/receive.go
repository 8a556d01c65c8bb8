package client

import (
	"bytes"

	"github.com/dormouse-mqtt/dormouse/mqttsn"
)

// Receive handles a datagram from the gateway; what is malformed is dropped.
func (c *Client) Receive(now Time, datagram []byte) {
	p, _, err := c.decoder.Decode(datagram)
	if err != nil {
		return
	}
	switch p := p.(type) {
	case *mqttsn.Connack:
		if c.underWay(mqttsn.TypeConnect) {
			c.connected = p.Code == mqttsn.Accepted
			c.answered(now, mqttsn.TypeConnack, p.Code)
		}
	case *mqttsn.Regack:
		c.regack(now, p)
	case *mqttsn.Puback:
		c.puback(now, p)
	case *mqttsn.Suback:
		if c.underWay(mqttsn.TypeSubscribe) && c.requests[0].msgID == p.MsgID {
			c.requests[0].granted = p.QoS
			if p.Code == mqttsn.Accepted && p.TopicID != 0 {
				c.learn(c.requests[0].topic, p.TopicID)
			}
			c.answered(now, mqttsn.TypeSuback, p.Code)
		}
	case *mqttsn.Unsuback:
		if c.underWay(mqttsn.TypeUnsubscribe) && c.requests[0].msgID == p.MsgID {
			c.finish(now, nil)
		}
	case *mqttsn.Pingresp:
		if c.underWay(mqttsn.TypePingreq) {
			c.finish(now, nil)
		}
	case *mqttsn.Pingreq:
		c.send(now, &mqttsn.Pingresp{})
	case *mqttsn.Register: // 6.10
		c.learn(string(p.TopicName), p.TopicID)
		c.stillAwake(now)
		c.send(now, &mqttsn.Regack{TopicID: p.TopicID, MsgID: p.MsgID})
	case *mqttsn.Publish:
		c.publish(now, p)
	case *mqttsn.Disconnect:
		c.disconnect(now)
	}
}

func (c *Client) underWay(kind mqttsn.Type) bool {
	return c.started && c.requests[0].kind == kind
}

func (c *Client) answered(now Time, t mqttsn.Type, code mqttsn.ReturnCode) {
	if code != mqttsn.Accepted {
		c.finish(now, &RefusedError{t, code})
		return
	}
	c.finish(now, nil)
}

func (c *Client) learn(topic string, id uint16) { c.ids[topic], c.names[id] = id, topic }

// stillAwake restarts T_retry: the messages of a wake are coming in (6.14).
func (c *Client) stillAwake(now Time) {
	if c.underWay(mqttsn.TypePingreq) {
		c.due, c.tries = now+c.options.Retry, 0
	}
}

func (c *Client) regack(now Time, p *mqttsn.Regack) {
	if !c.underWay(mqttsn.TypePublish) || !c.requests[0].register || c.requests[0].msgID != p.MsgID {
		return
	}
	if p.Code != mqttsn.Accepted {
		c.answered(now, mqttsn.TypeRegack, p.Code)
		return
	}
	c.requests[0].fresh = true
	c.learn(c.requests[0].topic, p.TopicID)
	c.tries = 0
	c.transmit(now, false)
}

// puback ends a PUBLISH, or registers its topic anew if the gateway has
// forgotten it (10.1).
func (c *Client) puback(now Time, p *mqttsn.Puback) {
	if !c.underWay(mqttsn.TypePublish) || c.requests[0].register || c.requests[0].msgID != p.MsgID {
		return
	}
	r := c.requests[0]
	if id, known := c.ids[r.topic]; p.Code == mqttsn.InvalidTopicID && known && !r.fresh {
		delete(c.names, id)
		delete(c.ids, r.topic)
		c.tries = 0
		c.transmit(now, false)
		return
	}
	c.answered(now, mqttsn.TypePuback, p.Code)
}

// publish takes a message. A repetition of the last one is acknowledged again,
// but not handed on again.
func (c *Client) publish(now Time, p *mqttsn.Publish) {
	c.stillAwake(now)
	topic, code := "", mqttsn.InvalidTopicID
	switch p.TopicIDType {
	case mqttsn.TopicNormal:
		topic = c.names[p.TopicID]
	case mqttsn.TopicPredefined:
		topic = c.options.Predefined[p.TopicID]
	case mqttsn.TopicShort:
		name := mqttsn.ShortName(p.TopicID)
		topic = string(name[:])
	}
	if topic != "" {
		code = mqttsn.Accepted
	}
	if p.QoS == mqttsn.QoS1 || code != mqttsn.Accepted {
		c.send(now, &mqttsn.Puback{TopicID: p.TopicID, MsgID: p.MsgID, Code: code})
	}
	if code != mqttsn.Accepted {
		return
	}
	if p.QoS == mqttsn.QoS1 {
		repeated := p.Dup && c.haveIn && c.lastIn == p.MsgID
		if c.lastIn, c.haveIn = p.MsgID, true; repeated {
			return
		}
	}
	c.events = append(c.events, Event{
		Kind: Message, Topic: topic, Payload: bytes.Clone(p.Data), QoS: p.QoS, Retain: p.Retain, Dup: p.Dup,
	})
}

// disconnect is the gateway's answer to ours, or its own goodbye.
func (c *Client) disconnect(now Time) {
	if c.underWay(mqttsn.TypeDisconnect) {
		c.connected = false // nor is a sleeper supervised by keep alive
		c.finish(now, nil)
		return
	}
	c.connected = false
	c.events = append(c.events, Event{Kind: Disconnected})
	for len(c.requests) > 0 && c.started {
		c.finish(now, ErrDisconnected)
	}
}
