package mqttsn

import "encoding/hex"

// fieldsOf gives the fields of p the names and the forms of the vectors, where
// every number is a float64.
func fieldsOf(p Packet) map[string]any {
	switch p := p.(type) {
	case *Advertise:
		return map[string]any{"gw_id": number(p.GwID), "duration": number(p.Duration)}
	case *Searchgw:
		return map[string]any{"radius": number(p.Radius)}
	case *Gwinfo:
		return map[string]any{"gw_id": number(p.GwID), "gw_addr_hex": hex.EncodeToString(p.GwAdd)}
	case *Connect:
		return map[string]any{
			"will": p.Will, "clean_session": p.CleanSession, "protocol_id": number(p.ProtocolID),
			"duration": number(p.Duration), "client_id": string(p.ClientID),
		}
	case *Connack:
		return map[string]any{"return_code": number(p.Code)}
	case *Willtopic:
		return willFields(p)
	case *Willtopicupd:
		return willFields((*Willtopic)(p))
	case *Willmsg:
		return map[string]any{"will_msg_hex": hex.EncodeToString(p.Message)}
	case *Willmsgupd:
		return map[string]any{"will_msg_hex": hex.EncodeToString(p.Message)}
	case *Willtopicresp:
		return map[string]any{"return_code": number(p.Code)}
	case *Willmsgresp:
		return map[string]any{"return_code": number(p.Code)}
	case *Register:
		return map[string]any{
			"topic_id": number(p.TopicID), "msg_id": number(p.MsgID), "topic_name": string(p.TopicName),
		}
	case *Regack:
		return ackFields(p.TopicID, p.MsgID, p.Code)
	case *Puback:
		return ackFields(p.TopicID, p.MsgID, p.Code)
	case *Publish:
		f := topicFields(p.TopicIDType, nil, p.TopicID)
		if p.TopicIDType == TopicNormal || p.TopicIDType == TopicReserved {
			delete(f, "topic_name")
			f["topic_id"] = number(p.TopicID)
		}
		f["dup"], f["qos"], f["retain"] = p.Dup, number(p.QoS), p.Retain
		f["msg_id"], f["data_hex"] = number(p.MsgID), hex.EncodeToString(p.Data)
		return f
	case *Subscribe:
		f := topicFields(p.TopicIDType, p.TopicName, p.TopicID)
		f["dup"], f["qos"], f["msg_id"] = p.Dup, number(p.QoS), number(p.MsgID)
		return f
	case *Unsubscribe:
		f := topicFields(p.TopicIDType, p.TopicName, p.TopicID)
		f["msg_id"] = number(p.MsgID)
		return f
	case *Suback:
		f := ackFields(p.TopicID, p.MsgID, p.Code)
		f["qos"] = number(p.QoS)
		return f
	case *Pubrec:
		return map[string]any{"msg_id": number(p.MsgID)}
	case *Pubrel:
		return map[string]any{"msg_id": number(p.MsgID)}
	case *Pubcomp:
		return map[string]any{"msg_id": number(p.MsgID)}
	case *Unsuback:
		return map[string]any{"msg_id": number(p.MsgID)}
	case *Pingreq:
		return map[string]any{"client_id": string(p.ClientID)}
	case *Disconnect:
		if !p.HasDuration {
			return map[string]any{"duration": nil}
		}
		return map[string]any{"duration": number(p.Duration)}
	case *Forward:
		return map[string]any{
			"radius": number(p.Radius()), "wireless_node_id_hex": hex.EncodeToString(p.NodeID),
			"inner_hex": hex.EncodeToString(p.Message),
		}
	}
	return map[string]any{}
}

func number[N ~uint8 | ~uint16 | ~int8](n N) any { return float64(n) }

func ackFields(topicID, msgID uint16, c ReturnCode) map[string]any {
	return map[string]any{"topic_id": number(topicID), "msg_id": number(msgID), "return_code": number(c)}
}

func willFields(p *Willtopic) map[string]any {
	if p.Empty {
		return map[string]any{"empty": true}
	}
	return map[string]any{
		"will_qos": number(p.QoS), "will_retain": p.Retain, "will_topic": string(p.Topic),
	}
}

func topicFields(t TopicIDType, name []byte, id uint16) map[string]any {
	f := map[string]any{"topic_id_type": number(t)}
	switch t {
	case TopicNormal:
		f["topic_name"] = string(name)
	case TopicPredefined:
		f["topic_id"] = number(id)
	case TopicShort:
		short := ShortName(id)
		f["short_topic"] = string(short[:])
	}
	return f
}
