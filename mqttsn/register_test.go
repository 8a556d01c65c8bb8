package mqttsn

import "testing"

func TestRegisterCheck(t *testing.T) {
	testCheck(t, []contentTest{
		{"good", &Register{TopicName: []byte("lamp")}, NoDrop},
		{"$ is for the ACL", &Register{TopicName: []byte("$SYS/a")}, NoDrop},
		{"empty", &Register{}, EmptyTopic},
		{"wildcard", &Register{TopicName: []byte("a/+")}, WildcardInName},
		{"ill-formed", &Register{TopicName: []byte("a\xff")}, BadUTF8},
		{"NUL", &Register{TopicName: []byte("a\x00b")}, NULInString},
	})
}

func TestRegisterDecode(t *testing.T) {
	testDecode(t, []bodyTest{
		{"no name", "\x06\x0a\x00\x00\x00\x01", &Register{MsgID: 1, TopicName: []byte{}}, NoDrop},
		{"cut in the message id", "\x05\x0a\x00\x00\x00", nil, BodyTooShort},
		{"REGACK", "\x07\x0b\x00\x01\x00\x02\x03", &Regack{TopicID: 1, MsgID: 2, Code: NotSupported}, NoDrop},
		{"REGACK without a code", "\x06\x0b\x00\x01\x00\x02", nil, BodyTooShort},
		{"REGACK with two codes", "\x08\x0b\x00\x01\x00\x02\x00\x00", nil, BodyTooLong},
	})
}
