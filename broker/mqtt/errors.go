package mqtt

import (
	"errors"
	"strconv"
)

// What can be wrong with a packet. An *Error wraps one of them.
var (
	// ErrMalformed: the octets cannot be parsed as the text says.
	ErrMalformed = errors.New("malformed packet")
	// ErrProtocol: the packet says something that is not allowed.
	ErrProtocol = errors.New("protocol error")
	// ErrPacketTooLarge: the packet is larger than the limit given to Frame.
	ErrPacketTooLarge = errors.New("packet too large")
	// ErrProtocolName: the CONNECT is of another protocol.
	ErrProtocolName = errors.New("unknown protocol name")
	// ErrProtocolLevel: the CONNECT is of another version; see Error.Level and
	// AnswerVersion.
	ErrProtocolLevel = errors.New("unknown protocol level")
)

// Details of ErrMalformed and ErrProtocol.
var (
	errString   = &detail{"not a UTF-8 string", ErrMalformed}
	errCut      = &detail{"cut short", ErrMalformed}
	errUnknown  = &detail{"unknown", ErrMalformed}
	errReserved = &detail{"reserved", ErrMalformed}
	errNotHere  = &detail{"not in this packet", ErrMalformed}
	errMissing  = &detail{"missing", ErrMalformed}
	errLeftOver = &detail{"octets left over", ErrMalformed}

	errTwice    = &detail{"given twice", ErrProtocol}
	errValue    = &detail{"value not allowed", ErrProtocol}
	errSender   = &detail{"not from this sender", ErrProtocol}
	errZero     = &detail{"zero", ErrProtocol}
	errEmpty    = &detail{"empty", ErrProtocol}
	errWildcard = &detail{"wildcard", ErrProtocol}
)

// A detail says more than the error it stands for.
type detail struct {
	text string
	err  error
}

func (d *detail) Error() string { return d.text }
func (d *detail) Unwrap() error { return d.err }

// An Error names the packet and the field that could not be decoded. All of
// them are made once: a flood of garbage allocates nothing.
type Error struct {
	Type  Type // 0: not known
	Field string
	// Code is the 5.0 reason code to answer with. 3.x has none: close.
	Code  ReasonCode
	Level byte // the level that CONNECT named, with ErrProtocolLevel
	Err   error
}

func (e *Error) Error() string {
	s := "mqtt: "
	if e.Type != 0 {
		s += e.Type.String() + ": "
	}
	s += e.Field + ": " + e.Err.Error()
	if e.Err == ErrProtocolLevel {
		s += " " + strconv.Itoa(int(e.Level))
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }

// malformed makes an error that 5.0 answers with 0x81.
func malformed(t Type, field string, err error) *Error {
	return &Error{Type: t, Field: field, Code: MalformedPacket, Err: err}
}

// violation makes an error that 5.0 answers with 0x82.
func violation(t Type, field string, err error) *Error {
	return &Error{Type: t, Field: field, Code: ProtocolError, Err: err}
}

// byType makes an error for each packet type.
func byType(mk func(Type, string, error) *Error, field string, err error) (out [16]*Error) {
	for t := range out {
		out[t] = mk(Type(t), field, err)
	}
	return out
}

// Errors that most packets have.
var (
	errFlags      = byType(malformed, "fixed header flags", errReserved)
	errLength     = byType(malformed, "length", ErrMalformed)
	errTrailing   = byType(malformed, "length", errLeftOver)
	errPacketID   = byType(violation, "packet identifier", errZero)
	errReason     = byType(violation, "reason code", errValue)
	errWrongWay   = byType(violation, "type", errSender)
	errNotConnect = byType(violation, "type", &detail{"before CONNECT", ErrProtocol})
)
