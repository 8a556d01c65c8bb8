package mqtt

// MaxRemainingLength is the largest variable byte integer.
const MaxRemainingLength = 268_435_455

var (
	errFrameType   = malformed(0, "packet type", errReserved)
	errFrameLength = malformed(0, "remaining length", ErrMalformed)
	errFrameSize   = &Error{Field: "remaining length", Code: PacketTooLarge, Err: ErrPacketTooLarge}
)

// Frame measures the first packet of b, fixed header included. It returns
// 0, nil while octets of the packet are missing. A packet of more than max
// octets (0: no limit), and what cannot become a packet, is an error as soon
// as the fixed header shows it.
func Frame(b []byte, max int) (total int, err error) {
	total, err = FrameSize(b, max)
	if total > len(b) {
		return 0, err
	}
	return total, err
}

// FrameSize is Frame that returns the total as soon as the fixed header is
// there, for a reader that makes room for what is to come.
func FrameSize(b []byte, max int) (total int, err error) {
	if len(b) == 0 {
		return 0, nil
	}
	if b[0] < 0x10 {
		return 0, errFrameType
	}
	length, n := varint(b[1:])
	if n < 0 {
		return 0, errFrameLength
	}
	if n == 0 {
		return 0, nil
	}
	total = 1 + n + int(length)
	if max > 0 && total > max {
		return 0, errFrameSize
	}
	return total, nil
}

// varint reads a variable byte integer of n octets. n is 0 if octets are
// missing, negative if it is longer than four octets or than it need be: 5.0
// forbids that [MQTT-1.5.5-1], 3.x does not speak of it, and nobody sends it.
func varint(b []byte) (v uint32, n int) {
	if len(b) > 0 && b[0] < 0x80 { // most are
		return uint32(b[0]), 1
	}
	for i, c := range b {
		v |= uint32(c&0x7f) << (7 * i)
		if c < 0x80 {
			if c == 0 && i > 0 {
				return 0, -1
			}
			return v, i + 1
		}
		if i == 3 {
			return 0, -1
		}
	}
	return 0, 0
}

// appendVarint appends v in its shortest form.
func appendVarint(b []byte, v uint32) []byte {
	for v >= 0x80 {
		b = append(b, byte(v)|0x80)
		v >>= 7
	}
	return append(b, byte(v))
}

// varintLen is the number of octets appendVarint appends.
func varintLen(v uint32) int {
	switch {
	case v < 1<<7:
		return 1
	case v < 1<<14:
		return 2
	case v < 1<<21:
		return 3
	}
	return 4
}
