package dump

import "github.com/dormouse-mqtt/dormouse/broker/mqtt"

// mqttFields are all fields of a packet in version v.
func mqttFields(p mqtt.Packet, v mqtt.Version) []field {
	switch p := p.(type) {
	case *mqtt.Connect:
		return connectFields(p)
	case *mqtt.Connack:
		return withProperties(v, p.Properties, []field{
			{"session_present", bit(p.SessionPresent)}, {"code", connackCode(p.Code, v)}})
	case *mqtt.Publish:
		return publishFields(p, v)
	case *mqtt.Puback:
		return ackFields(p.PacketID, p.Code, p.Properties, v)
	case *mqtt.Pubrec:
		return ackFields(p.PacketID, p.Code, p.Properties, v)
	case *mqtt.Pubrel:
		return append(ackFields(p.PacketID, p.Code, p.Properties, v), dupOf(p.Dup, v)...)
	case *mqtt.Pubcomp:
		return ackFields(p.PacketID, p.Code, p.Properties, v)
	case *mqtt.Subscribe:
		return subscribeFields(p, v)
	case *mqtt.Suback:
		return withProperties(v, p.Properties, []field{{"id", number(p.PacketID)}, {"codes", answers(p.Codes, v, "granted QoS 0")}})
	case *mqtt.Unsubscribe:
		return unsubscribeFields(p, v)
	case *mqtt.Unsuback:
		return unsubackFields(p, v)
	case *mqtt.Disconnect:
		return reasonFields(p.Code, p.Properties, v, mqtt.TypeDisconnect)
	case *mqtt.Auth:
		return reasonFields(p.Code, p.Properties, v, mqtt.TypeAuth)
	}
	return nil // PINGREQ and PINGRESP
}

func connectFields(p *mqtt.Connect) []field {
	out := withProperties(p.Version, p.Properties, []field{
		{"client_id", str(p.ClientID)},
		{cleanName(p.Version), bit(p.CleanStart)},
		{"keep_alive", number(p.KeepAlive)},
		{"bridge", bit(p.BridgeBit)},
	})
	if p.HasWill {
		out = append(out, field{"will", object(withProperties(p.Version, p.Will.Properties, []field{
			{"qos", number(p.Will.QoS)},
			{"retain", bit(p.Will.Retain)},
			{"topic", str(p.Will.Topic)},
			{"payload", data(p.Will.Payload)},
		}))})
	}
	if p.HasUserName {
		out = append(out, field{"user_name", str(p.UserName)})
	}
	if p.HasPassword {
		out = append(out, field{"password", data(p.Password)})
	}
	return out
}

func cleanName(v mqtt.Version) string {
	if v == mqtt.V5 {
		return "clean_start"
	}
	return "clean_session"
}

func publishFields(p *mqtt.Publish, v mqtt.Version) (out []field) {
	if p.QoS > mqtt.AtMostOnce {
		out = append(out, field{"id", number(p.PacketID)})
	}
	out = append(out,
		field{"qos", number(p.QoS)}, field{"dup", bit(p.Dup)}, field{"retain", bit(p.Retain)},
		field{"topic", str(p.Topic)})
	return append(withProperties(v, p.Properties, out), field{"payload", data(p.Payload)})
}

func subscribeFields(p *mqtt.Subscribe, v mqtt.Version) []field {
	var filters list
	for filter, o := range p.Filters.All() {
		f := object{{"filter", str(filter)}, {"qos", number(o.QoS)}}
		if v == mqtt.V5 {
			f = append(f, field{"no_local", bit(o.NoLocal)},
				field{"retain_as_published", bit(o.RetainAsPublished)},
				field{"retain_handling", number(o.RetainHandling)})
		}
		filters = append(filters, f)
	}
	out := append([]field{{"id", number(p.PacketID)}}, dupOf(p.Dup, v)...)
	return withProperties(v, p.Properties, append(out, field{"filters", filters}))
}

func unsubscribeFields(p *mqtt.Unsubscribe, v mqtt.Version) []field {
	var filters list
	for filter := range p.Filters.All() {
		filters = append(filters, str(filter))
	}
	out := append([]field{{"id", number(p.PacketID)}}, dupOf(p.Dup, v)...)
	return withProperties(v, p.Properties, append(out, field{"filters", filters}))
}

func unsubackFields(p *mqtt.Unsuback, v mqtt.Version) []field {
	out := []field{{"id", number(p.PacketID)}}
	if v == mqtt.V5 {
		out = append(out, field{"codes", answers(p.Codes, v, "success")})
	}
	return withProperties(v, p.Properties, out)
}

// dupOf is the DUP flag of what had one in 3.1 only.
func dupOf(dup bool, v mqtt.Version) []field {
	if v == mqtt.V31 {
		return []field{{"dup", bit(dup)}}
	}
	return nil
}
