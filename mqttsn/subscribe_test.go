package mqttsn

import "testing"

func TestSubscribeCheck(t *testing.T) {
	hash := ShortID([]byte("a#"))
	testCheck(t, []contentTest{
		{"filter", &Subscribe{TopicName: []byte("a/+/#")}, NoDrop},
		{"bad filter", &Subscribe{TopicName: []byte("a/#b")}, BadFilter},
		{"empty", &Subscribe{}, EmptyTopic},
		{"ill-formed", &Subscribe{TopicName: []byte("\xff")}, BadUTF8},
		{"NUL", &Subscribe{TopicName: []byte("\x00")}, NULInString},
		{"QoS -1", &Subscribe{QoS: QoSMinus1, TopicName: []byte("a")}, BadQoS},
		{"pre-defined id", &Subscribe{TopicIDType: TopicPredefined, TopicID: 1}, NoDrop},
		{"pre-defined id 0", &Subscribe{TopicIDType: TopicPredefined}, ReservedTopicID},
		{"short name", &Subscribe{TopicIDType: TopicShort, TopicID: ShortID([]byte("t1"))}, NoDrop},
		{"short name with a wildcard", &Subscribe{TopicIDType: TopicShort, TopicID: hash}, WildcardInName},
		{"reserved type", &Subscribe{TopicIDType: TopicReserved}, ReservedTopicType},
		{"unsubscribe: filter", &Unsubscribe{TopicName: []byte("#")}, NoDrop},
		{"unsubscribe: bad filter", &Unsubscribe{TopicName: []byte("a#")}, BadFilter},
		{"unsubscribe: empty", &Unsubscribe{}, EmptyTopic},
		{"unsubscribe: pre-defined id 0xFFFF", &Unsubscribe{TopicIDType: TopicPredefined, TopicID: 0xFFFF}, ReservedTopicID},
		{"unsubscribe: short name with a wildcard", &Unsubscribe{TopicIDType: TopicShort, TopicID: hash}, WildcardInName},
		{"unsubscribe: reserved type", &Unsubscribe{TopicIDType: TopicReserved}, ReservedTopicType},
	})
}

func TestSubscribeDecode(t *testing.T) {
	testDecode(t, []bodyTest{
		{
			"two octets by type normal", "\x07\x12\x00\x00\x07t1",
			&Subscribe{MsgID: 7, TopicName: []byte("t1")}, NoDrop,
		},
		{
			"two octets by type short", "\x07\x12\x02\x00\x07t1",
			&Subscribe{TopicIDType: TopicShort, MsgID: 7, TopicID: 0x7431}, NoDrop,
		},
		{
			"reserved type keeps what came", "\x06\x14\x03\x00\x07x",
			&Unsubscribe{TopicIDType: TopicReserved, MsgID: 7, TopicName: []byte("x")}, NoDrop,
		},
		{"no topic", "\x05\x12\x00\x00\x0a", &Subscribe{MsgID: 10, TopicName: []byte{}}, NoDrop},
		{"cut in the message id", "\x04\x12\x00\x00", nil, BodyTooShort},
		{"id of one octet", "\x06\x12\x01\x00\x04\x00", nil, BodyTooShort},
		{"id of three octets", "\x08\x12\x01\x00\x04\x00\x01\x02", nil, BodyTooLong},
		{"UNSUBSCRIBE cut in the message id", "\x04\x14\x00\x00", nil, BodyTooShort},
		{"UNSUBSCRIBE, short name of three octets", "\x08\x14\x02\x00\x04abc", nil, BodyTooLong},
		{"SUBACK without a code", "\x07\x13\x20\x00\x05\x00\x01", nil, BodyTooShort},
		{"SUBACK with two codes", "\x09\x13\x20\x00\x05\x00\x01\x00\x00", nil, BodyTooLong},
		{"UNSUBACK cut", "\x03\x15\x00", nil, BodyTooShort},
	})
}
