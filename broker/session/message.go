package session

import (
	"time"

	"github.com/dormouse-mqtt/dormouse/broker/shard"
)

// A Message is a publication on its way. It is shared by all who receive it and
// never changed.
type Message struct {
	Topic   string
	Payload []byte
	// Properties are the encoded properties that travel with the message, in
	// their order and unchanged: all but Topic Alias, Message Expiry Interval
	// and Subscription Identifier.
	Properties []byte
	QoS        byte // as published
	Retain     bool // as published
	// Expires is when the message is no longer delivered; zero: never.
	Expires shard.Time
	// Publisher is the client id of who sent it, for No Local [MQTT-3.8.3-3].
	Publisher string
	// ID orders messages and names them in the store.
	ID uint64
}

// Size is what the message costs against a queue's bound, in octets.
func (m *Message) Size() int { return len(m.Topic) + len(m.Payload) + len(m.Properties) }

// Expired says that the message is not to be delivered any more.
func (m *Message) Expired(now shard.Time) bool { return m.Expires != 0 && now >= m.Expires }

// Left is what is left of the Message Expiry Interval, in whole seconds
// [MQTT-3.3.2-6].
func (m *Message) Left(now shard.Time) uint32 {
	return uint32(max(0, (m.Expires-now+time.Second-1)/time.Second))
}

// An Entry is a message in one session's queue, as that session gets it.
type Entry struct {
	*Message
	QoS    byte // the lower of published and granted [MQTT-3.8.4-6]
	Retain bool // the flag to deliver with
	// Identifiers are those of the subscriptions that matched [MQTT-3.3.4-3].
	Identifiers []uint32
}
