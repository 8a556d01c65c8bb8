package mqttsn

import (
	"bytes"
	"errors"
	"unicode/utf8"
)

// Offset is the octet of the message b, counted from its first, at which err is,
// an error of Decode or Check of b: the first octet that is wrong, the begin of
// the field that is, or the place where octets are missing. It is for people
// who look at packets; decoding does not need it.
func Offset(b []byte, err error) int {
	e, ok := errors.AsType[*PacketError](err)
	if !ok || len(b) == 0 {
		return 0
	}
	size, length := shortHeader, int(b[0])
	if b[0] == longMark && len(b) >= longHeader {
		size, length = longHeader, int(b[1])<<8|int(b[2])
	}
	switch e.Class {
	case TruncatedHeader:
		return len(b)
	case ReservedType:
		return size - 1
	case LengthTooSmall, LengthMismatch:
		return (size - shortHeader) / 2
	case BodyTooShort, MissingInner:
		return min(length, len(b))
	case NestedForward:
		return min(length, len(b)) + 1
	}
	at := size + fieldOffsets[fieldOf{e.Type, e.Field}]
	if at >= len(b) {
		return len(b)
	}
	return at + fault(b[at:], e.Class)
}

// A fieldOf names a field of a packet type in the words of PacketError.
type fieldOf struct {
	typ   Type
	field string
}

// fieldOffsets is where fields begin after the header. A body that is too long
// is so from the offset on.
var fieldOffsets = map[fieldOf]int{
	{TypeAdvertise, "body"}:           3,
	{TypeSearchgw, "body"}:            1,
	{TypeConnect, "protocol id"}:      1,
	{TypeConnect, "client id"}:        4,
	{TypeConnack, "body"}:             1,
	{TypeWilltopic, "will topic"}:     1,
	{TypeWilltopicupd, "will topic"}:  1,
	{TypeWilltopicresp, "body"}:       1,
	{TypeWillmsgresp, "body"}:         1,
	{TypeRegister, "topic name"}:      4,
	{TypeRegack, "body"}:              5,
	{TypePublish, "topic id"}:         1,
	{TypePublish, "short topic name"}: 1,
	{TypePuback, "body"}:              5,
	{TypePubrec, "body"}:              2,
	{TypePubrel, "body"}:              2,
	{TypePubcomp, "body"}:             2,
	{TypeSubscribe, "body"}:           5,
	{TypeSubscribe, "topic name"}:     3,
	{TypeSubscribe, "topic id"}:       3,
	{TypeSuback, "body"}:              6,
	{TypeUnsubscribe, "body"}:         5,
	{TypeUnsubscribe, "topic name"}:   3,
	{TypeUnsubscribe, "topic id"}:     3,
	{TypeUnsuback, "body"}:            2,
	{TypeDisconnect, "body"}:          2,
	{TypeForward, "body"}:             1 + MaxNodeID,
	{TypeForward, "wireless node id"}: 1,
}

// fault is the octet of a text at which it is wrong.
func fault(text []byte, c DropClass) int {
	switch c {
	case NULInString:
		return max(bytes.IndexByte(text, 0), 0)
	case WildcardInName:
		return max(bytes.IndexAny(text, "+#"), 0)
	case ClientIDTooLong:
		return min(MaxClientID, len(text))
	case BadUTF8:
		for i := 0; i < len(text); {
			r, n := utf8.DecodeRune(text[i:])
			if r == utf8.RuneError && n == 1 {
				return i
			}
			i += n
		}
	}
	return 0
}
