package mqttsn

import (
	"encoding/binary"
	"math"
)

// A bodySize is how many octets may follow the header of one packet type.
type bodySize struct {
	min, max    int
	short, long *PacketError
}

func newBodySize(t Type, min, max int) bodySize {
	return bodySize{min, max, malformed(t, "body", BodyTooShort), malformed(t, "body", BodyTooLong)}
}

// exactly is the size of a body of n octets.
func exactly(t Type, n int) bodySize { return newBodySize(t, n, n) }

// atLeast is the size of a body whose last field runs to the end.
func atLeast(t Type, n int) bodySize { return newBodySize(t, n, math.MaxInt) }

// check judges a body of n octets.
func (s *bodySize) check(n int) error {
	if n < s.min {
		return s.short
	}
	if n > s.max {
		return s.long
	}
	return nil
}

// decodeID reads a body that is one number of two octets.
func (s *bodySize) decodeID(b []byte, id *uint16) error {
	if err := s.check(len(b)); err != nil {
		return err
	}
	*id = binary.BigEndian.Uint16(b)
	return nil
}

// decodeCode reads a body that is one return code.
func (s *bodySize) decodeCode(b []byte, c *ReturnCode) error {
	if err := s.check(len(b)); err != nil {
		return err
	}
	*c = ReturnCode(b[0])
	return nil
}

// decodeAck reads a body of a topic id, a message id and a return code.
func (s *bodySize) decodeAck(b []byte, topicID, msgID *uint16, c *ReturnCode) error {
	if err := s.check(len(b)); err != nil {
		return err
	}
	*topicID = binary.BigEndian.Uint16(b)
	*msgID = binary.BigEndian.Uint16(b[2:])
	*c = ReturnCode(b[4])
	return nil
}

// appendID appends a message whose body is one number of two octets.
func appendID(b []byte, t Type, id uint16) []byte {
	return binary.BigEndian.AppendUint16(appendHeader(b, t, 2), id)
}

// appendCode appends a message whose body is one return code.
func appendCode(b []byte, t Type, c ReturnCode) []byte {
	return append(appendHeader(b, t, 1), byte(c))
}

// appendAck appends a message of a topic id, a message id and a return code.
func appendAck(b []byte, t Type, topicID, msgID uint16, c ReturnCode) []byte {
	b = appendHeader(b, t, 5)
	b = binary.BigEndian.AppendUint16(b, topicID)
	b = binary.BigEndian.AppendUint16(b, msgID)
	return append(b, byte(c))
}
