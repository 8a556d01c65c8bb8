package mqtt

import (
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// normal makes values comparable: all of them as JSON has them.
func normal(t testing.TB, v any) any {
	b, err := json.Marshal(v)
	require.NoError(t, err)
	var out any
	require.NoError(t, json.Unmarshal(b, &out))
	return out
}

type object = map[string]any

// fieldsOf describes a packet in the words of the vectors. want tells which of
// the optional keys the vector has.
func fieldsOf(p Packet, v Version, want object) object {
	f := object{"type": p.Type().String()}
	props := func(p Properties) {
		if v == V5 {
			f["properties"] = propertiesOf(p)
		}
	}
	code := func(c ReasonCode) {
		if v == V5 {
			f["code"] = c
		}
	}
	dup := func(d bool) {
		if d {
			f["dup"] = true
		}
	}
	switch p := p.(type) {
	case *Connect:
		connectFields(f, p)
	case *Connack:
		f["session_present"] = p.SessionPresent
		f["code"] = p.Code
		props(p.Properties)
	case *Publish:
		f["dup"], f["qos"], f["retain"] = p.Dup, p.QoS, p.Retain
		f["topic"] = string(p.Topic)
		if p.QoS > 0 {
			f["packet_id"] = p.PacketID
		}
		if want["payload_length"] != nil {
			f["payload_length"] = len(p.Payload)
		} else {
			f["payload_hex"] = hex.EncodeToString(p.Payload)
		}
		props(p.Properties)
	case *Puback:
		f["packet_id"] = p.PacketID
		code(p.Code)
		props(p.Properties)
	case *Pubrec:
		f["packet_id"] = p.PacketID
		code(p.Code)
		props(p.Properties)
	case *Pubrel:
		f["packet_id"] = p.PacketID
		dup(p.Dup)
		code(p.Code)
		props(p.Properties)
	case *Pubcomp:
		f["packet_id"] = p.PacketID
		code(p.Code)
		props(p.Properties)
	case *Subscribe:
		f["packet_id"] = p.PacketID
		dup(p.Dup)
		props(p.Properties)
		list := []any{}
		for filter, o := range p.Filters.All() {
			one := object{"filter": string(filter), "qos": o.QoS}
			if v == V5 {
				one["no_local"] = o.NoLocal
				one["retain_as_published"] = o.RetainAsPublished
				one["retain_handling"] = o.RetainHandling
			}
			list = append(list, one)
		}
		f["filters"] = list
	case *Suback:
		f["packet_id"] = p.PacketID
		props(p.Properties)
		f["codes"] = numbers(p.Codes)
	case *Unsubscribe:
		f["packet_id"] = p.PacketID
		dup(p.Dup)
		props(p.Properties)
		list := []string{}
		for filter := range p.Filters.All() {
			list = append(list, string(filter))
		}
		f["filters"] = list
	case *Unsuback:
		f["packet_id"] = p.PacketID
		props(p.Properties)
		if v == V5 {
			f["codes"] = numbers(p.Codes)
		}
	case *Disconnect:
		code(p.Code)
		props(p.Properties)
	case *Auth:
		code(p.Code)
		props(p.Properties)
	}
	return f
}

func connectFields(f object, p *Connect) {
	f["protocol_name"], f["protocol_level"] = p.name(), p.Version
	f["clean"], f["keep_alive"], f["client_id"] = p.CleanStart, p.KeepAlive, string(p.ClientID)
	if p.Version == V5 {
		f["properties"] = propertiesOf(p.Properties)
	}
	if p.HasWill {
		w := object{
			"topic": string(p.Will.Topic), "payload_hex": hex.EncodeToString(p.Will.Payload),
			"qos": p.Will.QoS, "retain": p.Will.Retain,
		}
		if p.Version == V5 {
			w["properties"] = propertiesOf(p.Will.Properties)
		}
		f["will"] = w
	}
	if p.HasUserName {
		f["username"] = string(p.UserName)
	}
	if p.HasPassword {
		f["password_hex"] = hex.EncodeToString(p.Password)
	}
}

func numbers(b []byte) []int {
	out := []int{}
	for _, c := range b {
		out = append(out, int(c))
	}
	return out
}

func propertiesOf(props Properties) object {
	f := object{}
	for p := range props.All() {
		key := strings.ReplaceAll(strings.ToLower(p.ID.String()), " ", "_")
		switch propertyRules[p.ID].wire {
		case wireString:
			f[key] = string(p.Value)
		case wireBinary:
			f[key+"_hex"] = hex.EncodeToString(p.Value)
		case wirePair:
			list, _ := f[key].([]any)
			f[key] = append(list, []string{string(p.Name), string(p.Value)})
		default:
			if seen := f[key]; seen != nil { // Subscription Identifiers of a PUBLISH
				list, ok := seen.([]any)
				if !ok {
					list = []any{seen}
				}
				f[key] = append(list, p.Uint)
				continue
			}
			f[key] = p.Uint
		}
	}
	return f
}
