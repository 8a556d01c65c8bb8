package mqttsn

// A Decoder decodes messages into packets that it owns, one of each type, so
// that decoding allocates nothing. The zero value is ready to use; a Decoder
// serves one goroutine.
type Decoder struct {
	advertise     Advertise
	searchgw      Searchgw
	gwinfo        Gwinfo
	connect       Connect
	connack       Connack
	willtopicreq  Willtopicreq
	willtopic     Willtopic
	willmsgreq    Willmsgreq
	willmsg       Willmsg
	register      Register
	regack        Regack
	publish       Publish
	puback        Puback
	pubcomp       Pubcomp
	pubrec        Pubrec
	pubrel        Pubrel
	subscribe     Subscribe
	suback        Suback
	unsubscribe   Unsubscribe
	unsuback      Unsuback
	pingreq       Pingreq
	pingresp      Pingresp
	disconnect    Disconnect
	willtopicupd  Willtopicupd
	willtopicresp Willtopicresp
	willmsgupd    Willmsgupd
	willmsgresp   Willmsgresp
	forward       Forward

	stretched bool
}

// Decode decodes the message that the datagram b starts with and tells how many
// octets are left over after it: radios pad. Of a [Forward] everything after the
// wrapper is the message inside, and nothing is left over; it is decoded by
// another call.
//
// The packet belongs to d, aliases b and is valid until the next call; a Forward
// stays valid while its message is decoded by the same d. The error, a
// [*PacketError] of [ErrMalformed], is about framing and sizes: such a message
// gets no answer. The content is for [Check].
func (d *Decoder) Decode(b []byte) (p Packet, surplus int, err error) {
	h, err := readHeader(b)
	d.stretched = h.stretched
	if err != nil {
		return nil, 0, err
	}
	body, rest := b[h.size:h.length], b[h.length:]
	if h.typ == TypeForward {
		if err := d.forward.decode(body, rest); err != nil {
			return nil, 0, err
		}
		return &d.forward, 0, nil
	}
	q := d.packet(h.typ)
	if err := q.decode(body); err != nil {
		return nil, 0, err
	}
	return q, len(rest), nil
}

// Stretched says that the last message announced 255 octets and was read as the
// 257 that came, which is what Paho's encoder sends. Count it.
func (d *Decoder) Stretched() bool { return d.stretched }

// Check judges the content of p and gives a [*PacketError] of [ErrInvalid]. Of
// most packets every content is valid.
func Check(p Packet) error {
	if p, ok := p.(interface{ Check() error }); ok {
		return p.Check()
	}
	return nil
}

// A decodable is a packet that can read what follows its header.
type decodable interface {
	Packet
	decode(b []byte) error
}

// packet is the packet that d has for messages of type t, which is neither
// reserved nor TypeForward.
func (d *Decoder) packet(t Type) decodable {
	switch t {
	case TypeAdvertise:
		return &d.advertise
	case TypeSearchgw:
		return &d.searchgw
	case TypeGwinfo:
		return &d.gwinfo
	case TypeConnect:
		return &d.connect
	case TypeConnack:
		return &d.connack
	case TypeWilltopicreq:
		return &d.willtopicreq
	case TypeWilltopic:
		return &d.willtopic
	case TypeWillmsgreq:
		return &d.willmsgreq
	case TypeWillmsg:
		return &d.willmsg
	case TypeRegister:
		return &d.register
	case TypeRegack:
		return &d.regack
	case TypePublish:
		return &d.publish
	case TypePuback:
		return &d.puback
	case TypePubcomp:
		return &d.pubcomp
	case TypePubrec:
		return &d.pubrec
	case TypePubrel:
		return &d.pubrel
	case TypeSubscribe:
		return &d.subscribe
	case TypeSuback:
		return &d.suback
	case TypeUnsubscribe:
		return &d.unsubscribe
	case TypeUnsuback:
		return &d.unsuback
	case TypePingreq:
		return &d.pingreq
	case TypePingresp:
		return &d.pingresp
	case TypeDisconnect:
		return &d.disconnect
	case TypeWilltopicupd:
		return &d.willtopicupd
	case TypeWilltopicresp:
		return &d.willtopicresp
	case TypeWillmsgupd:
		return &d.willmsgupd
	default: // the last type that is left
		return &d.willmsgresp
	}
}
