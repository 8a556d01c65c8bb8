package dump

import "github.com/dormouse-mqtt/dormouse/mqttsn"

// messageFields are all fields of an MQTT-SN message.
func messageFields(p mqttsn.Packet) []field {
	switch p := p.(type) {
	case *mqttsn.Advertise:
		return []field{{"gw_id", number(p.GwID)}, {"duration", number(p.Duration)}}
	case *mqttsn.Searchgw:
		return []field{{"radius", number(p.Radius)}}
	case *mqttsn.Gwinfo:
		return []field{{"gw_id", number(p.GwID)}, {"gw_add", data(p.GwAdd)}}
	case *mqttsn.Connect:
		return []field{
			{"client_id", str(p.ClientID)}, {"clean_session", bit(p.CleanSession)}, {"will", bit(p.Will)},
			{"duration", number(p.Duration)}, {"protocol_id", number(p.ProtocolID)}}
	case *mqttsn.Connack:
		return codeFields(p.Code)
	case *mqttsn.Register:
		return []field{{"topic_id", number(p.TopicID)}, {"id", number(p.MsgID)}, {"topic", str(p.TopicName)}}
	case *mqttsn.Regack:
		return answerFields(p.TopicID, p.MsgID, p.Code)
	case *mqttsn.Publish:
		return append(publishTopic(p), field{"payload", data(p.Data)})
	case *mqttsn.Puback:
		return answerFields(p.TopicID, p.MsgID, p.Code)
	case *mqttsn.Subscribe:
		out := []field{{"id", number(p.MsgID)}, {"qos", number(p.QoS)}, {"dup", bit(p.Dup)}}
		return append(out, topicFields(p.TopicIDType, p.TopicName, p.TopicID)...)
	case *mqttsn.Suback:
		return append(answerFields(p.TopicID, p.MsgID, p.Code), field{"qos", number(p.QoS)})
	case *mqttsn.Unsubscribe:
		return append([]field{{"id", number(p.MsgID)}}, topicFields(p.TopicIDType, p.TopicName, p.TopicID)...)
	case *mqttsn.Pingreq:
		return []field{{"client_id", str(p.ClientID)}}
	case *mqttsn.Disconnect:
		if p.HasDuration {
			return []field{{"duration", number(p.Duration)}}
		}
		return nil
	}
	return smallFields(p)
}

// smallFields are those of the messages about wills and of QoS 2.
func smallFields(p mqttsn.Packet) []field {
	switch p := p.(type) {
	case *mqttsn.Willtopic:
		return willFields(p)
	case *mqttsn.Willtopicupd:
		return willFields((*mqttsn.Willtopic)(p))
	case *mqttsn.Willmsg:
		return []field{{"payload", data(p.Message)}}
	case *mqttsn.Willmsgupd:
		return []field{{"payload", data(p.Message)}}
	case *mqttsn.Willtopicresp:
		return codeFields(p.Code)
	case *mqttsn.Willmsgresp:
		return codeFields(p.Code)
	case *mqttsn.Pubrec:
		return []field{{"id", number(p.MsgID)}}
	case *mqttsn.Pubrel:
		return []field{{"id", number(p.MsgID)}}
	case *mqttsn.Pubcomp:
		return []field{{"id", number(p.MsgID)}}
	case *mqttsn.Unsuback:
		return []field{{"id", number(p.MsgID)}}
	}
	return nil // WILLTOPICREQ, WILLMSGREQ and PINGRESP
}

func publishTopic(p *mqttsn.Publish) []field {
	out := []field{{"id", number(p.MsgID)}, {"qos", number(p.QoS)}, {"dup", bit(p.Dup)}, {"retain", bit(p.Retain)}}
	if p.TopicIDType == mqttsn.TopicShort {
		return append(out, topicFields(p.TopicIDType, nil, p.TopicID)...)
	}
	return append(out, field{"topic_id_type", word(p.TopicIDType.String())}, field{"topic_id", number(p.TopicID)})
}

// topicFields are a topic and the way in which it is named.
func topicFields(t mqttsn.TopicIDType, name []byte, id uint16) []field {
	out := []field{{"topic_id_type", word(t.String())}}
	switch t {
	case mqttsn.TopicPredefined:
		return append(out, field{"topic_id", number(id)})
	case mqttsn.TopicShort:
		short := mqttsn.ShortName(id)
		name = short[:]
	}
	return append(out, field{"topic", str(name)})
}

func willFields(p *mqttsn.Willtopic) []field {
	if p.Empty {
		return []field{{"empty", bit(true)}}
	}
	return []field{{"qos", number(p.QoS)}, {"retain", bit(p.Retain)}, {"topic", str(p.Topic)}}
}

func codeFields(c mqttsn.ReturnCode) []field {
	return []field{{"code", code{byte(c), c.String()}}}
}

func answerFields(topicID, id uint16, c mqttsn.ReturnCode) []field {
	return append([]field{{"topic_id", number(topicID)}, {"id", number(id)}}, codeFields(c)...)
}
