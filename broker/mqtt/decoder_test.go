package mqtt

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestVersion31IsLax: what 3.1 does not look at (V31-2, V31-3, V31-9), and
// later versions refuse.
func TestVersion31IsLax(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		later    bool // there is the same packet in 3.1.1
		want     Packet
	}{
		{"flags of PUBACK", "\x4f\x02\x00\x01", true, &Puback{PacketID: 1}},
		{"flags of PINGREQ", "\xc5\x00", true, &Pingreq{}},
		{"flags of DISCONNECT", "\xef\x00", true, &Disconnect{}},
		{"DUP on PUBREL", "\x6a\x02\x00\x01", true, &Pubrel{Dup: true, PacketID: 1}},
		{"RETAIN on PUBREL", "\x63\x02\x00\x01", true, &Pubrel{PacketID: 1}},
		{"acknowledge flags of CONNACK", "\x20\x02\xff\x00", true, &Connack{}},
		{"DUP on SUBSCRIBE, reserved option bits", "\x8a\x06\x00\x01\x00\x01a\xfd", true,
			&Subscribe{Dup: true, PacketID: 1, Filters: Filters{raw: []byte("\x00\x01a\xfd"), n: 1, v31: true}}},
		{"DUP on UNSUBSCRIBE", "\xaa\x05\x00\x01\x00\x01a", true,
			&Unsubscribe{Dup: true, PacketID: 1, Filters: NewNames([]byte("\x00\x01a"))}},
		{"CONNECT flag bit 0, will QoS 3 and retain without will, header flags",
			"\x1f\x10\x00\x06MQIsdp\x03\x3b\x00\x3c\x00\x02c1", false,
			&Connect{Version: V31, CleanStart: true, KeepAlive: 60, ClientID: []byte("c1")}},
		{"CONNECT flags of strings that are not there",
			"\x10\x10\x00\x06MQIsdp\x03\xc2\x00\x3c\x00\x02c1", false,
			&Connect{Version: V31, CleanStart: true, KeepAlive: 60, ClientID: []byte("c1")}},
		{"CONNECT flag of a password that is not there",
			"\x10\x13\x00\x06MQIsdp\x03\xc2\x00\x3c\x00\x02c1\x00\x01u", false,
			&Connect{Version: V31, CleanStart: true, KeepAlive: 60, ClientID: []byte("c1"), HasUserName: true, UserName: []byte("u")}},
		{"CONNECT of a bridge", "\x10\x10\x00\x06MQIsdp\x83\x02\x00\x3c\x00\x02c1", false,
			&Connect{Version: V31, BridgeBit: true, CleanStart: true, KeepAlive: 60, ClientID: []byte("c1")}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var d Decoder
			got, err := d.Decode([]byte(tt.in), V31)
			require.NoError(t, err)
			require.Equal(t, tt.want, got)
			if tt.later {
				_, err = d.Decode([]byte(tt.in), V311)
				require.ErrorIs(t, err, ErrMalformed)
			}
		})
	}
	var d Decoder
	p, err := d.Decode([]byte("\x82\x06\x00\x01\x00\x01a\xfd"), V31)
	require.NoError(t, err)
	it := p.(*Subscribe).Filters
	_, o, ok := it.Next()
	require.True(t, ok)
	require.Equal(t, SubscribeOptions{QoS: AtLeastOnce}, o)
	require.Zero(t, it.Len())
	_, _, ok = it.Next()
	require.False(t, ok)
}

