package dump

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A field is a part of a packet with its name, which is the same in text and in
// JSON.
type field struct {
	name  string
	value value
}

// A value can be shown.
type value interface {
	text(full bool) string
	appendJSON(b []byte) []byte
}

type (
	// A bit is a flag. Text names those that are set only.
	bit bool
	// A number is an integer.
	number int64
	// A word is one of a few that a specification gives.
	word string
	// A str is what must be UTF-8. It is never cut.
	str []byte
	// A data is octets of any kind.
	data []byte
	// A code is a number that has a meaning.
	code struct {
		number  byte
		meaning string
	}
	// A list is values of the same kind.
	list []value
	// An object is fields within a field.
	object []field
)

func (v bit) text(bool) string    { return strconv.FormatBool(bool(v)) }
func (v number) text(bool) string { return strconv.FormatInt(int64(v), 10) }
func (v word) text(bool) string   { return string(v) }
func (v code) text(bool) string   { return fmt.Sprintf("0x%02x (%s)", v.number, v.meaning) }

func (v str) text(bool) string { return strconv.Quote(string(v)) }

// text gives the length and what there is: quoted where all of it can be read,
// else in hex.
func (v data) text(full bool) string {
	shown, rest := []byte(v), ""
	if !full && len(v) > maxShown {
		shown = cut(v, maxShown)
		rest = fmt.Sprintf("... (%d more octets; --full shows them)", len(v)-len(shown))
	}
	if readable(v) {
		return fmt.Sprintf("%d:%s%s", len(v), strconv.Quote(string(shown)), rest)
	}
	return fmt.Sprintf("%d:0x%s%s", len(v), hex.EncodeToString(shown), rest)
}

func (v list) text(full bool) string {
	texts := make([]string, len(v))
	for i, element := range v {
		texts[i] = element.text(full)
	}
	return "[" + strings.Join(texts, ", ") + "]"
}

func (v object) text(full bool) string { return "{" + strings.Join(v.texts(full), " ") + "}" }

// texts are the fields, without the flags that are not set.
func (v object) texts(full bool) (out []string) {
	for _, f := range v {
		switch set := f.value.(type) {
		case bit:
			if set {
				out = append(out, f.name)
			}
		case properties:
			if len(set) > 0 {
				out = append(out, f.name+"="+set.text(full))
			}
		default:
			out = append(out, f.name+"="+f.value.text(full))
		}
	}
	return out
}

// maxShown is how many octets text shows of a payload, or of a malformed packet.
const maxShown = 256

// cut is at most the first n octets of b, and no part of a character.
func cut(b []byte, n int) []byte {
	if !utf8.Valid(b) {
		return b[:n]
	}
	for n > 0 && !utf8.RuneStart(b[n]) {
		n--
	}
	return b[:n]
}

// readable says that b is text: characters, and what separates them.
func readable(b []byte) bool {
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n == 1 || !strconv.IsPrint(r) && r != '\t' && r != '\n' && r != '\r' {
			return false
		}
		b = b[n:]
	}
	return true
}
