package mqtt

// A Decoder decodes packets into structs of its own. The zero Decoder is ready
// to use; one serves any number of connections, one packet at a time.
type Decoder struct {
	// From is the end that the packets come from. Zero: either, and what only
	// one end may send is not checked.
	From Sender
	// AllowControl lets control characters and non-characters pass in strings.
	// Zero: they are malformed, as StrictString says.
	AllowControl bool

	connect     Connect
	connack     Connack
	publish     Publish
	puback      Puback
	pubrec      Pubrec
	pubrel      Pubrel
	pubcomp     Pubcomp
	subscribe   Subscribe
	suback      Suback
	unsubscribe Unsubscribe
	unsuback    Unsuback
	pingreq     Pingreq
	pingresp    Pingresp
	disconnect  Disconnect
	auth        Auth

	fault int // for Offset
	steps int // that the last call took; the tests bound them
}

// Offset is the octet of the packet, counted from its first, at which the last
// call of Decode found its fault: the begin of the field that is wrong. It
// means nothing unless that call gave an error.
func (d *Decoder) Offset() int { return d.fault }

// Decode decodes b, one whole packet as Frame measures it, in version v. A
// CONNECT names its version itself; v 0 takes nothing else. The packet is
// valid until the next call and aliases b. An error is an *Error.
func (d *Decoder) Decode(b []byte, v Version) (Packet, error) {
	body, err := d.open(b, v)
	if err != nil {
		return nil, err
	}
	r := reader{b: body, at: len(body), lax: d.AllowControl}
	p, err := d.body(&r, Type(b[0]>>4), b[0]&0x0f, v)
	d.steps = r.n
	if err != nil {
		d.fault = max(0, len(b)-r.at)
		return nil, err
	}
	return p, nil
}

// open checks the fixed header and returns what follows it.
func (d *Decoder) open(b []byte, v Version) (body []byte, err error) {
	d.fault = 0
	if len(b) < 2 {
		d.fault = len(b)
		return nil, errFrameLength
	}
	if b[0] < 0x10 {
		return nil, errFrameType
	}
	length, n := varint(b[1:])
	if body = b[1+max(n, 0):]; n <= 0 || int(length) != len(body) {
		d.fault = 1
		return nil, errFrameLength
	}
	return body, d.checkHeader(Type(b[0]>>4), b[0]&0x0f, v)
}

func (d *Decoder) body(r *reader, t Type, flags byte, v Version) (p Packet, err error) {
	switch t {
	case TypeConnect:
		p, err = &d.connect, d.connect.decode(r, flags, d.From)
	case TypeConnack:
		p, err = &d.connack, d.connack.decode(r, v, d.From)
	case TypePublish:
		p, err = &d.publish, d.publish.decode(r, flags, v, d.From)
	case TypePuback:
		q := &d.puback
		q.PacketID, q.Code, q.Properties, err = decodeAck(r, v, t, d.From)
		p = q
	case TypePubrec:
		q := &d.pubrec
		q.PacketID, q.Code, q.Properties, err = decodeAck(r, v, t, d.From)
		p = q
	case TypePubrel:
		q := &d.pubrel
		q.Dup = flags&flagDup != 0
		q.PacketID, q.Code, q.Properties, err = decodeAck(r, v, t, d.From)
		p = q
	case TypePubcomp:
		q := &d.pubcomp
		q.PacketID, q.Code, q.Properties, err = decodeAck(r, v, t, d.From)
		p = q
	case TypeSubscribe:
		p, err = &d.subscribe, d.subscribe.decode(r, flags, v, d.From)
	case TypeSuback:
		p, err = &d.suback, d.suback.decode(r, v, d.From)
	case TypeUnsubscribe:
		p, err = &d.unsubscribe, d.unsubscribe.decode(r, flags, v, d.From)
	case TypeUnsuback:
		p, err = &d.unsuback, d.unsuback.decode(r, v, d.From)
	case TypePingreq:
		p, err = &d.pingreq, r.end(t)
	case TypePingresp:
		p, err = &d.pingresp, r.end(t)
	case TypeDisconnect:
		p, err = &d.disconnect, d.disconnect.decode(r, v, d.From)
	case TypeAuth:
		p, err = &d.auth, d.auth.decode(r, d.From)
	}
	return p, err
}

var errAuthVersion = malformed(TypeAuth, "type", errReserved)

// clientTypes and serverTypes are the packets that only one end sends.
const (
	clientTypes = 1<<TypeConnect | 1<<TypeSubscribe | 1<<TypeUnsubscribe | 1<<TypePingreq
	serverTypes = 1<<TypeConnack | 1<<TypeSuback | 1<<TypeUnsuback | 1<<TypePingresp
)

// checkHeader checks what the first octet says. The flags of PUBLISH and of
// CONNECT, whose version is not known yet, are left to them.
func (d *Decoder) checkHeader(t Type, flags byte, v Version) error {
	switch {
	case d.From == FromClient && serverTypes&(1<<t) != 0,
		d.From == FromServer && clientTypes&(1<<t) != 0,
		d.From == FromServer && t == TypeDisconnect && v != V5:
		return errWrongWay[t]
	case t == TypeConnect:
		return nil
	case v == 0:
		return errNotConnect[t]
	case t == TypeAuth && v != V5:
		return errAuthVersion
	case t == TypePublish:
		return nil
	}
	var want byte
	switch t {
	case TypePubrel, TypeSubscribe, TypeUnsubscribe:
		want = 2
		if v == V31 {
			flags &^= flagDup | flagRetain // DUP is legal, RETAIN unused
		}
	default:
		if v == V31 {
			return nil // unused: not looked at
		}
	}
	if flags != want {
		return errFlags[t] // [MQTT-2.1.3-1]
	}
	return nil
}
