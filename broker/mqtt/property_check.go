package mqtt

import "encoding/binary"

// propertyErrors are the ways in which one property of one packet is wrong.
type propertyErrors struct{ cut, text, twice, value, sender *Error }

// willProperties stands for the will properties where a packet type is asked
// for.
const willProperties Type = 0

var (
	errPropertyLength  = byType(malformed, "property length", ErrMalformed)
	errPropertyUnknown = byType(malformed, "property", errUnknown)
	errPropertyNotHere = byType(malformed, "property", errNotHere)

	errProperty = makePropertyErrors()

	errMethodMissing = violation(TypeConnect, AuthenticationData.String(), &detail{"without Authentication Method", ErrProtocol})
	errAuthMethod    = violation(TypeAuth, AuthenticationMethod.String(), &detail{"missing", ErrProtocol})
)

// makePropertyErrors makes the errors of each packet and each property that it
// may have. Will properties are told as those of CONNECT.
func makePropertyErrors() (all [16][propertyIDs]*propertyErrors) {
	for id, rule := range &propertyRules {
		for slot := range all {
			if rule.in&(1<<slot) == 0 {
				continue
			}
			t, field := Type(slot), rule.name
			if t == willProperties {
				t, field = TypeConnect, "will "+rule.name
			}
			e := &propertyErrors{
				cut:    malformed(t, field, errCut),
				text:   malformed(t, field, errString),
				twice:  violation(t, field, errTwice),
				value:  violation(t, field, errValue),
				sender: violation(t, field, errSender),
			}
			if rule.value == alias {
				e.value.Code = TopicAliasInvalid
			}
			all[slot][id] = e
		}
	}
	errPropertyLength[willProperties] = malformed(TypeConnect, "will property length", ErrMalformed)
	errPropertyUnknown[willProperties] = malformed(TypeConnect, "will property", errUnknown)
	errPropertyNotHere[willProperties] = malformed(TypeConnect, "will property", errNotHere)
	return all
}

// properties takes the properties of a packet of type t, or will properties.
func (r *reader) properties(t Type, from Sender) (Properties, error) {
	r.begin()
	if len(r.b) > 0 && r.b[0] == 0 { // most have none
		r.b = r.b[1:]
		return Properties{}, nil
	}
	length, n := varint(r.b)
	if n <= 0 || int(length) > len(r.b)-n {
		return Properties{}, errPropertyLength[t]
	}
	end := n + int(length)
	raw := r.b[n:end:end]
	r.b = r.b[end:]
	return Properties{raw}, r.checkProperties(raw, t, from)
}

func (r *reader) checkProperties(raw []byte, t Type, from Sender) error {
	var seen uint64
	for len(raw) > 0 {
		r.at = len(raw) + len(r.b)
		r.n++
		id := raw[0]
		if id >= propertyIDs || propertyRules[id].in == 0 {
			return errPropertyUnknown[t] // also ids of two octets: none exists
		}
		rule, errs := &propertyRules[id], errProperty[t][id]
		if errs == nil {
			return errPropertyNotHere[t]
		}
		if rule.unsent&(1<<t) != 0 && rule.notBy == from {
			return errs.sender
		}
		if seen&(1<<id) != 0 && rule.mayTwice&(1<<t) == 0 {
			return errs.twice
		}
		seen |= 1 << id
		p, n := split(raw)
		if n == 0 {
			return errs.cut
		}
		if err := r.checkValue(&p, rule, errs); err != nil {
			return err
		}
		raw = raw[n:]
	}
	return nil
}

func (r *reader) checkValue(p *Property, rule *propertyRule, errs *propertyErrors) error {
	if rule.wire == wireString || rule.wire == wirePair {
		if !r.valid(p.Name) || !r.valid(p.Value) {
			return errs.text
		}
	}
	ok := true
	switch rule.value {
	case zeroOrOne:
		ok = p.Uint <= 1
	case notZero, alias:
		ok = p.Uint != 0
	case topicName:
		ok = !hasWildcard(p.Value)
	}
	if !ok {
		return errs.value
	}
	return nil
}

// hasWildcard tells whether a Topic Name contains what only filters may
// [MQTT-3.3.2-2, 3.3.2-14].
func hasWildcard(topic []byte) bool {
	if len(topic) < 8 {
		for _, c := range topic {
			if c == '+' || c == '#' {
				return true
			}
		}
		return false
	}
	last := topic[len(topic)-8:]
	for ; len(topic) >= 8; topic = topic[8:] {
		if wildcardAmong(topic) {
			return true
		}
	}
	return wildcardAmong(last)
}

// wildcardAmong tells whether one of the first eight octets is + or #.
func wildcardAmong(b []byte) bool {
	x := binary.LittleEndian.Uint64(b)
	plus, hash := x^'+'*ones, x^'#'*ones
	return ((plus-ones)&^plus|(hash-ones)&^hash)&highs != 0 // one of them has an octet 0
}
