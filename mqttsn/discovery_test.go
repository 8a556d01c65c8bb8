package mqttsn

import "testing"

func TestDiscoveryDecode(t *testing.T) {
	testDecode(t, []bodyTest{
		{"ADVERTISE", "\x05\x00\x01\x03\x84", &Advertise{GwID: 1, Duration: 900}, NoDrop},
		{"ADVERTISE cut", "\x04\x00\x01\x03", nil, BodyTooShort},
		{"ADVERTISE too long", "\x06\x00\x01\x03\x84\x00", nil, BodyTooLong},
		{"SEARCHGW", "\x03\x01\x02", &Searchgw{Radius: 2}, NoDrop},
		{"SEARCHGW without a radius", "\x02\x01", nil, BodyTooShort},
		{"SEARCHGW too long", "\x04\x01\x02\x00", nil, BodyTooLong},
		{"GWINFO of a gateway", "\x03\x02\x01", &Gwinfo{GwID: 1, GwAdd: []byte{}}, NoDrop},
		{"GWINFO of a client", "\x05\x02\x01\x1a\x2b", &Gwinfo{GwID: 1, GwAdd: []byte{0x1A, 0x2B}}, NoDrop},
		{"GWINFO without an id", "\x02\x02", nil, BodyTooShort},
	})
}
