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
	Subscribe(ctx context.Context, filter string, qos int) error
	// Receive waits for the next message.
	Receive(ctx context.Context) (Message, error)
	Close()
}

// errEnded says that the connection ended.
var errEnded = errors.New("the connection was lost")

// Dial connects as the target says. connect false: only QoS -1 is to be sent.
func Dial(ctx context.Context, t *Target, connect bool, debug func(string, ...any)) (Client, error) {
	address := net.JoinHostPort(t.Host, t.Port)
	if t.Version == "mqttsn" {
		return dialNode(ctx, address, t, connect)
	}
	version := mqtt.V311
	if t.Version == "5" {
		version = mqtt.V5
	}
	c, err := client.Dial(ctx, address, client.Options{
		Version: version, ClientID: t.ClientID, CleanStart: !t.KeepSession, KeepAlive: time.Minute,
		SessionExpiry: t.SessionExpiry, UserName: t.User, Password: t.Password, Log: debug,
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

func (c mqttClient) Subscribe(ctx context.Context, filter string, qos int) error {
	codes, err := c.Client.Subscribe(ctx, byte(qos), filter)
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

type nodeClient struct {
	*conn.Conn
	connected bool
}

func dialNode(ctx context.Context, address string, t *Target, connect bool) (Client, error) {
	c, err := conn.Dial(ctx, address, node.Options{
		ClientID: t.ClientID, CleanSession: !t.KeepSession, KeepAlive: time.Minute, Retry: 2 * time.Second, Predefined: t.Predefined,
	})
	if err != nil {
		return nil, err
	}
	if connect {
		if err := c.Connect(ctx); err != nil {
			c.Close()
			return nil, err
		}
	}
	return nodeClient{c, connect}, nil
}

func (c nodeClient) Publish(ctx context.Context, m Message) error {
	return c.Conn.Publish(ctx, m.Topic, m.Payload, mqttsn.QoS(m.QoS), m.Retain)
}

func (c nodeClient) Subscribe(ctx context.Context, filter string, qos int) error {
	_, err := c.Conn.Subscribe(ctx, filter, mqttsn.QoS(qos))
	return err
}

func (c nodeClient) Receive(ctx context.Context) (Message, error) {
	select {
	case m, ok := <-c.Messages():
		if !ok {
			return Message{}, errEnded
		}
		return Message{m.Topic, m.Payload, int(m.QoS), m.Retain}, nil
	case <-ctx.Done():
		return Message{}, ctx.Err()
	}
}

// farewell is how long the gateway may take to answer a goodbye.
const farewell = time.Second

func (c nodeClient) Close() {
	if c.connected {
		ctx, cancel := context.WithTimeout(context.Background(), farewell)
		defer cancel()
		c.Disconnect(ctx)
	}
	c.Conn.Close()
}
