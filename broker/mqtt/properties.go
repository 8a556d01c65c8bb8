package mqtt

import (
	"encoding/binary"
	"iter"
)

// Properties are the properties of a 5.0 packet in their wire form, without
// the length before them. Those of a decoded packet are valid and alias it.
type Properties struct{ raw []byte }

// NewProperties makes Properties of octets that the functions AppendByte to
// AppendPair have built. It does not check them.
func NewProperties(raw []byte) Properties {
	if len(raw) == 0 {
		return Properties{}
	}
	return Properties{raw}
}

// Raw returns the wire form, without the length before it.
func (p Properties) Raw() []byte { return p.raw }

// Empty tells whether there is no property.
func (p Properties) Empty() bool { return len(p.raw) == 0 }

// A Property is one property. Which fields are set depends on its ID.
type Property struct {
	ID    PropertyID
	Uint  uint32 // byte, integer
	Name  []byte // of a User Property
	Value []byte // string, binary data, value of a User Property
	Raw   []byte // the whole property in its wire form
}

// Next takes the first property out of p. Iterate over a copy:
//
//	for rest := p.Properties; ; {
//		prop, ok := rest.Next()
//		if !ok {
//			break
//		}
//		…
//	}
func (p *Properties) Next() (prop Property, ok bool) {
	prop, n := split(p.raw)
	if n == 0 {
		return Property{}, false
	}
	p.raw = p.raw[n:]
	return prop, true
}

// All iterates over the properties in their order.
func (p Properties) All() iter.Seq[Property] {
	return func(yield func(Property) bool) {
		for {
			prop, ok := p.Next()
			if !ok || !yield(prop) {
				return
			}
		}
	}
}

// Find returns the first property of that id.
func (p Properties) Find(id PropertyID) (prop Property, ok bool) {
	for {
		prop, ok = p.Next()
		if !ok || prop.ID == id {
			return prop, ok
		}
	}
}

// Has tells whether there is a property of that id.
func (p Properties) Has(id PropertyID) bool {
	_, ok := p.Find(id)
	return ok
}

// Uint32 returns the first value of that id, whatever the size of its integer.
func (p Properties) Uint32(id PropertyID) (v uint32, ok bool) {
	prop, ok := p.Find(id)
	return prop.Uint, ok
}

// Uint16 is Uint32 for ids whose integer has two octets.
func (p Properties) Uint16(id PropertyID) (v uint16, ok bool) {
	prop, ok := p.Find(id)
	return uint16(prop.Uint), ok
}

// Byte is Uint32 for ids whose value is a byte.
func (p Properties) Byte(id PropertyID) (v byte, ok bool) {
	prop, ok := p.Find(id)
	return byte(prop.Uint), ok
}

// Bytes returns the first string or binary data of that id.
func (p Properties) Bytes(id PropertyID) (v []byte, ok bool) {
	prop, ok := p.Find(id)
	return prop.Value, ok
}

// AppendWithout appends the wire form of all properties but those of the ids.
func (p Properties) AppendWithout(b []byte, ids ...PropertyID) []byte {
next:
	for {
		prop, ok := p.Next()
		if !ok {
			return b
		}
		for _, id := range ids {
			if prop.ID == id {
				continue next
			}
		}
		b = append(b, prop.Raw...)
	}
}

// split reads the first property of b, of n octets. n is 0 if it is cut short
// or of no known id.
func split(b []byte) (p Property, n int) {
	if len(b) < 2 || b[0] >= propertyIDs {
		return p, 0
	}
	p.ID = PropertyID(b[0])
	r := reader{b: b[1:]}
	ok := true
	switch propertyRules[p.ID].wire {
	case wireByte:
		p.Uint, r.b = uint32(b[1]), b[2:]
	case wireUint16:
		var v uint16
		v, ok = r.uint16()
		p.Uint = uint32(v)
	case wireUint32:
		if len(b) < 5 {
			return p, 0
		}
		p.Uint, r.b = binary.BigEndian.Uint32(b[1:]), b[5:]
	case wireVarint:
		v, n := varint(b[1:])
		if n <= 0 {
			return p, 0
		}
		p.Uint, r.b = v, b[1+n:]
	case wireString, wireBinary:
		p.Value, ok = r.bytes()
	case wirePair:
		if p.Name, ok = r.bytes(); ok {
			p.Value, ok = r.bytes()
		}
	default:
		ok = false
	}
	if !ok {
		return p, 0
	}
	n = len(b) - len(r.b)
	p.Raw = b[:n:n]
	return p, n
}

// AppendByte appends a property whose value is a byte.
func AppendByte(b []byte, id PropertyID, v byte) []byte {
	return append(b, byte(id), v)
}

// AppendUint16 appends a property whose value is an integer of two octets.
func AppendUint16(b []byte, id PropertyID, v uint16) []byte {
	return binary.BigEndian.AppendUint16(append(b, byte(id)), v)
}

// AppendUint32 appends a property whose value is an integer of four octets.
func AppendUint32(b []byte, id PropertyID, v uint32) []byte {
	return binary.BigEndian.AppendUint32(append(b, byte(id)), v)
}

// AppendVarint appends a property whose value is a variable byte integer.
func AppendVarint(b []byte, id PropertyID, v uint32) []byte {
	return appendVarint(append(b, byte(id)), v)
}

// AppendString appends a property whose value is a string or binary data.
func AppendString[T ~string | ~[]byte](b []byte, id PropertyID, v T) []byte {
	b = binary.BigEndian.AppendUint16(append(b, byte(id)), uint16(len(v)))
	return append(b, v...)
}

// AppendPair appends a property of a name and a value.
func AppendPair[T ~string | ~[]byte](b []byte, id PropertyID, name, value T) []byte {
	b = AppendString(b, id, name)
	b = binary.BigEndian.AppendUint16(b, uint16(len(value)))
	return append(b, value...)
}

// size is the length of the properties with the length before them.
func (p Properties) size() int { return varintLen(uint32(len(p.raw))) + len(p.raw) }

// appendTo appends the properties with the length before them; no properties
// are a length of 0 [MQTT-2.2.2-1].
func (p Properties) appendTo(b []byte) []byte {
	return append(appendVarint(b, uint32(len(p.raw))), p.raw...)
}
