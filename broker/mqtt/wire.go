package mqtt

import (
	"encoding/binary"
	"math"
)

// A reader takes fields from the front of what is left of a packet. ok is
// false when the octets for the field are not there.
type reader struct {
	b   []byte
	at  int  // how many octets were left where the last field begins
	lax bool // control characters and non-characters pass
	n   int  // fields begun: the work that was done
}

// begin notes where a field begins.
func (r *reader) begin() {
	r.at = len(r.b)
	r.n++
}

func (r *reader) uint8() (v byte, ok bool) {
	r.begin()
	if len(r.b) < 1 {
		return 0, false
	}
	v, r.b = r.b[0], r.b[1:]
	return v, true
}

func (r *reader) uint16() (v uint16, ok bool) {
	r.begin()
	if len(r.b) < 2 {
		return 0, false
	}
	v, r.b = binary.BigEndian.Uint16(r.b), r.b[2:]
	return v, true
}

// header says that the fault is in the first octet of the packet.
func (r *reader) header() { r.at = math.MaxInt }

// end wants nothing to be left.
func (r *reader) end(t Type) error {
	r.at = len(r.b)
	if len(r.b) > 0 {
		return errTrailing[t]
	}
	return nil
}

// bytes takes binary data: a length of two octets and so many octets.
func (r *reader) bytes() (v []byte, ok bool) {
	r.begin()
	if len(r.b) < 2 {
		return nil, false
	}
	end := 2 + int(binary.BigEndian.Uint16(r.b))
	if len(r.b) < end {
		return nil, false
	}
	v, r.b = r.b[2:end:end], r.b[end:]
	return v, true
}

// string takes a UTF-8 string.
func (r *reader) string() (v []byte, ok bool) {
	v, ok = r.bytes()
	return v, ok && r.valid(v)
}

// valid tells whether v may be a string.
func (r *reader) valid(v []byte) bool {
	if r.lax {
		return ValidString(v)
	}
	return StrictString(v)
}

// appendBytes appends binary data or a string.
func appendBytes(b, v []byte) []byte {
	b = binary.BigEndian.AppendUint16(b, uint16(len(v)))
	return append(b, v...)
}

// appendHeader appends a fixed header.
func appendHeader(b []byte, t Type, flags byte, length int) []byte {
	return appendVarint(append(b, byte(t)<<4|flags), uint32(length))
}