// TestRefused: what no vector covers, mostly packets that servers send.
func TestRefused(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		v        Version
		from     Sender
		text     string
		code     ReasonCode
	}{
		{"nothing", "", V5, FromAnyone, "mqtt: remaining length: malformed packet", MalformedPacket},
		{"more than a packet", "\xc0\x00\x00", V5, FromAnyone, "mqtt: remaining length: malformed packet", MalformedPacket},
		{"less than a packet", "\xc0\x01", V5, FromAnyone, "mqtt: remaining length: malformed packet", MalformedPacket},
		{"SUBSCRIBE from a server", "\x82\x07\x00\x01\x00\x00\x01a\x00", V5, FromServer, "mqtt: SUBSCRIBE: type: not from this sender", ProtocolError},
		{"DISCONNECT from a 3.1.1 server", "\xe0\x00", V311, FromServer, "mqtt: DISCONNECT: type: not from this sender", ProtocolError},
		{"AUTH without method", "\xf0\x02\x18\x00", V5, FromAnyone, "mqtt: AUTH: Authentication Method: missing", ProtocolError},
		{"AUTH of length 0 from a client", "\xf0\x00", V5, FromClient, "mqtt: AUTH: reason code: value not allowed", ProtocolError},
		{"AUTH of length 1", "\xf0\x01\x18", V5, FromAnyone, "mqtt: AUTH: property length: malformed packet", MalformedPacket},
		{"AUTH octets left over", "\xf0\x07\x18\x04\x15\x00\x01Mx", V5, FromAnyone, "mqtt: AUTH: length: octets left over", MalformedPacket},
		{"CONNACK too short", "\x20\x01\x00", V311, FromServer, "mqtt: CONNACK: length: malformed packet", MalformedPacket},
		{"CONNACK too long", "\x20\x03\x00\x00\x00", V311, FromServer, "mqtt: CONNACK: length: octets left over", MalformedPacket},
		{"CONNACK flags", "\x20\x02\x02\x00", V311, FromServer, "mqtt: CONNACK: acknowledge flags: reserved", MalformedPacket},
		{"CONNACK return code 6", "\x20\x02\x00\x06", V311, FromServer, "mqtt: CONNACK: reason code: value not allowed", ProtocolError},
		{"CONNACK refusal with session", "\x20\x02\x01\x05", V311, FromServer, "mqtt: CONNACK: session present: in a refusal", ProtocolError},
		{"CONNACK of 3.1.1 in 5.0", "\x20\x02\x00\x00", V5, FromServer, "mqtt: CONNACK: property length: malformed packet", MalformedPacket},
		{"CONNACK reason code", "\x20\x03\x00\x04\x00", V5, FromServer, "mqtt: CONNACK: reason code: value not allowed", ProtocolError},
		{"SUBACK without codes", "\x90\x03\x00\x01\x00", V5, FromServer, "mqtt: SUBACK: reason codes: empty", ProtocolError},
		{"SUBACK failure in 3.1", "\x90\x03\x00\x01\x80", V31, FromServer, "mqtt: SUBACK: reason code: value not allowed", ProtocolError},
		{"SUBACK 5.0 code in 3.1.1", "\x90\x03\x00\x01\x87", V311, FromServer, "mqtt: SUBACK: reason code: value not allowed", ProtocolError},
		{"UNSUBACK with codes in 3.1.1", "\xb0\x03\x00\x01\x00", V311, FromServer, "mqtt: UNSUBACK: length: octets left over", MalformedPacket},
		{"UNSUBACK without codes", "\xb0\x03\x00\x01\x00", V5, FromServer, "mqtt: UNSUBACK: reason codes: empty", ProtocolError},
		{"UNSUBACK code", "\xb0\x04\x00\x01\x00\x01", V5, FromServer, "mqtt: UNSUBACK: reason code: value not allowed", ProtocolError},
		{"UNSUBSCRIBE cut after id", "\xa2\x01\x00", V5, FromClient, "mqtt: UNSUBSCRIBE: length: malformed packet", MalformedPacket},
		{"PUBACK octets left over", "\x40\x05\x00\x01\x00\x00\x00", V5, FromAnyone, "mqtt: PUBACK: length: octets left over", MalformedPacket},
		{"NoMatchingSubscribers from a client", "\x40\x03\x00\x01\x10", V5, FromClient, "mqtt: PUBACK: reason code: value not allowed", ProtocolError},
		{"DISCONNECT with will from a server", "\xe0\x01\x04", V5, FromServer, "mqtt: DISCONNECT: reason code: value not allowed", ProtocolError},
		{"DISCONNECT with expiry from a server", "\xe0\x07\x00\x05\x11\x00\x00\x00\x05", V5, FromServer, "mqtt: DISCONNECT: Session Expiry Interval: not from this sender", ProtocolError},
		{"DISCONNECT octets left over", "\xe0\x03\x00\x00\x00", V5, FromClient, "mqtt: DISCONNECT: length: octets left over", MalformedPacket},
		{"PUBLISH topic with control character", "\x30\x04\x00\x02a\n", V311, FromClient, "mqtt: PUBLISH: topic: not a UTF-8 string", MalformedPacket},
		{"will property", "\x10\x1b\x00\x04MQTT\x05\x06\x00\x3c\x00\x00\x02c1\x05\x11\x00\x00\x00\x01\x00\x01w\x00\x01m", 0, FromClient, "mqtt: CONNECT: will property: not in this packet", MalformedPacket},
		{"CONNECT cut after the name", "\x10\x06\x00\x04MQTT", 0, FromClient, "mqtt: CONNECT: length: malformed packet", MalformedPacket},
		{"CONNECT cut after the level", "\x10\x07\x00\x04MQTT\x04", 0, FromClient, "mqtt: CONNECT: length: malformed packet", MalformedPacket},
		{"CONNECT cut in keep alive", "\x10\x09\x00\x04MQTT\x04\x02\x00", 0, FromClient, "mqtt: CONNECT: length: malformed packet", MalformedPacket},
		{"CONNECT 5.0 with bridge bit", "\x10\x07\x00\x04MQTT\x85", 0, FromClient, "mqtt: CONNECT: protocol level: unknown protocol level 133", UnsupportedProtocolVersion},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := Decoder{From: tt.from}
			p, err := d.Decode([]byte(tt.in), tt.v)
			require.EqualError(t, err, tt.text)
			require.Nil(t, p)
			var e *Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, tt.code, e.Code)
		})
	}
}

