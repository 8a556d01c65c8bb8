package dump

import (
	"encoding/hex"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// appendJSON appends the line of r as a JSON object, its keys always in the
// same order.
func (r *record) appendJSON(b []byte) []byte {
	var all object
	add := func(given bool, name string, v value) {
		if given {
			all = append(all, field{name, v})
		}
	}
	add(!r.at.IsZero(), "time", word(r.at.UTC().Format("2006-01-02T15:04:05.000000000Z07:00")))
	add(r.src != "", "src", word(r.src))
	add(r.dst != "", "dst", word(r.dst))
	add(true, "protocol", word(r.protocol))
	add(r.guessed, "guessed", bit(true))
	add(r.version != "", "version", word(r.version))
	add(r.assumed, "version_assumed", bit(true))
	if r.via != nil {
		add(true, "via", object{
			{"node", word(hex.EncodeToString(r.via.node))},
			{"ctrl", number(r.via.ctrl)},
			{"radius", number(r.via.radius())},
		})
	}
	add(r.packet != "", "packet", word(r.packet))
	add(r.packet != "" && (r.fault == nil || r.fields != nil), "fields", object(r.fields))
	if r.fault != nil {
		add(true, "error", word("malformed"))
		add(true, "class", word(r.fault.class))
		add(true, "reason", word(r.fault.reason))
		add(true, "offset", number(r.fault.offset))
		add(true, "hex", word(hex.EncodeToString(r.octets)))
	}
	add(r.notice != "", "notice", word(r.notice))
	return all.appendJSON(b)
}

func (v bit) appendJSON(b []byte) []byte    { return strconv.AppendBool(b, bool(v)) }
func (v number) appendJSON(b []byte) []byte { return strconv.AppendInt(b, int64(v), 10) }
func (v word) appendJSON(b []byte) []byte   { return appendString(b, string(v)) }

func (v code) appendJSON(b []byte) []byte {
	return object{{"code", number(v.number)}, {"meaning", word(v.meaning)}}.appendJSON(b)
}

// What is not UTF-8 is written in hex; object says so in the key.
func (v str) appendJSON(b []byte) []byte  { return appendOctets(b, v) }
func (v data) appendJSON(b []byte) []byte { return appendOctets(b, v) }

func (v list) appendJSON(b []byte) []byte {
	b = append(b, '[')
	for i, element := range v {
		if i > 0 {
			b = append(b, ',')
		}
		b = element.appendJSON(b)
	}
	return append(b, ']')
}

func (v object) appendJSON(b []byte) []byte {
	b = append(b, '{')
	for i, f := range v {
		if i > 0 {
			b = append(b, ',')
		}
		name := f.name
		if !isUTF8(f.value) {
			name += "_hex"
		}
		b = f.value.appendJSON(append(appendString(b, name), ':'))
	}
	return append(b, '}')
}

func isUTF8(v value) bool {
	switch v := v.(type) {
	case str:
		return utf8.Valid(v)
	case data:
		return utf8.Valid(v)
	}
	return true
}

func appendOctets(b, v []byte) []byte {
	if utf8.Valid(v) {
		return appendString(b, string(v))
	}
	return appendString(b, hex.EncodeToString(v))
}

// appendString appends a JSON string in which, other than in those of
// encoding/json, nothing is raw that a terminal might obey.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case strconv.IsPrint(r):
			b = utf8.AppendRune(b, r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			b = appendEscape(appendEscape(b, high), low)
		default:
			b = appendEscape(b, r)
		}
	}
	return append(b, '"')
}

func appendEscape(b []byte, r rune) []byte {
	const digits = "0123456789abcdef"
	return append(b, '\\', 'u', digits[r>>12&15], digits[r>>8&15], digits[r>>4&15], digits[r&15])
}
