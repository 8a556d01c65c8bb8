package mqttsn

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// packets has one packet of each type, and the variants with a layout of their
// own.
var packets = []Packet{
	&Advertise{GwID: 1, Duration: 900},
	&Searchgw{Radius: 2},
	&Gwinfo{GwID: 1, GwAdd: []byte{10, 0, 0, 1}},
	&Connect{Will: true, CleanSession: true, ProtocolID: ProtocolID, Duration: 60, ClientID: []byte("n1")},
	&Connack{Code: Congestion},
	&Willtopicreq{},
	&Willtopic{QoS: QoS1, Retain: true, Topic: []byte("lost/n1")},
	&Willtopic{Empty: true},
	&Willmsgreq{},
	&Willmsg{Message: []byte("gone")},
	&Register{TopicID: 3, MsgID: 4, TopicName: []byte("lamp")},
	&Regack{TopicID: 3, MsgID: 4, Code: InvalidTopicID},
	&Publish{Dup: true, QoS: QoS2, Retain: true, TopicIDType: TopicPredefined, TopicID: 5, MsgID: 6, Data: []byte("on")},
	&Puback{TopicID: 5, MsgID: 6, Code: NotSupported},
	&Pubcomp{MsgID: 6},
	&Pubrec{MsgID: 6},
	&Pubrel{MsgID: 6},
	&Subscribe{Dup: true, QoS: QoS1, MsgID: 7, TopicName: []byte("a/+/#")},
	&Subscribe{TopicIDType: TopicShort, MsgID: 7, TopicID: ShortID([]byte("t1"))},
	&Suback{QoS: QoS2, TopicID: 8, MsgID: 7},
	&Unsubscribe{MsgID: 9, TopicName: []byte("a/+/#")},
	&Unsubscribe{TopicIDType: TopicPredefined, MsgID: 9, TopicID: 10},
	&Unsuback{MsgID: 9},
	&Pingreq{ClientID: []byte("n1")},
	&Pingresp{},
	&Disconnect{},
	&Disconnect{HasDuration: true, Duration: 300},
	&Willtopicupd{QoS: QoS2, Topic: []byte("lost/n1")},
	&Willtopicupd{Empty: true},
	&Willtopicresp{Code: Accepted},
	&Willmsgupd{Message: []byte("asleep for ever")},
	&Willmsgresp{Code: NotSupported},
	&Forward{Ctrl: 1, NodeID: []byte{0x1A, 0x2B}, Message: []byte{2, byte(TypePingreq)}},
}

func TestEveryTypeHasAPacket(t *testing.T) {
	have := map[Type]bool{}
	for _, p := range packets {
		have[p.Type()] = true
	}
	for c := range 256 {
		require.Equal(t, !Type(c).reserved(), have[Type(c)], Type(c))
	}
}

func TestRoundTrip(t *testing.T) {
	for _, p := range packets {
		t.Run(p.Type().String(), func(t *testing.T) {
			var d Decoder
			got, surplus, err := d.Decode(p.AppendTo(nil))
			require.NoError(t, err)
			require.Zero(t, surplus)
			require.Equal(t, p, got)
			require.NoError(t, Check(got))
		})
	}
}

// A packet must not show fields of the one before it.
func TestDecoderForgets(t *testing.T) {
	for _, first := range packets {
		for _, second := range packets {
			var d Decoder
			_, _, err := d.Decode(first.AppendTo(nil))
			require.NoError(t, err)
			got, _, err := d.Decode(second.AppendTo(nil))
			require.NoError(t, err)
			require.Equal(t, second, got)
		}
	}
}

// Every strict prefix of a message is refused: its length announces more.
func TestTruncated(t *testing.T) {
	for _, p := range packets {
		b := p.AppendTo(nil)
		for n := range len(b) {
			var d Decoder
			q, _, err := d.Decode(b[:n])
			if f, ok := q.(*Forward); ok {
				_, _, err = d.Decode(f.Message)
			}
			require.ErrorIs(t, err, ErrMalformed, "%x", b[:n])
		}
	}
}

func TestSurplus(t *testing.T) {
	for _, tt := range []struct {
		name, in  string
		surplus   int
		stretched bool
	}{
		{"none", "\x02\x17", 0, false},
		{"padding", "\x02\x17\x00\x00\x00", 3, false},
		{"a second message", "\x02\x17\x02\x16", 2, false},
		{"long form", "\x01\x00\x04\x17\x00", 1, false},
		{"paho", "\x01\x00\xff\x16" + strings.Repeat("a", 253), 0, true},
		{"256 octets are not paho's", "\x01\x00\xff\x16" + strings.Repeat("a", 252), 1, false},
		{"258 octets are not paho's", "\x01\x00\xff\x16" + strings.Repeat("a", 254), 3, false},
		{"short form of 255", "\xff\x16" + strings.Repeat("a", 255), 2, false},
		{"inside an encapsulation", "\x04\xfe\x00\x07\x02\x17\x00", 0, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var d Decoder
			_, surplus, err := d.Decode([]byte(tt.in))
			require.NoError(t, err)
			require.Equal(t, tt.surplus, surplus)
			require.Equal(t, tt.stretched, d.Stretched())
		})
	}
}

func TestForwardOutlivesItsMessage(t *testing.T) {
	var d Decoder
	p, _, err := d.Decode([]byte("\x04\xfe\x03\x07\x02\x17"))
	require.NoError(t, err)
	f := p.(*Forward)
	inner, surplus, err := d.Decode(f.Message)
	require.NoError(t, err)
	require.Zero(t, surplus)
	require.Equal(t, &Pingresp{}, inner)
	require.Equal(t, &Forward{Ctrl: 3, NodeID: []byte{7}, Message: []byte("\x02\x17")}, f)
}
