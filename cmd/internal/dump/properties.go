package dump

import (
	"fmt"
	"strings"

	"github.com/dormouse-mqtt/dormouse/broker/mqtt"
)

// properties are those of a packet, or of a will, in their order.
type properties []property

// A property has a key if it is a User Property.
type property struct {
	id    mqtt.PropertyID
	key   []byte
	value value
}

// withProperties appends the properties, which packets before 5.0 do not have.
func withProperties(v mqtt.Version, props mqtt.Properties, fields []field) []field {
	if v != mqtt.V5 {
		return fields
	}
	all := properties{}
	for p := range props.All() {
		all = append(all, property{p.ID, p.Name, propertyValue(&p)})
	}
	return append(fields, field{"props", all})
}

func propertyValue(p *mqtt.Property) value {
	switch {
	case p.ID == mqtt.CorrelationData, p.ID == mqtt.AuthenticationData:
		return data(p.Value)
	case p.Value != nil:
		return str(p.Value)
	}
	return number(p.Uint)
}

func (v properties) text(full bool) string {
	texts := make([]string, len(v))
	for i, p := range v {
		texts[i] = fmt.Sprintf("%v: ", p.id)
		if p.id == mqtt.UserProperty {
			texts[i] += str(p.key).text(full) + "="
		}
		texts[i] += p.value.text(full)
	}
	return "{" + strings.Join(texts, ", ") + "}"
}

// A property may come more than once, so they are no JSON object.
func (v properties) appendJSON(b []byte) []byte {
	var all list
	for _, p := range v {
		o := object{{"id", number(p.id)}, {"name", word(p.id.String())}}
		if p.id == mqtt.UserProperty {
			o = append(o, field{"key", str(p.key)})
		}
		all = append(all, append(o, field{"value", p.value}))
	}
	return all.appendJSON(b)
}
