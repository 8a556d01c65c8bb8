package dump

import "github.com/dormouse-mqtt/dormouse/broker/mqtt"

// ackFields are those of PUBACK, PUBREC, PUBREL and PUBCOMP.
func ackFields(id uint16, c mqtt.ReasonCode, props mqtt.Properties, v mqtt.Version) []field {
	return append([]field{{"id", number(id)}}, reasonFields(c, props, v, 0)...)
}

// reasonFields are a reason code and properties, which 5.0 has only.
func reasonFields(c mqtt.ReasonCode, props mqtt.Properties, v mqtt.Version, t mqtt.Type) []field {
	if v != mqtt.V5 {
		return nil
	}
	return withProperties(v, props, []field{{"code", reasonCode(c, t)}})
}

// reasonCode names c. A DISCONNECT gives success another name.
func reasonCode(c mqtt.ReasonCode, t mqtt.Type) code {
	if c == mqtt.NormalDisconnection && t == mqtt.TypeDisconnect {
		return code{byte(c), "normal disconnection"}
	}
	return code{byte(c), c.String()}
}

func connackCode(c mqtt.ReasonCode, v mqtt.Version) code {
	if v == mqtt.V5 {
		return reasonCode(c, mqtt.TypeConnack)
	}
	return code{byte(c), mqtt.ReturnCode(c).String()}
}

// answers are those to filters, in their order. Zero is named by the packet.
func answers(codes []byte, v mqtt.Version, zero string) (out list) {
	for _, c := range codes {
		switch {
		case c == 0:
			out = append(out, code{c, zero})
		case c == mqtt.SubackFailure && v != mqtt.V5:
			out = append(out, code{c, "failure"})
		default: // QoS 1 and 2 are named alike in all versions
			out = append(out, code{c, mqtt.ReasonCode(c).String()})
		}
	}
	return out
}
