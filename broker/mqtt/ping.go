package mqtt

// A Pingreq asks whether the server is there (3.12).
type Pingreq struct{}

// A Pingresp answers a PINGREQ (3.13).
type Pingresp struct{}

// Type returns TypePingreq.
func (*Pingreq) Type() Type { return TypePingreq }

// Type returns TypePingresp.
func (*Pingresp) Type() Type { return TypePingresp }

// AppendTo appends the wire form to b.
func (*Pingreq) AppendTo(b []byte, _ Version) []byte {
	return append(b, byte(TypePingreq)<<4, 0)
}

// AppendTo appends the wire form to b.
func (*Pingresp) AppendTo(b []byte, _ Version) []byte {
	return append(b, byte(TypePingresp)<<4, 0)
}
