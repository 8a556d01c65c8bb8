package mqtt

// A Disconnect ends a connection (3.14). In 3.x only clients send it, and it
// says nothing.
type Disconnect struct {
	Code       ReasonCode
	Properties Properties
}

// Type returns TypeDisconnect.
func (p *Disconnect) Type() Type { return TypeDisconnect }

func (p *Disconnect) decode(r *reader, v Version, from Sender) (err error) {
	*p = Disconnect{}
	if v == V5 && len(r.b) > 0 {
		code, _ := r.uint8()
		p.Code = ReasonCode(code)
		if !p.Code.Allowed(TypeDisconnect, from) {
			return errReason[TypeDisconnect]
		}
		if len(r.b) > 0 {
			if p.Properties, err = r.properties(TypeDisconnect, from); err != nil {
				return err
			}
		}
	}
	return r.end(TypeDisconnect)
}

// AppendTo appends the wire form of p to b: the shortest of the three.
func (p *Disconnect) AppendTo(b []byte, v Version) []byte {
	switch {
	case v != V5 || p.Code == Success && p.Properties.Empty():
		return appendHeader(b, TypeDisconnect, 0, 0)
	case p.Properties.Empty():
		return append(appendHeader(b, TypeDisconnect, 0, 1), byte(p.Code))
	}
	b = appendHeader(b, TypeDisconnect, 0, 1+p.Properties.size())
	return p.Properties.appendTo(append(b, byte(p.Code)))
}
