package client

import (
	"bytes"
	"time"

	"github.com/dormouse-mqtt/dormouse/mqttsn"
)

// A request waits for its turn, then for its answer.
type request struct {
	kind     mqttsn.Type // of the packet
	served   EventKind
	token    int // 0: the client's own, that keeps the connection alive
	topic    string
	payload  []byte
	qos      mqttsn.QoS
	retain   bool
	wake     bool
	duration time.Duration
	msgID    uint16
	granted  mqttsn.QoS
	register bool // a REGISTER of the topic is under way
	fresh    bool // the topic was registered for this request
}

func (c *Client) ask(now Time, r *request) int {
	c.token++
	r.token = c.token
	if c.msgID++; c.msgID == 0 {
		c.msgID = 1
	}
	r.msgID = c.msgID
	c.requests = append(c.requests, r)
	c.next(now)
	return r.token
}

// Connect asks for a connection (6.2). Each request returns a token, which the
// event at its end carries.
func (c *Client) Connect(now Time) int {
	return c.ask(now, &request{kind: mqttsn.TypeConnect, served: Connected})
}

// Register asks for the id of a topic (6.5). Publish does it by itself.
func (c *Client) Register(now Time, topic string) int {
	return c.ask(now, &request{kind: mqttsn.TypeRegister, served: Registered, topic: topic})
}

// Publish publishes (6.6), registering the topic first if that is needed.
func (c *Client) Publish(now Time, topic string, payload []byte, qos mqttsn.QoS, retain bool) int {
	return c.ask(now, &request{
		kind: mqttsn.TypePublish, served: Published,
		topic: topic, payload: bytes.Clone(payload), qos: qos, retain: retain,
	})
}

// Subscribe subscribes (6.9).
func (c *Client) Subscribe(now Time, filter string, qos mqttsn.QoS) int {
	return c.ask(now, &request{kind: mqttsn.TypeSubscribe, served: Subscribed, topic: filter, qos: qos})
}

// Unsubscribe ends a subscription (6.9).
func (c *Client) Unsubscribe(now Time, filter string) int {
	return c.ask(now, &request{kind: mqttsn.TypeUnsubscribe, served: Unsubscribed, topic: filter})
}

// Sleep says that the node listens no more for d, in whole seconds, rounded
// up, 18 hours at most (6.14).
func (c *Client) Sleep(now Time, d time.Duration) int {
	return c.ask(now, &request{kind: mqttsn.TypeDisconnect, served: Asleep, duration: max(d, time.Second)})
}

// Wake asks for what was kept; it is over at PINGRESP, after all messages (6.14).
func (c *Client) Wake(now Time) int {
	return c.ask(now, &request{kind: mqttsn.TypePingreq, served: Woken, wake: true})
}

// Ping asks whether the gateway is there (6.11). KeepAlive does it by itself.
func (c *Client) Ping(now Time) int {
	return c.ask(now, &request{kind: mqttsn.TypePingreq, served: Ponged})
}

// Disconnect says goodbye (6.12).
func (c *Client) Disconnect(now Time) int {
	return c.ask(now, &request{kind: mqttsn.TypeDisconnect, served: Left})
}

// transmit sends the request under way, for the first time or again. One that
// cannot be sent is over.
func (c *Client) transmit(now Time, again bool) {
	r := c.requests[0]
	p, err := c.packet(r, again)
	if err == nil {
		err = mqttsn.Check(p)
	}
	if err != nil {
		c.finish(err)
		return
	}
	c.due = now + c.options.Retry
	if r.wake && c.state == asleep {
		c.state = awake
	}
	c.send(now, p)
	if r.kind == mqttsn.TypePublish && !r.register && r.qos < mqttsn.QoS1 {
		c.finish(nil)
	}
}

// overhead is more than what any packet holds besides topic, payload or client id.
const overhead = 16

// packet is what asks for r.
func (c *Client) packet(r *request, again bool) (mqttsn.Packet, error) {
	if max(len(r.topic), len(r.payload), len(c.options.ClientID)) > mqttsn.MaxLength-overhead {
		return nil, ErrTooLong
	}
	if r.qos > mqttsn.QoS1 {
		return nil, ErrQoS
	}
	switch r.kind {
	case mqttsn.TypeConnect:
		return &mqttsn.Connect{
			CleanSession: c.options.CleanSession, ProtocolID: mqttsn.ProtocolID,
			Duration: seconds(c.options.KeepAlive), ClientID: []byte(c.options.ClientID),
		}, nil
	case mqttsn.TypeRegister:
		return &mqttsn.Register{MsgID: r.msgID, TopicName: []byte(r.topic)}, nil
	case mqttsn.TypePublish:
		return c.publication(r, again)
	case mqttsn.TypeSubscribe:
		kind, id := c.topics.fixed(r.topic)
		return &mqttsn.Subscribe{
			Dup: again, QoS: r.qos, TopicIDType: kind, MsgID: r.msgID, TopicName: []byte(r.topic), TopicID: id,
		}, nil
	case mqttsn.TypeUnsubscribe:
		kind, id := c.topics.fixed(r.topic)
		return &mqttsn.Unsubscribe{TopicIDType: kind, MsgID: r.msgID, TopicName: []byte(r.topic), TopicID: id}, nil
	case mqttsn.TypePingreq:
		if r.wake {
			return &mqttsn.Pingreq{ClientID: []byte(c.options.ClientID)}, nil
		}
		return &mqttsn.Pingreq{}, nil
	default:
		return &mqttsn.Disconnect{HasDuration: r.duration > 0, Duration: seconds(r.duration)}, nil
	}
}

// publication is PUBLISH, or REGISTER if the topic has no id yet (6.5).
func (c *Client) publication(r *request, again bool) (mqttsn.Packet, error) {
	p := &mqttsn.Publish{QoS: r.qos, Retain: r.retain, Data: r.payload}
	if r.qos == mqttsn.QoS1 {
		p.MsgID, p.Dup = r.msgID, again
	}
	r.register = false
	if p.TopicIDType, p.TopicID = c.topics.fixed(r.topic); p.TopicIDType != mqttsn.TopicNormal {
		return p, nil
	}
	id, ok := c.topics.ids[r.topic]
	if r.qos == mqttsn.QoSMinus1 {
		return nil, ErrNoID
	}
	if p.TopicID = id; ok {
		return p, nil
	}
	r.register = true
	return &mqttsn.Register{MsgID: r.msgID, TopicName: []byte(r.topic)}, nil
}

// seconds rounds up: a duration of 0 would mean something else.
func seconds(d time.Duration) uint16 { return uint16(min((d+time.Second-1)/time.Second, 0xFFFF)) }
