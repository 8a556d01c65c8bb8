package client

import (
	"errors"
	"fmt"

	"github.com/dormouse-mqtt/dormouse/mqttsn"
)

// ErrNoAnswer says that the gateway answered none of N_retry repetitions.
var ErrNoAnswer = errors.New("mqtt-sn: the gateway does not answer")

// ErrDisconnected says that the gateway ended the connection.
var ErrDisconnected = errors.New("mqtt-sn: the gateway ended the connection")

// Why a request is refused here already.
var (
	ErrQoS     = errors.New("mqtt-sn: this client speaks QoS -1, 0 and 1")
	ErrTooLong = errors.New("mqtt-sn: longer than a message can be")
	ErrNoID    = errors.New("mqtt-sn: QoS -1 takes a predefined topic or one of two octets")
)

// A RefusedError is a return code other than accepted.
type RefusedError struct {
	Type mqttsn.Type // of the answer
	Code mqttsn.ReturnCode
}

func (e *RefusedError) Error() string { return fmt.Sprintf("mqtt-sn: %v: %v", e.Type, e.Code) }

// An EventKind says what happened.
type EventKind uint8

// What happens. Every request ends with one event that carries its token: of the
// first group if it was served, else Refused or GaveUp.
const (
	Connected    EventKind = iota + 1
	Registered             // Topic
	Published              // Topic; at QoS 0 and -1 it was sent, at QoS 1 acknowledged
	Subscribed             // Topic, QoS: granted
	Unsubscribed           // Topic
	Asleep
	Woken // all that was kept has come, and the node is asleep again
	Ponged
	Left // the goodbye was answered

	Refused // Err: a *RefusedError of the gateway, or what is wrong with the request
	GaveUp  // Err: ErrNoAnswer or ErrDisconnected

	Message      // Topic, Payload, QoS, Retain, Dup
	Disconnected // Err; only CONNECT helps
)

// An Event tells the application something.
type Event struct {
	Kind        EventKind
	Token       int // of the request; 0: of none
	Err         error
	Topic       string
	Payload     []byte // the application's to keep
	QoS         mqttsn.QoS
	Retain, Dup bool
}

// event is how a request ended.
func (r *request) event(err error) Event {
	kind := r.served
	switch {
	case errors.Is(err, ErrNoAnswer), errors.Is(err, ErrDisconnected):
		kind = GaveUp
	case err != nil:
		kind = Refused
	}
	return Event{Kind: kind, Token: r.token, Err: err, Topic: r.topic, QoS: r.granted}
}
