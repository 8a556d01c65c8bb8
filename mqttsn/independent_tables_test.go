package mqttsn_test

import (
	"strings"
	"unicode/utf8"
)

// A pageKind is how a field of the page stands on the wire.
type pageKind int

const (
	pageOctet   pageKind = iota
	pageUint16           // big-endian (1)
	pageBits             // the octet of flags, or Ctrl: see bits
	pageTopicID          // two octets that TopicIdType names: an id or a short name (4.2)
	pageTopic            // the rest: a name, an id or a short name, by TopicIdType (4.2)
	pageText             // the rest, UTF-8 (1)
	pageHex              // the rest, opaque
	pageConst            // no octet: what the form itself says
)

// A pageBit is one entry of a pageBits field, the highest bit first.
type pageBit struct {
	name string
	mask byte
	as   func(masked byte) any
}

// A pageField is one field of a message. Its name is that of the vectors.
type pageField struct {
	name  string
	kind  pageKind
	bits  []pageBit
	value any // of a pageConst
	most  int // octets of a rest; 0: no limit
}

// A pageForm is one layout of a message body.
type pageForm []pageField

// A pageMessage is one message: its row in the table of section 3, where body
// is the column of body octets, and its layouts in section 5 or 6.
type pageMessage struct {
	code  byte
	name  string
	body  string
	forms []pageForm
}

var (
	bitDup   = pageBit{"dup", 0x80, pageBool}
	bitWill  = pageBit{"will", 0x08, pageBool}
	bitClean = pageBit{"clean_session", 0x04, pageBool}
	bitType  = pageBit{"topic_id_type", 0x03, pageNumber}

	fieldMsgID  = pageField{name: "msg_id", kind: pageUint16}
	fieldID     = pageField{name: "topic_id", kind: pageUint16}
	fieldCode   = pageByte("return_code")
	fieldClient = pageString("client_id")
	fieldTime   = pageField{name: "duration", kind: pageUint16}
	noDuration  = pageField{name: "duration", kind: pageConst, value: nil}
)

func bitQoS(name string) pageBit    { return pageBit{name, 0x60, pageQoS} }
func bitRetain(name string) pageBit { return pageBit{name, 0x10, pageBool} }

// flagBits names the bits that a message uses (4.1); the others are ignored.
func flagBits(bits ...pageBit) pageField { return pageField{kind: pageBits, bits: bits} }

func pageLayout(fields ...pageField) []pageForm { return []pageForm{fields} }

func pageByte(name string) pageField   { return pageField{name: name, kind: pageOctet} }
func pageString(name string) pageField { return pageField{name: name, kind: pageText} }
func pageBytes(name string) pageField  { return pageField{name: name, kind: pageHex} }

// pageMessages are the message types of section 3 with the layouts of section 5.
var pageMessages = []pageMessage{
	// Section 5.
	{0x00, "ADVERTISE", "3", pageLayout(pageByte("gw_id"), fieldTime)},
	{0x01, "SEARCHGW", "1", pageLayout(pageByte("radius"))},
	{0x02, "GWINFO", "1+n", pageLayout(pageByte("gw_id"), pageBytes("gw_addr_hex"))},
	{0x04, "CONNECT", "4+n", pageLayout(flagBits(bitWill, bitClean), pageByte("protocol_id"), fieldTime, fieldClient)},
	{0x05, "CONNACK", "1", pageLayout(fieldCode)},
	{0x06, "WILLTOPICREQ", "0", pageLayout()},
	{0x07, "WILLTOPIC", "0 or 1+n", willTopicForms},
	{0x08, "WILLMSGREQ", "0", pageLayout()},
	{0x09, "WILLMSG", "n", pageLayout(pageBytes("will_msg_hex"))},
	{0x0A, "REGISTER", "4+n", pageLayout(fieldID, fieldMsgID, pageString("topic_name"))},
	{0x0B, "REGACK", "5", pageLayout(fieldID, fieldMsgID, fieldCode)},
	{0x0C, "PUBLISH", "5+n", pageLayout(flagBits(bitDup, bitQoS("qos"), bitRetain("retain"), bitType),
		pageField{kind: pageTopicID}, fieldMsgID, pageBytes("data_hex"))},
	{0x0D, "PUBACK", "5", pageLayout(fieldID, fieldMsgID, fieldCode)},
	{0x0E, "PUBCOMP", "2", pageLayout(fieldMsgID)},
	{0x0F, "PUBREC", "2", pageLayout(fieldMsgID)},
	{0x10, "PUBREL", "2", pageLayout(fieldMsgID)},
	{0x12, "SUBSCRIBE", "3+n", pageLayout(flagBits(bitDup, bitQoS("qos"), bitType), fieldMsgID, pageField{kind: pageTopic})},
	{0x13, "SUBACK", "6", pageLayout(flagBits(bitQoS("qos")), fieldID, fieldMsgID, fieldCode)},
	{0x14, "UNSUBSCRIBE", "3+n", pageLayout(flagBits(bitType), fieldMsgID, pageField{kind: pageTopic})},
	{0x15, "UNSUBACK", "2", pageLayout(fieldMsgID)},
	{0x16, "PINGREQ", "n", pageLayout(fieldClient)},
	{0x17, "PINGRESP", "0", pageLayout()},
	{0x18, "DISCONNECT", "0 or 2", []pageForm{{noDuration}, {fieldTime}}},
	{0x1A, "WILLTOPICUPD", "0 or 1+n", willTopicForms},
	{0x1B, "WILLTOPICRESP", "1", pageLayout(fieldCode)},
	{0x1C, "WILLMSGUPD", "n", pageLayout(pageBytes("will_msg_hex"))},
	{0x1D, "WILLMSGRESP", "1", pageLayout(fieldCode)},

	// Section 6. Length ends with the node id; the long form is read as for any
	// other type (P12), but the id has 252 octets at most.
	{0xFE, "ENCAPSULATED", "1+n", pageLayout(
		pageField{name: pageMirrored, kind: pageBits, bits: []pageBit{{"radius", 0x03, pageNumber}}},
		pageField{name: "wireless_node_id_hex", kind: pageHex, most: 252})},
}

