package crosscheck

import (
	"bytes"
	"encoding/hex"

	paho5 "github.com/eclipse/paho.golang/packets"
)

// pahoV5 is github.com/eclipse/paho.golang/packets, which speaks 5.0.
type pahoV5 struct{ packet *paho5.ControlPacket }

func decodeV5(octets []byte) (_ peerPacket, err error) {
	defer caught(&err)
	r := bytes.NewReader(octets)
	p, err := paho5.ReadPacket(r)
	if err != nil {
		return nil, err
	}
	return pahoV5{p}, leftOver(r)
}

func (p pahoV5) encode() (_ []byte, err error) {
	defer caught(&err)
	var b bytes.Buffer
	_, err = p.packet.WriteTo(&b)
	return b.Bytes(), err
}

func (p pahoV5) fields(v *vector) object {
	f := object{"type": p.packet.PacketType()}
	ack := func(id uint16, code byte, props *paho5.Properties) {
		f["packet_id"], f["code"], f["properties"] = id, code, propertiesOfV5(props)
	}
	switch p := p.packet.Content.(type) {
	case *paho5.Connect:
		connectOfV5(f, p)
	case *paho5.Connack:
		f["session_present"], f["code"], f["properties"] = p.SessionPresent, p.ReasonCode, propertiesOfV5(p.Properties)
	case *paho5.Publish:
		f["dup"], f["qos"], f["retain"], f["topic"] = p.Duplicate, p.QoS, p.Retain, p.Topic
		if p.QoS > 0 {
			f["packet_id"] = p.PacketID
		}
		v.payload(f, p.Payload)
		f["properties"] = propertiesOfV5(p.Properties)
	case *paho5.Puback:
		ack(p.PacketID, p.ReasonCode, p.Properties)
	case *paho5.Pubrec:
		ack(p.PacketID, p.ReasonCode, p.Properties)
	case *paho5.Pubrel:
		ack(p.PacketID, p.ReasonCode, p.Properties)
	case *paho5.Pubcomp:
		ack(p.PacketID, p.ReasonCode, p.Properties)
	case *paho5.Subscribe:
		filters := []object{}
		for _, s := range p.Subscriptions {
			filters = append(filters, object{
				"filter": s.Topic, "qos": s.QoS, "no_local": s.NoLocal,
				"retain_as_published": s.RetainAsPublished, "retain_handling": s.RetainHandling,
			})
		}
		f["packet_id"], f["filters"], f["properties"] = p.PacketID, filters, propertiesOfV5(p.Properties)
	case *paho5.Suback:
		f["packet_id"], f["codes"], f["properties"] = p.PacketID, numbers(p.Reasons), propertiesOfV5(p.Properties)
	case *paho5.Unsubscribe:
		f["packet_id"], f["filters"], f["properties"] = p.PacketID, p.Topics, propertiesOfV5(p.Properties)
	case *paho5.Unsuback:
		f["packet_id"], f["codes"], f["properties"] = p.PacketID, numbers(p.Reasons), propertiesOfV5(p.Properties)
	case *paho5.Disconnect:
		f["code"], f["properties"] = p.ReasonCode, propertiesOfV5(p.Properties)
	case *paho5.Auth:
		f["code"], f["properties"] = p.ReasonCode, propertiesOfV5(p.Properties)
	}
	return f
}

func connectOfV5(f object, p *paho5.Connect) {
	f["protocol_name"], f["protocol_level"] = p.ProtocolName, p.ProtocolVersion
	f["clean"], f["keep_alive"], f["client_id"] = p.CleanStart, p.KeepAlive, p.ClientID
	f["properties"] = propertiesOfV5(p.Properties)
	if p.WillFlag {
		f["will"] = object{
			"topic": p.WillTopic, "payload_hex": hex.EncodeToString(p.WillMessage),
			"qos": p.WillQOS, "retain": p.WillRetain, "properties": propertiesOfV5(p.WillProperties),
		}
	}
	if p.UsernameFlag {
		f["username"] = p.Username
	}
	if p.PasswordFlag {
		f["password_hex"] = hex.EncodeToString(p.Password)
	}
}

// propertiesOfV5 shows the properties that are there; an empty string is to
// paho one that is not.
func propertiesOfV5(p *paho5.Properties) object {
	f := object{}
	show(f, "payload_format_indicator", p.PayloadFormat)
	show(f, "message_expiry_interval", p.MessageExpiry)
	show(f, "subscription_identifier", p.SubscriptionIdentifier)
	show(f, "session_expiry_interval", p.SessionExpiryInterval)
	show(f, "server_keep_alive", p.ServerKeepAlive)
	show(f, "request_problem_information", p.RequestProblemInfo)
	show(f, "will_delay_interval", p.WillDelayInterval)
	show(f, "request_response_information", p.RequestResponseInfo)
	show(f, "receive_maximum", p.ReceiveMaximum)
	show(f, "topic_alias_maximum", p.TopicAliasMaximum)
	show(f, "topic_alias", p.TopicAlias)
	show(f, "maximum_qos", p.MaximumQOS)
	show(f, "retain_available", p.RetainAvailable)
	show(f, "maximum_packet_size", p.MaximumPacketSize)
	show(f, "wildcard_subscription_available", p.WildcardSubAvailable)
	show(f, "subscription_identifier_available", p.SubIDAvailable)
	show(f, "shared_subscription_available", p.SharedSubAvailable)
	for key, value := range map[string]string{
		"content_type":               p.ContentType,
		"response_topic":             p.ResponseTopic,
		"correlation_data_hex":       hex.EncodeToString(p.CorrelationData),
		"assigned_client_identifier": p.AssignedClientID,
		"authentication_method":      p.AuthMethod,
		"authentication_data_hex":    hex.EncodeToString(p.AuthData),
		"response_information":       p.ResponseInfo,
		"server_reference":           p.ServerReference,
		"reason_string":              p.ReasonString,
	} {
		if value != "" {
			f[key] = value
		}
	}
	var pairs [][]string
	for _, u := range p.User {
		pairs = append(pairs, []string{u.Key, u.Value})
	}
	if pairs != nil {
		f["user_property"] = pairs
	}
	return f
}

func show[T any](f object, key string, value *T) {
	if value != nil {
		f[key] = *value
	}
}
