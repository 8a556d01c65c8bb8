package mqtt

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOffset(t *testing.T) {
	const connect5 = "\x10\x0f\x00\x04MQTT\x05\x02\x00\x3c\x02\x21\x00" // Receive Maximum 0 begins at 13
	for _, tt := range []struct {
		name, in string
		v        Version
		want     int
	}{
		{"nothing", "", V5, 0},
		{"no length", "\x30", V5, 1},
		{"packet type", "\x00\x00", V5, 0},
		{"flags", "\x41\x02\x00\x01", V5, 0},
		{"QoS 3", "\x36\x05\x00\x01a\x00\x01", V311, 0},
		{"DUP with QoS 0", "\x38\x03\x00\x01a", V311, 0},
		{"flags of CONNECT", "\x11\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00", 0, 0},
		{"length", "\x40\x02\x00", V5, 1},
		{"protocol name", "\x10\x07\x00\x04MQTX\x04", 0, 2},
		{"protocol level", "\x10\x07\x00\x04MQTT\x07", 0, 8},
		{"connect flags", "\x10\x0a\x00\x04MQTT\x04\x01\x00\x3c", 0, 9},
		{"keep alive missing", "\x10\x09\x00\x04MQTT\x04\x02\x00", 0, 10},
		{"client id cut", "\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x05a", 0, 12},
		{"property value", connect5 + "\x00\x00", 0, 13},
		{"property twice", "\x30\x0a\x00\x01a\x06\x01\x00\x01\x00\x26\x00", V5, 8},
		{"property of another packet", "\x30\x08\x00\x01a\x03\x21\x00\x01x", V5, 6},
		{"property length", "\x30\x05\x00\x01a\x09\x01", V5, 5},
		{"topic", "\x32\x07\x00\x03a\xff/\x00\x01", V311, 2},
		{"empty topic", "\x32\x06\x00\x00\x00\x01\x00x", V5, 2},
		{"packet id", "\x32\x05\x00\x01a\x00\x00", V311, 5},
		{"second filter", "\x82\x0a\x00\x01\x00\x01a\x00\x00\x01b\x03", V311, 11},
		{"no filter", "\x82\x02\x00\x01", V311, 4},
		{"suback code", "\x90\x04\x00\x01\x01\x05", V311, 5},
		{"unsuback code", "\xb0\x05\x00\x01\x00\x00\x05", V5, 6},
		{"puback code", "\x40\x03\x00\x01\x05", V5, 4},
		{"left over", "\x40\x03\x00\x01\x00", V311, 4},
		{"connack flags", "\x20\x02\x02\x00", V311, 2},
		{"connack code", "\x20\x02\x00\x09", V311, 3},
		{"disconnect code", "\xe0\x01\x05", V5, 2},
		{"ping of one octet", "\xc0\x01\x00", V5, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var d Decoder
			_, err := d.Decode([]byte(tt.in), tt.v)
			require.Error(t, err)
			require.Equal(t, tt.want, d.Offset(), "%v", err)
		})
	}
}
