package mqttsn

// The body is a duration or nothing.
var disconnectBody = exactly(TypeDisconnect, 2)

// A Disconnect says goodbye, or that the client goes to sleep (5.4.21).
type Disconnect struct {
	HasDuration bool   // from a client only
	Duration    uint16 // of the sleep in seconds; 0: a goodbye as without
}

// Type is TypeDisconnect.
func (*Disconnect) Type() Type { return TypeDisconnect }

// AppendTo appends the wire form of p to b.
func (p *Disconnect) AppendTo(b []byte) []byte {
	if !p.HasDuration {
		return appendHeader(b, TypeDisconnect, 0)
	}
	return appendID(b, TypeDisconnect, p.Duration)
}

func (p *Disconnect) decode(b []byte) error {
	*p = Disconnect{HasDuration: len(b) > 0}
	if !p.HasDuration {
		return nil
	}
	return disconnectBody.decodeID(b, &p.Duration)
}
