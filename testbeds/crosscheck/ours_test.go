package crosscheck

import (
	"encoding/hex"
	"strings"

	"github.com/dormouse-mqtt/dormouse/broker/mqtt"
)

// fieldsOfOurs describes a packet of our codec in the words of the vectors.
func fieldsOfOurs(v *vector, p mqtt.Packet) object {
	f := object{"type": p.Type().String()}
	is5 := v.version() == mqtt.V5
	props := func(p mqtt.Properties) {
		if is5 {
			f["properties"] = propertiesOfOurs(p)
		}
	}
	ack := func(id uint16, code mqtt.ReasonCode, p mqtt.Properties) {
		f["packet_id"] = id
		if is5 {
			f["code"] = code
		}
		props(p)
	}
	dup := func(d bool) {
		if d {
			f["dup"] = true
		}
	}
	switch p := p.(type) {
	case *mqtt.Connect:
		connectOfOurs(f, p)
	case *mqtt.Connack:
		f["session_present"], f["code"] = p.SessionPresent, p.Code
		props(p.Properties)
	case *mqtt.Publish:
		f["dup"], f["qos"], f["retain"], f["topic"] = p.Dup, p.QoS, p.Retain, string(p.Topic)
		if p.QoS > 0 {
			f["packet_id"] = p.PacketID
		}
		v.payload(f, p.Payload)
		props(p.Properties)
	case *mqtt.Puback:
		ack(p.PacketID, p.Code, p.Properties)
	case *mqtt.Pubrec:
		ack(p.PacketID, p.Code, p.Properties)
	case *mqtt.Pubrel:
		ack(p.PacketID, p.Code, p.Properties)
		dup(p.Dup)
	case *mqtt.Pubcomp:
		ack(p.PacketID, p.Code, p.Properties)
	case *mqtt.Subscribe:
		f["packet_id"] = p.PacketID
		dup(p.Dup)
		props(p.Properties)
		filters := []object{}
		for filter, o := range p.Filters.All() {
			one := object{"filter": string(filter), "qos": o.QoS}
			if is5 {
				one["no_local"], one["retain_as_published"] = o.NoLocal, o.RetainAsPublished
				one["retain_handling"] = o.RetainHandling
			}
			filters = append(filters, one)
		}
		f["filters"] = filters
	case *mqtt.Suback:
		f["packet_id"], f["codes"] = p.PacketID, numbers(p.Codes)
		props(p.Properties)
	case *mqtt.Unsubscribe:
		f["packet_id"] = p.PacketID
		dup(p.Dup)
		props(p.Properties)
		filters := []string{}
		for filter := range p.Filters.All() {
			filters = append(filters, string(filter))
		}
		f["filters"] = filters
	case *mqtt.Unsuback:
		f["packet_id"] = p.PacketID
		props(p.Properties)
		if is5 {
			f["codes"] = numbers(p.Codes)
		}
	case *mqtt.Disconnect:
		if is5 {
			f["code"] = p.Code
		}
		props(p.Properties)
	case *mqtt.Auth:
		f["code"] = p.Code
		props(p.Properties)
	}
	return f
}

func connectOfOurs(f object, p *mqtt.Connect) {
	f["protocol_name"], f["protocol_level"] = "MQTT", p.Version
	if p.Version == mqtt.V31 {
		f["protocol_name"] = "MQIsdp"
	}
	f["clean"], f["keep_alive"], f["client_id"] = p.CleanStart, p.KeepAlive, string(p.ClientID)
	if p.Version == mqtt.V5 {
		f["properties"] = propertiesOfOurs(p.Properties)
	}
	if p.HasWill {
		will := object{
			"topic": string(p.Will.Topic), "payload_hex": hex.EncodeToString(p.Will.Payload),
			"qos": p.Will.QoS, "retain": p.Will.Retain,
		}
		if p.Version == mqtt.V5 {
			will["properties"] = propertiesOfOurs(p.Will.Properties)
		}
		f["will"] = will
	}
	if p.HasUserName {
		f["username"] = string(p.UserName)
	}
	if p.HasPassword {
		f["password_hex"] = hex.EncodeToString(p.Password)
	}
}

func propertiesOfOurs(props mqtt.Properties) object {
	f := object{}
	for p := range props.All() {
		key := strings.ReplaceAll(strings.ToLower(p.ID.String()), " ", "_")
		switch p.ID {
		case mqtt.UserProperty:
			list, _ := f[key].([][]string)
			f[key] = append(list, []string{string(p.Name), string(p.Value)})
		case mqtt.CorrelationData, mqtt.AuthenticationData:
			f[key+"_hex"] = hex.EncodeToString(p.Value)
		case mqtt.ContentType, mqtt.ResponseTopic, mqtt.AssignedClientIdentifier, mqtt.AuthenticationMethod,
			mqtt.ResponseInformation, mqtt.ServerReference, mqtt.ReasonString:
			f[key] = string(p.Value)
		default:
			switch seen := f[key].(type) { // Subscription Identifiers of a PUBLISH
			case nil:
				f[key] = p.Uint
			case uint32:
				f[key] = []uint32{seen, p.Uint}
			case []uint32:
				f[key] = append(seen, p.Uint)
			}
		}
	}
	return f
}
