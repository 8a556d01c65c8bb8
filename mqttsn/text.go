package mqttsn

import (
	"bytes"
	"unicode/utf8"
)

// A textField is a string in one packet type, with the errors it can have. The
// rules are those of MQTT, of which MQTT-SN only says "UTF-8".
type textField struct {
	empty, utf8, nul, wildcard, filter *PacketError
}

func newTextField(t Type, field string) textField {
	return textField{
		empty:    invalid(t, field, EmptyTopic),
		utf8:     invalid(t, field, BadUTF8),
		nul:      invalid(t, field, NULInString),
		wildcard: invalid(t, field, WildcardInName),
		filter:   invalid(t, field, BadFilter),
	}
}

// checkText judges a string: well-formed UTF-8 without U+0000 [MQTT-1.5.4-2].
func (f *textField) checkText(s []byte) error {
	if bytes.IndexByte(s, 0) >= 0 {
		return f.nul
	}
	if !utf8.Valid(s) {
		return f.utf8
	}
	return nil
}

// checkName judges a topic name [MQTT-4.7.1-1].
func (f *textField) checkName(s []byte) error {
	if len(s) == 0 {
		return f.empty
	}
	if err := f.checkText(s); err != nil {
		return err
	}
	if bytes.IndexByte(s, '#') >= 0 || bytes.IndexByte(s, '+') >= 0 {
		return f.wildcard
	}
	return nil
}

// checkShort judges the topic name that a short topic id spells.
func (f *textField) checkShort(id uint16) error {
	name := ShortName(id)
	return f.checkName(name[:])
}

// checkFilter judges a topic filter.
func (f *textField) checkFilter(s []byte) error {
	if len(s) == 0 {
		return f.empty
	}
	if err := f.checkText(s); err != nil {
		return err
	}
	if !wellPlaced(s) {
		return f.filter
	}
	return nil
}

// wellPlaced says that each wildcard of the filter is a whole level, and # the
// last one [MQTT-4.7.1-2], [MQTT-4.7.1-3].
func wellPlaced(filter []byte) bool {
	for i, c := range filter {
		if c != '#' && c != '+' {
			continue
		}
		if i > 0 && filter[i-1] != '/' {
			return false
		}
		if last := i == len(filter)-1; !last && (c == '#' || filter[i+1] != '/') {
			return false
		}
	}
	return true
}
