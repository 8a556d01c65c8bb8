package mqttsn

import (
	"errors"
	"fmt"
)

var (
	// ErrMalformed says that octets are no MQTT-SN message.
	ErrMalformed = errors.New("malformed")
	// ErrInvalid says that a message says what it must not.
	ErrInvalid = errors.New("invalid")
)

// A DropClass is the reason why a message is not acted on. It is small and
// dense: counters are an array of NumDropClasses.
type DropClass uint8

// The reasons. Decode gives those up to NestedForward, Check the others.
const (
	NoDrop DropClass = iota
	TruncatedHeader
	LengthTooSmall
	ReservedType
	LengthMismatch
	BodyTooShort
	BodyTooLong
	EmptyNodeID
	MissingInner
	NestedForward
	BadProtocolID
	ClientIDTooLong
	ReservedTopicType
	ReservedTopicID
	NormalTopicQoSMinus1
	BadQoS
	EmptyTopic
	EmptyWillTopic
	BadUTF8
	NULInString
	WildcardInName
	BadFilter

	NumDropClasses
)

var classNames = [NumDropClasses]string{
	NoDrop:               "NONE",
	TruncatedHeader:      "TRUNCATED_HEADER",
	LengthTooSmall:       "LENGTH_TOO_SMALL",
	ReservedType:         "RESERVED_TYPE",
	LengthMismatch:       "LENGTH_MISMATCH",
	BodyTooShort:         "BODY_TOO_SHORT",
	BodyTooLong:          "BODY_TOO_LONG",
	EmptyNodeID:          "EMPTY_NODE_ID",
	MissingInner:         "MISSING_INNER",
	NestedForward:        "NESTED_FORWARD",
	BadProtocolID:        "BAD_PROTOCOL_ID",
	ClientIDTooLong:      "CLIENT_ID_TOO_LONG",
	ReservedTopicType:    "RESERVED_TOPIC_TYPE",
	ReservedTopicID:      "RESERVED_TOPIC_ID",
	NormalTopicQoSMinus1: "QOSM1_NORMAL_TOPIC",
	BadQoS:               "BAD_QOS",
	EmptyTopic:           "EMPTY_TOPIC",
	EmptyWillTopic:       "EMPTY_WILL_TOPIC",
	BadUTF8:              "BAD_UTF8",
	NULInString:          "NUL_IN_STRING",
	WildcardInName:       "WILDCARD_IN_NAME",
	BadFilter:            "BAD_FILTER",
}

// String is the name of the class in counters and logs.
func (c DropClass) String() string {
	if c >= NumDropClasses {
		return fmt.Sprintf("drop class %d", uint8(c))
	}
	return classNames[c]
}

// A PacketError names the packet and the field that were refused, and why.
type PacketError struct {
	Type  Type // TypeNone where the header is at fault
	Field string
	Class DropClass
	Err   error // ErrMalformed or ErrInvalid
}

// malformed makes an error of Decode. Errors are made once, at start: a flood
// of garbage allocates nothing.
func malformed(t Type, field string, c DropClass) *PacketError {
	return &PacketError{t, field, c, ErrMalformed}
}

// invalid makes an error of Check.
func invalid(t Type, field string, c DropClass) *PacketError {
	return &PacketError{t, field, c, ErrInvalid}
}

// Error says what was refused, where and why.
func (e *PacketError) Error() string {
	if e.Type == TypeNone {
		return fmt.Sprintf("mqttsn: %s: %v: %v", e.Field, e.Err, e.Class)
	}
	return fmt.Sprintf("mqttsn: %v: %s: %v: %v", e.Type, e.Field, e.Err, e.Class)
}

// Unwrap gives ErrMalformed or ErrInvalid.
func (e *PacketError) Unwrap() error { return e.Err }

// ClassOf is the class of an error of this package, else NoDrop.
func ClassOf(err error) DropClass {
	if e, ok := errors.AsType[*PacketError](err); ok {
		return e.Class
	}
	return NoDrop
}
