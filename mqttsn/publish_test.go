package mqttsn

import "testing"

func TestPublishCheck(t *testing.T) {
	short := func(name string, q QoS) *Publish {
		return &Publish{QoS: q, TopicIDType: TopicShort, TopicID: ShortID([]byte(name))}
	}
	testCheck(t, []contentTest{
		{"normal id", &Publish{TopicID: 1}, NoDrop},
		{"QoS 1 with message id 0", &Publish{QoS: QoS1, TopicID: 1}, NoDrop},
		{"QoS 0 with a message id", &Publish{TopicID: 1, MsgID: 7}, NoDrop},
		{"largest id", &Publish{TopicID: 0xFFFE}, NoDrop},
		{"id 0", &Publish{TopicID: 0}, ReservedTopicID},
		{"id 0xFFFF", &Publish{TopicID: 0xFFFF}, ReservedTopicID},
		{"pre-defined id", &Publish{TopicIDType: TopicPredefined, TopicID: 1}, NoDrop},
		{"pre-defined id 0", &Publish{TopicIDType: TopicPredefined}, ReservedTopicID},
		{"QoS -1, pre-defined id", &Publish{QoS: QoSMinus1, TopicIDType: TopicPredefined, TopicID: 1}, NoDrop},
		{"QoS -1, normal id", &Publish{QoS: QoSMinus1, TopicID: 1}, NormalTopicQoSMinus1},
		{"QoS -1, short name", short("t1", QoSMinus1), NoDrop},
		{"short name", short("t1", QoS1), NoDrop},
		{"short name of octets like a reserved id", short("\xff\xff", QoS1), BadUTF8},
		{"short name of one two-octet letter", short("é", QoS1), NoDrop},
		{"short name with NUL", short("a\x00", QoS1), NULInString},
		{"short name with wildcards", short("#+", QoS1), WildcardInName},
		{"reserved type", &Publish{TopicIDType: TopicReserved, TopicID: 1}, ReservedTopicType},
		{"reserved type before QoS -1", &Publish{QoS: QoSMinus1, TopicIDType: TopicReserved}, ReservedTopicType},
	})
}

func TestPublishDecode(t *testing.T) {
	testDecode(t, []bodyTest{
		{"no data", "\x07\x0c\x00\x00\x05\x00\x00", &Publish{TopicID: 5, Data: []byte{}}, NoDrop},
		{"unused flags", "\x07\x0c\x0c\x00\x05\x00\x00", &Publish{TopicID: 5, Data: []byte{}}, NoDrop},
		{"cut in the message id", "\x06\x0c\x00\x00\x05\x00", nil, BodyTooShort},
		{"PUBACK without a code", "\x06\x0d\x00\x05\x00\x07", nil, BodyTooShort},
		{"PUBACK with two codes", "\x08\x0d\x00\x05\x00\x07\x00\x00", nil, BodyTooLong},
		{"PUBREC cut", "\x03\x0f\x00", nil, BodyTooShort},
		{"PUBREL cut", "\x03\x10\x00", nil, BodyTooShort},
		{"PUBCOMP too long", "\x05\x0e\x00\x01\x00", nil, BodyTooLong},
	})
}
