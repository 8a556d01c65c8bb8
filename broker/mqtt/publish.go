package mqtt

import "encoding/binary"

// A Publish carries a message (3.3).
type Publish struct {
	Dup        bool
	QoS        QoS
	Retain     bool
	Topic      []byte // empty: 5.0 with a Topic Alias
	PacketID   uint16 // QoS 1 and 2
	Properties Properties
	Payload    []byte
}

// Bits of the fixed header.
const (
	flagRetain = 0x01
	flagDup    = 0x08
)

var (
	errPublishQoS   = malformed(TypePublish, "QoS", ErrMalformed)
	errPublishDup   = violation(TypePublish, "DUP", &detail{"with QoS 0", ErrProtocol})
	errPublishTopic = malformed(TypePublish, "topic", errString)
	errPublishEmpty = violation(TypePublish, "topic", errEmpty)
	errPublishWild  = violation(TypePublish, "topic", errWildcard)
)

// Type returns TypePublish.
func (p *Publish) Type() Type { return TypePublish }

func (p *Publish) decode(r *reader, flags byte, v Version, from Sender) (err error) {
	*p = Publish{Dup: flags&flagDup != 0, QoS: QoS(flags >> 1 & 3), Retain: flags&flagRetain != 0}
	if p.QoS > ExactlyOnce {
		r.header()
		return errPublishQoS // [MQTT-3.3.1-4]
	}
	if p.Dup && p.QoS == AtMostOnce {
		r.header()
		return errPublishDup // [MQTT-3.3.1-2]
	}
	var ok bool
	if p.Topic, ok = r.string(); !ok {
		return errPublishTopic
	}
	if hasWildcard(p.Topic) {
		return errPublishWild // [MQTT-3.3.2-2]
	}
	topicAt := r.at
	if p.QoS > AtMostOnce {
		if p.PacketID, ok = r.uint16(); !ok {
			return errLength[TypePublish]
		}
		if p.PacketID == 0 {
			return errPacketID[TypePublish]
		}
	}
	if v == V5 {
		if p.Properties, err = r.properties(TypePublish, from); err != nil {
			return err
		}
	}
	if len(p.Topic) == 0 && !p.Properties.Has(TopicAlias) {
		r.at = topicAt
		return errPublishEmpty
	}
	p.Payload = r.b
	return nil
}

// Size is the length of the wire form in version v, fixed header included:
// what the peer's Maximum Packet Size limits.
func (p *Publish) Size(v Version) int {
	n := p.length(v)
	return 1 + varintLen(uint32(n)) + n
}

// length is the Remaining Length.
func (p *Publish) length(v Version) int {
	n := 2 + len(p.Topic) + len(p.Payload)
	if p.QoS > AtMostOnce {
		n += 2
	}
	if v == V5 {
		n += p.Properties.size()
	}
	return n
}

// AppendTo appends the wire form of p to b.
func (p *Publish) AppendTo(b []byte, v Version) []byte {
	b, _ = AppendPublish(b, v, p)
	return b
}

// AppendPublish appends the wire form of p to b and tells where in the result
// its packet identifier is; -1 with QoS 0. So a message for many subscribers
// is encoded once per version and QoS, and PatchPublish gives each copy what
// is its own.
func AppendPublish(b []byte, v Version, p *Publish) (out []byte, idOffset int) {
	b, idOffset = AppendPublishHead(b, v, p)
	return append(b, p.Payload...), idOffset
}

// AppendPublishHead is AppendPublish without the payload, which is to follow.
func AppendPublishHead(b []byte, v Version, p *Publish) (out []byte, idOffset int) {
	flags := byte(p.QoS) << 1
	if p.Dup && p.QoS > AtMostOnce {
		flags |= flagDup
	}
	if p.Retain {
		flags |= flagRetain
	}
	b = appendHeader(b, TypePublish, flags, p.length(v))
	b = appendBytes(b, p.Topic)
	idOffset = -1
	if p.QoS > AtMostOnce {
		idOffset = len(b)
		b = binary.BigEndian.AppendUint16(b, p.PacketID)
	}
	if v == V5 {
		b = p.Properties.appendTo(b)
	}
	return b, idOffset
}

// PatchPublish writes DUP and the packet identifier into b, one encoded
// PUBLISH of QoS 1 or 2 from its first octet on, where idOffset is that of
// AppendPublish less the octets before the packet.
func PatchPublish(b []byte, idOffset int, id uint16, dup bool) {
	b[0] &^= flagDup
	if dup {
		b[0] |= flagDup
	}
	binary.BigEndian.PutUint16(b[idOffset:], id)
}
