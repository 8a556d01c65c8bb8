package mqtt

// An Unsubscribe ends subscriptions (3.10).
type Unsubscribe struct {
	Dup        bool // 3.1 only: sent again
	PacketID   uint16
	Properties Properties
	Filters    Names
}

// An Unsuback answers an UNSUBSCRIBE, in 5.0 with a code for each filter (3.11).
type Unsuback struct {
	PacketID   uint16
	Properties Properties
	Codes      []byte // ReasonCode; 3.x has none
}

var (
	errUnsubscribeNone   = violation(TypeUnsubscribe, "filters", errEmpty)
	errUnsubscribeFilter = malformed(TypeUnsubscribe, "filter", errString)
	errUnsubackNone      = violation(TypeUnsuback, "reason codes", errEmpty)
)

// Type returns TypeUnsubscribe.
func (p *Unsubscribe) Type() Type { return TypeUnsubscribe }

// Type returns TypeUnsuback.
func (p *Unsuback) Type() Type { return TypeUnsuback }

func (p *Unsubscribe) decode(r *reader, flags byte, v Version, from Sender) (err error) {
	*p = Unsubscribe{Dup: flags&flagDup != 0}
	if p.PacketID, p.Properties, err = requestStart(r, v, TypeUnsubscribe, from); err != nil {
		return err
	}
	p.Filters = Names{raw: r.b}
	for ; len(r.b) > 0; p.Filters.n++ {
		if _, ok := r.string(); !ok {
			return errUnsubscribeFilter
		}
	}
	if p.Filters.n == 0 {
		r.at = 0
		return errUnsubscribeNone // [MQTT-3.10.3-2]
	}
	return nil
}

// AppendTo appends the wire form of p to b.
func (p *Unsubscribe) AppendTo(b []byte, v Version) []byte {
	return appendRequest(b, v, TypeUnsubscribe, requestFlags(p.Dup, v), p.PacketID, p.Properties, p.Filters.raw)
}

func (p *Unsuback) decode(r *reader, v Version, from Sender) (err error) {
	*p = Unsuback{}
	if p.PacketID, p.Properties, err = requestStart(r, v, TypeUnsuback, from); err != nil {
		return err
	}
	if v != V5 {
		return r.end(TypeUnsuback)
	}
	p.Codes = r.b
	r.at = len(p.Codes)
	if len(p.Codes) == 0 {
		return errUnsubackNone
	}
	for i, c := range p.Codes {
		if !ReasonCode(c).Allowed(TypeUnsuback, from) {
			r.at -= i
			return errReason[TypeUnsuback]
		}
	}
	return nil
}

// AppendTo appends the wire form of p to b.
func (p *Unsuback) AppendTo(b []byte, v Version) []byte {
	codes := p.Codes
	if v != V5 {
		codes = nil
	}
	return appendRequest(b, v, TypeUnsuback, 0, p.PacketID, p.Properties, codes)
}