// TestAnswerVersion: which CONNACK a client understands that we do not (7).
func TestAnswerVersion(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		err      error
		level    byte
		want     Version
	}{
		{"level 6", "\x10\x07\x00\x04MQTT\x06", ErrProtocolLevel, 6, V5},
		{"level 0", "\x10\x07\x00\x04MQTT\x00", ErrProtocolLevel, 0, V311},
		{"level 3 under the newer name", "\x10\x07\x00\x04MQTT\x03", ErrProtocolLevel, 3, V311},
		{"level 5 under the older name", "\x10\x09\x00\x06MQIsdp\x05", ErrProtocolLevel, 5, V31},
		{"other name", "\x10\x07\x00\x04mqtt\x04", ErrProtocolName, 0, 0},
		{"name cut", "\x10\x04\x00\x04MQ", ErrMalformed, 0, 0},
		{"5.0, malformed", "\x10\x07\x00\x04MQTT\x05", ErrMalformed, 0, V5},
		{"3.1.1 bridge, malformed", "\x10\x07\x00\x04MQTT\x84", ErrMalformed, 0, V311},
		{"no CONNECT", "\xc0\x00", ErrProtocol, 0, 0},
		{"length cut", "\x10\x80", ErrMalformed, 0, 0},
		{"nothing", "", ErrMalformed, 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var d Decoder
			_, err := d.Decode([]byte(tt.in), 0)
			require.ErrorIs(t, err, tt.err)
			var e *Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, tt.level, e.Level)
			require.Equal(t, tt.want, AnswerVersion([]byte(tt.in)))
		})
	}
}

// TestDecoderForgets: nothing of a packet shows in the next of its type.
func TestDecoderForgets(t *testing.T) {
	var d Decoder
	_, err := d.Decode([]byte("\x6a\x02\x00\x01"), V31)
	require.NoError(t, err)
	p, err := d.Decode([]byte("\x62\x02\x00\x02"), V5)
	require.NoError(t, err)
	require.Equal(t, &Pubrel{PacketID: 2}, p)
	_, err = d.Decode([]byte("\x40\x06\x00\x01\x10\x02\x1f\x00"), V5) // cut
	require.Error(t, err)
	p, err = d.Decode([]byte("\x40\x02\x00\x03"), V5)
	require.NoError(t, err)
	require.Equal(t, &Puback{PacketID: 3}, p)
}

// TestBuilt encodes packets that were made, not decoded.
func TestBuilt(t *testing.T) {
	raw := AppendFilter(nil, "a/+", SubscribeOptions{QoS: ExactlyOnce, NoLocal: true, RetainAsPublished: true, RetainHandling: DontSendRetained})
	raw = AppendFilter(raw, []byte("b"), SubscribeOptions{})
	filters := NewFilters(raw)
	require.Equal(t, 2, filters.Len())
	names := NewNames(AppendName(AppendName(nil, "a/+"), []byte("b")))
	require.Equal(t, 2, names.Len())
	for _, tt := range []struct {
		p    Packet
		v    Version
		want string
	}{
		{&Subscribe{PacketID: 1, Filters: filters}, V5, "\x82\x0d\x00\x01\x00\x00\x03a/+\x2e\x00\x01b\x00"},
		{&Unsubscribe{PacketID: 1, Filters: names}, V311, "\xa2\x0a\x00\x01\x00\x03a/+\x00\x01b"},
		{&Unsuback{PacketID: 1, Codes: []byte{0x11}}, V311, "\xb0\x02\x00\x01"},
		{&Unsuback{PacketID: 1, Codes: []byte{0x11}}, V5, "\xb0\x04\x00\x01\x00\x11"},
		{&Connack{SessionPresent: true}, V31, "\x20\x02\x00\x00"},
		{&Connack{Code: ReasonCode(ConnNotAuthorized)}, V311, "\x20\x02\x00\x05"},
		{&Pubrel{Dup: true, PacketID: 1}, V311, "\x62\x02\x00\x01"},
		{&Puback{PacketID: 1, Code: NotAuthorized}, V311, "\x40\x02\x00\x01"},
		{&Disconnect{Code: ServerShuttingDown}, V311, "\xe0\x00"},
		{&Publish{Dup: true, Topic: []byte("t")}, V311, "\x30\x03\x00\x01t"},
		{&Pingresp{}, V5, "\xd0\x00"},
	} {
		require.Equal(t, tt.want, string(tt.p.AppendTo(nil, tt.v)), "%v", tt.p.Type())
	}
}
