package mqtt

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// sample appends a property of that id with a legal value.
func sample(b []byte, id PropertyID) []byte {
	switch propertyRules[id].wire {
	case wireByte:
		return AppendByte(b, id, 1)
	case wireUint16:
		return AppendUint16(b, id, 0x0102)
	case wireUint32:
		return AppendUint32(b, id, 0x01020304)
	case wireVarint:
		return AppendVarint(b, id, 321)
	case wirePair:
		return AppendPair(b, id, "name", "value")
	}
	return AppendString(b, id, "text")
}

// TestPropertyTable walks through every id in every packet: whether it may be
// there, whether twice, and that no cut of it passes.
func TestPropertyTable(t *testing.T) {
	check := func(raw []byte, slot Type, from Sender) error {
		return (&reader{}).checkProperties(raw, slot, from)
	}
	for id := range PropertyID(0x80) {
		known := id < propertyIDs && propertyRules[id].name != ""
		if !known {
			err := check([]byte{byte(id), 0, 0, 0, 0}, TypeConnect, FromAnyone)
			require.Same(t, errPropertyUnknown[TypeConnect], err)
			continue
		}
		rule := propertyRules[id]
		require.Equal(t, rule.name, id.String())
		for slot := range Type(16) {
			raw := sample(nil, id)
			if rule.in&(1<<slot) == 0 {
				require.Same(t, errPropertyNotHere[slot], check(raw, slot, FromAnyone), "%v in %v", id, slot)
				continue
			}
			require.NoError(t, check(raw, slot, FromAnyone), "%v in %v", id, slot)
			err := check(sample(raw, id), slot, FromAnyone)
			if rule.mayTwice&(1<<slot) != 0 {
				require.NoError(t, err)
			} else {
				require.Same(t, errProperty[slot][id].twice, err)
			}
			for n := 1; n < len(raw); n++ {
				require.ErrorIs(t, check(raw[:n], slot, FromAnyone), ErrMalformed, "%v cut to %x", id, raw[:n])
			}
		}
	}
}

// TestPropertyValues: 0x82 for a value that is not allowed, 0x94 for alias 0.
func TestPropertyValues(t *testing.T) {
	for _, tt := range []struct {
		name string
		in   Type
		raw  []byte
		code ReasonCode
	}{
		{"Payload Format Indicator 2", TypePublish, AppendByte(nil, PayloadFormatIndicator, 2), ProtocolError},
		{"Topic Alias 0", TypePublish, AppendUint16(nil, TopicAlias, 0), TopicAliasInvalid},
		{"Subscription Identifier 0", TypeSubscribe, AppendVarint(nil, SubscriptionIdentifier, 0), ProtocolError},
		{"Receive Maximum 0", TypeConnack, AppendUint16(nil, ReceiveMaximum, 0), ProtocolError},
		{"Maximum Packet Size 0", TypeConnack, AppendUint32(nil, MaximumPacketSize, 0), ProtocolError},
		{"Maximum QoS 2", TypeConnack, AppendByte(nil, MaximumQoS, 2), ProtocolError},
		{"Shared Subscription Available 2", TypeConnack, AppendByte(nil, SharedSubscriptionAvailable, 2), ProtocolError},
		{"Response Topic with wildcard", TypePublish, AppendString(nil, ResponseTopic, "a/+"), ProtocolError},
		{"Response Topic of a will", willProperties, AppendString(nil, ResponseTopic, "#"), ProtocolError},
		{"control character", TypePublish, AppendString(nil, ContentType, "a\n"), MalformedPacket},
		{"ill-formed value of a pair", TypeAuth, AppendPair(nil, UserProperty, "a", "\xff"), MalformedPacket},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var e *Error
			require.ErrorAs(t, (&reader{}).checkProperties(tt.raw, tt.in, FromAnyone), &e)
			require.Equal(t, tt.code, e.Code)
		})
	}
	lax := reader{lax: true}
	require.NoError(t, lax.checkProperties(AppendString(nil, ContentType, "a\n"), TypePublish, FromAnyone))
}

func TestPropertiesAccess(t *testing.T) {
	raw := AppendByte(nil, PayloadFormatIndicator, 1)
	raw = AppendUint32(raw, MessageExpiryInterval, 3600)
	raw = AppendPair(raw, UserProperty, "k", "1")
	raw = AppendUint16(raw, TopicAlias, 7)
	raw = AppendPair(raw, UserProperty, "k", "2")
	raw = AppendString(raw, CorrelationData, []byte{0, 1})
	p := NewProperties(raw)

	b, ok := p.Byte(PayloadFormatIndicator)
	require.True(t, ok)
	require.EqualValues(t, 1, b)
	u32, ok := p.Uint32(MessageExpiryInterval)
	require.True(t, ok)
	require.EqualValues(t, 3600, u32)
	u16, ok := p.Uint16(TopicAlias)
	require.True(t, ok)
	require.EqualValues(t, 7, u16)
	data, ok := p.Bytes(CorrelationData)
	require.True(t, ok)
	require.Equal(t, []byte{0, 1}, data)
	_, ok = p.Bytes(ContentType)
	require.False(t, ok)
	require.False(t, p.Has(ContentType))

	var ids []PropertyID
	for prop := range p.All() {
		ids = append(ids, prop.ID)
		if prop.ID == TopicAlias {
			break
		}
	}
	require.Equal(t, []PropertyID{PayloadFormatIndicator, MessageExpiryInterval, UserProperty, TopicAlias}, ids)

	// What a broker passes on: the rest keeps its order.
	rest := NewProperties(p.AppendWithout(nil, TopicAlias, MessageExpiryInterval))
	want := AppendByte(nil, PayloadFormatIndicator, 1)
	want = AppendPair(want, UserProperty, "k", "1")
	want = AppendPair(want, UserProperty, "k", "2")
	want = AppendString(want, CorrelationData, "\x00\x01")
	require.Equal(t, want, rest.Raw())

	require.True(t, NewProperties([]byte{}).Empty())
	bad := NewProperties([]byte{byte(ContentType), 0, 9, 'x'}) // never checked: ends the iteration
	require.False(t, bad.Has(ContentType))
}
