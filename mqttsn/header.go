package mqttsn

import "encoding/binary"

// MaxLength is the length of the longest message that the header can announce.
const MaxLength = 65535

const (
	shortHeader = 2    // Length, MsgType
	longHeader  = 4    // 0x01, Length of two octets, MsgType
	longMark    = 0x01 // no message of the short form has this length
	maxShort    = 255
)

var (
	errTruncatedHeader = malformed(TypeNone, "header", TruncatedHeader)
	errLengthTooSmall  = malformed(TypeNone, "length", LengthTooSmall)
	errReservedType    = malformed(TypeNone, "type", ReservedType)
	errLengthMismatch  = malformed(TypeNone, "length", LengthMismatch)
)

// A header is the start of every message (5.2).
type header struct {
	typ       Type
	size      int  // of the header itself
	length    int  // of the message, header included
	stretched bool // longer than announced: see paho255
}

// readHeader reads the header of the message that b starts with and makes sure
// that the message is all there. The long form is taken at any length.
func readHeader(b []byte) (header, error) {
	if len(b) < shortHeader || b[0] == longMark && len(b) < longHeader {
		return header{}, errTruncatedHeader
	}
	h := header{typ: Type(b[1]), size: shortHeader, length: int(b[0])}
	if b[0] == longMark {
		h = header{typ: Type(b[3]), size: longHeader, length: int(binary.BigEndian.Uint16(b[1:]))}
	}
	switch {
	case h.length < h.size:
		return header{}, errLengthTooSmall
	case h.typ.reserved():
		return header{}, errReservedType
	case h.length > len(b):
		return header{}, errLengthMismatch
	case h.paho255(len(b)):
		h.length, h.stretched = len(b), true
	}
	return h, nil
}

// paho255 recognizes what the Paho C encoder makes of a message of 255 octets:
// it takes the long form, which adds two octets, and does not announce them.
// Whatever wraps another message is longer than its length by nature.
func (h header) paho255(received int) bool {
	return h.size == longHeader && h.length == maxShort && received == maxShort+2 &&
		h.typ != TypeForward
}

// appendHeader appends the header of a message with a body of n octets, in the
// short form wherever it can be.
func appendHeader(b []byte, t Type, n int) []byte {
	if n += shortHeader; n <= maxShort {
		return append(b, byte(n), byte(t))
	}
	n += longHeader - shortHeader
	return append(b, longMark, byte(n>>8), byte(n), byte(t))
}

// Message is the length of the message that b starts with, by its header alone.
// A forwarder's encapsulation and the message in it count as one.
func Message(b []byte) (n int, err error) {
	h, err := readHeader(b)
	if err != nil || h.typ != TypeForward {
		return h.length, err
	}
	inner := b[h.length:]
	if err := checkInner(inner); err != nil {
		return 0, err
	}
	i, err := readHeader(inner)
	if err != nil {
		return 0, err
	}
	return h.length + i.length, nil
}
