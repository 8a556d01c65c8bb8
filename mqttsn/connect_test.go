package mqttsn

import (
	"bytes"
	"testing"
)

func TestConnectCheck(t *testing.T) {
	testCheck(t, []contentTest{
		{"good", &Connect{ProtocolID: 1, ClientID: []byte("n1")}, NoDrop},
		{"empty client id", &Connect{ProtocolID: 1}, NoDrop},
		{"longest client id", &Connect{ProtocolID: 1, ClientID: bytes.Repeat([]byte("a"), 255)}, NoDrop},
		{"too long client id", &Connect{ProtocolID: 1, ClientID: bytes.Repeat([]byte("a"), 256)}, ClientIDTooLong},
		{"ill-formed client id", &Connect{ProtocolID: 1, ClientID: []byte("\xff")}, BadUTF8},
		{"NUL in client id", &Connect{ProtocolID: 1, ClientID: []byte("a\x00")}, NULInString},
		{"protocol id 0", &Connect{ClientID: []byte("n1")}, BadProtocolID},
		{"protocol id before client id", &Connect{ProtocolID: 2, ClientID: []byte("\xff")}, BadProtocolID},
	})
}

func TestConnectDecode(t *testing.T) {
	testDecode(t, []bodyTest{
		{"no client id", "\x06\x04\x08\x01\x00\x3c", &Connect{Will: true, ProtocolID: 1, Duration: 60, ClientID: []byte{}}, NoDrop},
		{"cut in the duration", "\x05\x04\x08\x01\x00", nil, BodyTooShort},
		{"CONNACK without a code", "\x02\x05", nil, BodyTooShort},
		{"CONNACK with two codes", "\x04\x05\x00\x00", nil, BodyTooLong},
	})
}
