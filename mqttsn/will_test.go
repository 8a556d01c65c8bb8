package mqttsn

import "testing"

func TestWilltopicCheck(t *testing.T) {
	testCheck(t, []contentTest{
		{"good", &Willtopic{QoS: QoS2, Topic: []byte("a")}, NoDrop},
		{"empty form", &Willtopic{Empty: true}, NoDrop},
		{"flags without a topic", &Willtopic{}, EmptyWillTopic},
		{"QoS -1", &Willtopic{QoS: QoSMinus1, Topic: []byte("a")}, BadQoS},
		{"wildcard", &Willtopic{Topic: []byte("a/#")}, WildcardInName},
		{"ill-formed", &Willtopic{Topic: []byte("\xff")}, BadUTF8},
		{"NUL", &Willtopic{Topic: []byte("\x00")}, NULInString},
		{"update: good", &Willtopicupd{Topic: []byte("a")}, NoDrop},
		{"update: empty form", &Willtopicupd{Empty: true}, NoDrop},
		{"update: flags without a topic", &Willtopicupd{}, EmptyWillTopic},
		{"update: QoS -1", &Willtopicupd{QoS: QoSMinus1, Topic: []byte("a")}, BadQoS},
		{"update: wildcard", &Willtopicupd{Topic: []byte("+")}, WildcardInName},
	})
}

func TestWillDecode(t *testing.T) {
	testDecode(t, []bodyTest{
		{"empty form", "\x02\x07", &Willtopic{Empty: true}, NoDrop},
		{"flags without a topic", "\x03\x07\x30", &Willtopic{QoS: QoS1, Retain: true, Topic: []byte{}}, NoDrop},
		{"unused flags", "\x04\x1a\x8fa", &Willtopicupd{Topic: []byte("a")}, NoDrop},
		{"empty message", "\x02\x09", &Willmsg{Message: []byte{}}, NoDrop},
		{"WILLTOPICREQ with a body", "\x03\x06\x00", nil, BodyTooLong},
		{"WILLMSGREQ with a body", "\x03\x08\x00", nil, BodyTooLong},
		{"WILLTOPICRESP of 1.1, without a code", "\x02\x1b", nil, BodyTooShort},
		{"WILLMSGRESP of 1.1, without a code", "\x02\x1d", nil, BodyTooShort},
	})
}