var willTopicForms = []pageForm{
	{pageField{name: "empty", kind: pageConst, value: true}},
	{flagBits(bitQoS("will_qos"), bitRetain("will_retain")), pageString("will_topic")},
}

// pageMirrored is the whole octet of Ctrl, which an answer mirrors (P16). The
// vectors show only the bits of it that have a meaning.
const pageMirrored = "(ctrl)"

func pageBool(b byte) any   { return b != 0 }
func pageNumber(b byte) any { return int(b) }

func pageQoS(b byte) any { return []int{0, 1, 2, -1}[b>>5] }

// A pageRule says which value of a field is refused although the octets have
// the right layout. Fields are judged in the order of the wire, and the rules
// of a field in the order of this table.
type pageRule struct {
	where string // section or reading
	types string // the messages it holds for; "": all that have the field
	field string
	class string
	bad   func(v any, fields map[string]any) bool
}

var pageRules = []pageRule{
	{"4.1, T14", "SUBSCRIBE SUBACK", "qos", "BAD_QOS", pageIs(-1)},
	{"4.1", "", "will_qos", "BAD_QOS", pageIs(-1)},
	{"4.2", "", "topic_id_type", "RESERVED_TOPIC_TYPE", pageIs(3)},
	{"10.3, P1", "PUBLISH", "topic_id_type", "QOSM1_NORMAL_TOPIC", normalAtMinusOne},
	{"4.3, T7", "PUBLISH SUBSCRIBE UNSUBSCRIBE", "topic_id", "RESERVED_TOPIC_ID", pageIs(0x0000, 0xFFFF)},

	{"4.3, C6", "CONNECT", "protocol_id", "BAD_PROTOCOL_ID", pageIsNot(1)},
	{"C5", "CONNECT", "client_id", "CLIENT_ID_TOO_LONG", longerThan(255)},
	{"1", "", "client_id", "BAD_UTF8", illFormed},
	{"1", "", "client_id", "NUL_IN_STRING", pageHolds("\x00")},

	{"T12", "", "short_topic", "BAD_UTF8", illFormed},
	{"T12", "", "short_topic", "NUL_IN_STRING", pageHolds("\x00")},
	{"T12", "", "short_topic", "WILDCARD_IN_NAME", pageHolds("#+")},

	{"4.3, T13", "", "topic_name", "EMPTY_TOPIC", pageIs("")},
	{"1", "", "topic_name", "BAD_UTF8", illFormed},
	{"1", "", "topic_name", "NUL_IN_STRING", pageHolds("\x00")},
	{"5, T13", "REGISTER", "topic_name", "WILDCARD_IN_NAME", pageHolds("#+")},
	{"11", "SUBSCRIBE UNSUBSCRIBE", "topic_name", "BAD_FILTER", badFilter},

	{"5", "", "will_topic", "EMPTY_WILL_TOPIC", pageIs("")},
	{"1", "", "will_topic", "BAD_UTF8", illFormed},
	{"1", "", "will_topic", "NUL_IN_STRING", pageHolds("\x00")},
	{"5", "", "will_topic", "WILDCARD_IN_NAME", pageHolds("#+")},
}

func pageIs(values ...any) func(any, map[string]any) bool {
	return func(v any, _ map[string]any) bool {
		for _, bad := range values {
			if v == bad {
				return true
			}
		}
		return false
	}
}

func pageIsNot(value any) func(any, map[string]any) bool {
	return func(v any, _ map[string]any) bool { return v != value }
}

func pageHolds(chars string) func(any, map[string]any) bool {
	return func(v any, _ map[string]any) bool { return strings.ContainsAny(v.(string), chars) }
}

func longerThan(n int) func(any, map[string]any) bool {
	return func(v any, _ map[string]any) bool { return len(v.(string)) > n }
}

func illFormed(v any, _ map[string]any) bool { return !utf8.ValidString(v.(string)) }

func normalAtMinusOne(v any, fields map[string]any) bool {
	return v == 0 && fields["qos"] == -1
}

// badFilter: + and # fill a level, and # the last one.
func badFilter(v any, _ map[string]any) bool {
	levels := strings.Split(v.(string), "/")
	for i, level := range levels {
		switch {
		case level == "+", level == "#" && i == len(levels)-1:
		case strings.ContainsAny(level, "+#"):
			return true
		}
	}
	return false
}
