package client

import (
	"errors"
	"fmt"
	"time"

	"github.com/dormouse-mqtt/dormouse/mqttsn"
)

// ErrNoAnswer says that the gateway did not answer N_retry repetitions.
var ErrNoAnswer = errors.New("mqtt-sn: the gateway does not answer")

// ErrDisconnected says that the gateway ended the connection.
var ErrDisconnected = errors.New("mqtt-sn: the gateway ended the connection")

// A RefusedError is a return code other than accepted.
type RefusedError struct {
	Type mqttsn.Type // of the answer
	Code mqttsn.ReturnCode
}

func (e *RefusedError) Error() string { return fmt.Sprintf("mqtt-sn: %v: %v", e.Type, e.Code) }

// An EventKind says what happened.
type EventKind uint8

// What happens.
const (
	Done         EventKind = iota // Token, Err; QoS: granted to a subscription
	Message                       // Topic, Payload, QoS, Retain, Dup
	Disconnected                  // by the gateway
)

// An Event tells the application something.
type Event struct {
	Kind        EventKind
	Token       int
	Err         error
	Topic       string
	Payload     []byte
	QoS         mqttsn.QoS
	Retain, Dup bool
}

// A request waits for its turn, then for its answer.
type request struct {
	kind     mqttsn.Type // of the packet
	token    int
	topic    string
	payload  []byte
	qos      mqttsn.QoS
	retain   bool
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

// Connect asks for a connection (6.2). Each request returns a token, which its
// Done event carries.
func (c *Client) Connect(now Time) int { return c.ask(now, &request{kind: mqttsn.TypeConnect}) }

// Publish publishes (6.6), registering the topic first if that is needed.
func (c *Client) Publish(now Time, topic string, payload []byte, qos mqttsn.QoS, retain bool) int {
	return c.ask(now, &request{kind: mqttsn.TypePublish, topic: topic, payload: payload, qos: qos, retain: retain})
}

// Subscribe subscribes (6.9).
func (c *Client) Subscribe(now Time, filter string, qos mqttsn.QoS) int {
	return c.ask(now, &request{kind: mqttsn.TypeSubscribe, topic: filter, qos: qos})
}

// Unsubscribe ends a subscription (6.9).
func (c *Client) Unsubscribe(now Time, filter string) int {
	return c.ask(now, &request{kind: mqttsn.TypeUnsubscribe, topic: filter})
}

// Sleep says that the node listens no more for d, in whole seconds (6.14).
func (c *Client) Sleep(now Time, d time.Duration) int {
	return c.ask(now, &request{kind: mqttsn.TypeDisconnect, duration: d})
}

// Wake asks for what was kept; it is done at PINGRESP, after all messages (6.14).
func (c *Client) Wake(now Time) int { return c.ask(now, &request{kind: mqttsn.TypePingreq}) }

// Disconnect says goodbye (6.12).
func (c *Client) Disconnect(now Time) int { return c.ask(now, &request{kind: mqttsn.TypeDisconnect}) }

// transmit sends the request under way, for the first time or again.
func (c *Client) transmit(now Time, again bool) {
	r := c.requests[0]
	c.due = now + c.options.Retry
	switch r.kind {
	case mqttsn.TypeConnect:
		c.send(now, &mqttsn.Connect{
			CleanSession: c.options.CleanSession, ProtocolID: mqttsn.ProtocolID,
			Duration: seconds(c.options.KeepAlive), ClientID: []byte(c.options.ClientID),
		})
	case mqttsn.TypePublish:
		c.transmitPublish(now, r, again)
	case mqttsn.TypeSubscribe:
		c.send(now, &mqttsn.Subscribe{Dup: again, QoS: r.qos, MsgID: r.msgID, TopicName: []byte(r.topic)})
	case mqttsn.TypeUnsubscribe:
		c.send(now, &mqttsn.Unsubscribe{MsgID: r.msgID, TopicName: []byte(r.topic)})
	case mqttsn.TypePingreq:
		c.send(now, &mqttsn.Pingreq{ClientID: []byte(c.options.ClientID)})
	case mqttsn.TypeDisconnect:
		c.send(now, &mqttsn.Disconnect{HasDuration: r.duration > 0, Duration: seconds(r.duration)})
	}
}

func seconds(d time.Duration) uint16 { return uint16(min(d/time.Second, 0xFFFF)) }

// transmitPublish sends PUBLISH, or REGISTER if the topic has no id yet (6.5).
func (c *Client) transmitPublish(now Time, r *request, again bool) {
	p := mqttsn.Publish{Dup: again && r.qos > mqttsn.QoS0, QoS: r.qos, Retain: r.retain, MsgID: r.msgID, Data: r.payload}
	if r.qos < mqttsn.QoS1 {
		p.MsgID = 0
	}
	var ok bool
	if p.TopicID, ok = c.pre[r.topic]; ok {
		p.TopicIDType = mqttsn.TopicPredefined
	} else if len(r.topic) == 2 {
		p.TopicIDType, p.TopicID = mqttsn.TopicShort, mqttsn.ShortID([]byte(r.topic))
	} else if p.TopicID, ok = c.ids[r.topic]; !ok {
		if r.qos == mqttsn.QoSMinus1 {
			c.finish(now, fmt.Errorf("mqtt-sn: QoS -1 takes a predefined topic or one of two octets, not %q", r.topic))
			return
		}
		r.register = true
		c.send(now, &mqttsn.Register{MsgID: r.msgID, TopicName: []byte(r.topic)})
		return
	}
	r.register = false
	c.send(now, &p)
	if r.qos < mqttsn.QoS1 {
		c.finish(now, nil)
	}
}
