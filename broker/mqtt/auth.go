package mqtt

// An Auth is a step of an extended authentication (3.15); 5.0 only.
type Auth struct {
	Code       ReasonCode
	Properties Properties
}

// Type returns TypeAuth.
func (p *Auth) Type() Type { return TypeAuth }

// decode takes the form of length 0 too, though it lacks the Authentication
// Method that every AUTH must have: the text allows it. It means Success,
// which a client may not say.
func (p *Auth) decode(r *reader, from Sender) (err error) {
	*p = Auth{}
	code, given := r.uint8()
	p.Code = ReasonCode(code)
	if !p.Code.Allowed(TypeAuth, from) {
		return errReason[TypeAuth]
	}
	if !given {
		return nil
	}
	if p.Properties, err = r.properties(TypeAuth, from); err != nil {
		return err
	}
	if !p.Properties.Has(AuthenticationMethod) {
		return errAuthMethod
	}
	return r.end(TypeAuth)
}

// AppendTo appends the wire form of p to b.
func (p *Auth) AppendTo(b []byte, _ Version) []byte {
	if p.Code == Success && p.Properties.Empty() {
		return appendHeader(b, TypeAuth, 0, 0)
	}
	b = appendHeader(b, TypeAuth, 0, 1+p.Properties.size())
	return p.Properties.appendTo(append(b, byte(p.Code)))
}
