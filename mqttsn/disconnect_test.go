package mqttsn

import "testing"

func TestDisconnectDecode(t *testing.T) {
	testDecode(t, []bodyTest{
		{"goodbye", "\x02\x18", &Disconnect{}, NoDrop},
		{"sleep", "\x04\x18\x01\x2c", &Disconnect{HasDuration: true, Duration: 300}, NoDrop},
		{"sleep of no time", "\x04\x18\x00\x00", &Disconnect{HasDuration: true}, NoDrop},
		{"half a duration", "\x03\x18\x05", nil, BodyTooShort},
		{"a duration and a half", "\x05\x18\x01\x2c\x00", nil, BodyTooLong},
	})
}
