package mqttsn

const (
	// MaxNodeID is the length of the longest WirelessNodeID: the length of an
	// encapsulation is one octet.
	MaxNodeID = maxShort - shortHeader - 1

	ctrlRadius = 0x03
)

var (
	forwardBody      = newBodySize(TypeForward, 1, 1+MaxNodeID)
	errEmptyNodeID   = malformed(TypeForward, "wireless node id", EmptyNodeID)
	errMissingInner  = malformed(TypeForward, "message", MissingInner)
	errNestedForward = malformed(TypeForward, "message", NestedForward)
)

// A Forward is a message that a forwarder relays between a gateway and a node
// (5.5). Its length ends with the node id; the message follows.
type Forward struct {
	Ctrl    byte   // an answer repeats it
	NodeID  []byte // the WirelessNodeID, up to MaxNodeID octets; opaque
	Message []byte // all octets of the message inside
}

// Type is TypeForward.
func (*Forward) Type() Type { return TypeForward }

// Radius is the broadcast radius that a gateway gives to a forwarder.
func (p *Forward) Radius() byte { return p.Ctrl & ctrlRadius }

// AppendTo appends the wire form of p to b.
func (p *Forward) AppendTo(b []byte) []byte { return append(p.AppendWrapper(b), p.Message...) }

// AppendWrapper appends what stands before the message, so that the message can
// be encoded in its place.
func (p *Forward) AppendWrapper(b []byte) []byte {
	b = append(appendHeader(b, TypeForward, 1+len(p.NodeID)), p.Ctrl)
	return append(b, p.NodeID...)
}

// decode reads the wrapper b and takes what follows it as the message. Without
// a node id there is nobody to answer.
func (p *Forward) decode(b, inner []byte) error {
	if err := forwardBody.check(len(b)); err != nil {
		return err
	}
	if len(b) == 1 {
		return errEmptyNodeID
	}
	p.Ctrl, p.NodeID, p.Message = b[0], b[1:], inner
	return checkInner(inner)
}

// checkInner refuses a wrapper around nothing and one around another: a chain of
// forwarders is not described, and would let one packet grow without a bound.
func checkInner(b []byte) error {
	switch {
	case len(b) == 0:
		return errMissingInner
	case len(b) >= shortHeader && b[0] != longMark && Type(b[1]) == TypeForward,
		len(b) >= longHeader && b[0] == longMark && Type(b[3]) == TypeForward:
		return errNestedForward
	}
	return nil
}
