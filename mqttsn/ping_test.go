package mqttsn

import "testing"

func TestPingDecode(t *testing.T) {
	testDecode(t, []bodyTest{
		{"PINGREQ", "\x02\x16", &Pingreq{ClientID: []byte{}}, NoDrop},
		{"PINGREQ of a sleeper", "\x04\x16n1", &Pingreq{ClientID: []byte("n1")}, NoDrop},
		{"PINGRESP", "\x02\x17", &Pingresp{}, NoDrop},
		{"PINGRESP with a body", "\x03\x17\x00", nil, BodyTooLong},
	})
}
