package mqtt

import (
	"encoding/binary"
	"unicode/utf8"
)

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// ValidString tells whether b is a UTF-8 string that every version takes:
// well formed, without surrogates and without U+0000 [MQTT-1.5.4-1, 1.5.4-2].
func ValidString(b []byte) bool {
	for len(b) >= 8 {
		x := binary.LittleEndian.Uint64(b)
		if x&highs != 0 || (x-ones)&^x&highs != 0 { // beyond ASCII, or a zero
			break
		}
		b = b[8:]
	}
	for i, c := range b {
		if c >= utf8.RuneSelf {
			return validRunes(b[i:], false)
		}
		if c == 0 {
			return false
		}
	}
	return true
}

// StrictString is ValidString that also refuses what the texts say a string
// should not contain: U+0001 to U+001F, U+007F to U+009F, non-characters. A
// subscriber that refuses them and a broker that lets them pass give any
// publisher the means to throw that subscriber off, again and again.
func StrictString(b []byte) bool {
	if len(b) >= 8 {
		last := b[len(b)-8:]
		for len(b) >= 8 && printable(b) {
			b = b[8:]
		}
		if len(b) < 8 && printable(last) { // some of them looked at twice
			return true
		}
	}
	for i, c := range b {
		if c >= utf8.RuneSelf {
			return validRunes(b[i:], true)
		}
		if c < 0x20 || c == 0x7f {
			return false
		}
	}
	return true
}

// printable tells that the first eight octets are ASCII without control
// characters. It is in doubt now and then, and says no.
func printable(b []byte) bool {
	x := binary.LittleEndian.Uint64(b)
	return (x|(x-0x20*ones)&^x|(x+ones))&highs == 0 // beyond ASCII, below 0x20, 0x7F
}

func validRunes(b []byte, strict bool) bool {
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n == 1 || r == 0 || strict && discouraged(r) {
			return false
		}
		b = b[n:]
	}
	return true
}

// discouraged tells control characters and non-characters.
func discouraged(r rune) bool {
	return r < 0x20 || r >= 0x7f && r <= 0x9f ||
		r >= 0xfdd0 && r <= 0xfdef || r&0xfffe == 0xfffe
}
