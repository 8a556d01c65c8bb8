// Package pubsub is what `dormouse pub` and `dormouse sub` do, for MQTT and
// MQTT-SN alike.
package pubsub

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/dormouse-mqtt/dormouse/broker/client"
	"github.com/dormouse-mqtt/dormouse/broker/mqtt"
	"github.com/dormouse-mqtt/dormouse/mqttsn"
	node "github.com/dormouse-mqtt/dormouse/mqttsn/client"
	"github.com/dormouse-mqtt/dormouse/mqttsn/conn"
)

// A Message comes or goes; QoS -1 goes by MQTT-SN only.
type Message struct {
	Topic   string
	Payload []byte
	QoS     int
	Retain  bool
}

// A Client speaks one of the protocols.
type Client interface {
	Publish(ctx context.Context, m Message) error
	// Subscribe subscribes; fresh: without the messages that are retained.
	Subscribe(ctx context.Context, filter string, qos int, fresh bool) error
	// Receive waits for the next message.
	Receive(ctx context.Context) (Message, error)
	// Done is closed when the connection has ended, for the reason Err.
	Done() <-chan struct{}
	Err() error
	// Close says goodbye.
	Close()
}

// errEnded says that the connection ended.
var errEnded = errors.New("the connection was lost")

// A Debug is told what goes on.
type Debug func(format string, args ...any)

// Dial connects as the target says. connect false: only QoS -1 is to be sent.
func Dial(ctx context.Context, t *Target, connect bool, debug Debug) (Client, error) {
	address := net.JoinHostPort(t.Host, t.Port)
	if t.Version == "mqttsn" {
		return dialNode(ctx, address, t, connect, debug)
	}
	version := mqtt.V311
	if t.Version == "5" {
		version = mqtt.V5
	}
	c, err := client.Dial(ctx, address, client.Options{
		Version: version, ClientID: t.ClientID, CleanStart: !t.KeepSession, KeepAlive: t.keepAlive(),
		SessionExpiry: t.SessionExpiry, UserName: t.User, Password: t.Password, Log: debug,
		Queue: -1, // what is acknowledged was printed
	})
	if err != nil {
		return nil, err
	}
	return mqttClient{c}, nil
}

type mqttClient struct{ *client.Client }

func (c mqttClient) Publish(ctx context.Context, m Message) error {
	return c.Client.Publish(ctx, client.Message{Topic: m.Topic, Payload: m.Payload, QoS: byte(m.QoS), Retain: m.Retain})
}

func (c mqttClient) Subscribe(ctx context.Context, filter string, qos int, fresh bool) error {
	o := mqtt.SubscribeOptions{QoS: mqtt.QoS(qos)}
	if fresh {
		o.RetainHandling = mqtt.DontSendRetained
	}
	codes, err := c.SubscribeWith(ctx, o, filter)
	if err == nil && (len(codes) != 1 || codes[0] >= 0x80) {
		return fmt.Errorf("the subscription to %q was denied", filter)
	}
	return err
}

func (c mqttClient) Receive(ctx context.Context) (Message, error) {
	select {
	case m, ok := <-c.Messages():
		if !ok {
			if err := c.Err(); err != nil {
				return Message{}, err
			}
			return Message{}, errEnded
		}
		return Message{m.Topic, m.Payload, int(m.QoS), m.Retain}, nil
	case <-ctx.Done():
		return Message{}, ctx.Err()
	}
}

// A nodeClient speaks MQTT-SN.
type nodeClient struct {
	*conn.Conn
	id        string
	connected bool
	debug     Debug
}

func dialNode(ctx context.Context, address string, t *Target, connect bool, debug Debug) (Client, error) {
	inner, err := conn.Dial(ctx, address, node.Options{
		ClientID: t.ClientID, CleanSession: !t.KeepSession, KeepAlive: t.keepAlive(), Retry: 2 * time.Second, Predefined: t.Predefined,
	})
	if err != nil {
		return nil, err
	}
	c := nodeClient{inner, t.ClientID, connect, debug}
	if connect {
		if err := c.say(mqttsn.TypeConnect, mqttsn.TypeConnack, c.Connect(ctx)); err != nil {
			inner.Close()
			return nil, err
		}
	}
	return c, nil
}

// say tells of a request and its answer, when it is over.
func (c nodeClient) say(request, answer mqttsn.Type, err error) error {
	c.debug("Client %s sending %v", c.id, request)
	if err == nil && answer != request {
		c.debug("Client %s received %v", c.id, answer)
	}
	return err
}

func (c nodeClient) Publish(ctx context.Context, m Message) error {
	answer := mqttsn.TypePublish
	if m.QoS == 1 {
		answer = mqttsn.TypePuback
	}
	return c.say(mqttsn.TypePublish, answer, c.Conn.Publish(ctx, m.Topic, m.Payload, mqttsn.QoS(m.QoS), m.Retain))
}

// Subscribe cannot ask for fresh messages only; the flag of a message tells.
func (c nodeClient) Subscribe(ctx context.Context, filter string, qos int, _ bool) error {
	_, err := c.Conn.Subscribe(ctx, filter, mqttsn.QoS(qos))
	return c.say(mqttsn.TypeSubscribe, mqttsn.TypeSuback, err)
}

func (c nodeClient) Receive(ctx context.Context) (Message, error) {
	select {
	case m, ok := <-c.Messages():
		if !ok {
			return Message{}, errEnded
		}
		c.debug("Client %s received PUBLISH", c.id)
		return Message{m.Topic, m.Payload, int(m.QoS), m.Retain}, nil
	case <-ctx.Done():
		return Message{}, ctx.Err()
	}
}

// Done is never closed: there is no connection below that could end.
func (c nodeClient) Done() <-chan struct{} { return nil }

// Err is nil: see Done.
func (c nodeClient) Err() error { return nil }

// farewell is how long the gateway may take to answer a goodbye.
const farewell = time.Second

func (c nodeClient) Close() {
	if c.connected {
		ctx, cancel := context.WithTimeout(context.Background(), farewell)
		defer cancel()
		c.say(mqttsn.TypeDisconnect, mqttsn.TypeDisconnect, c.Disconnect(ctx))
	}
	c.Conn.Close()
}
