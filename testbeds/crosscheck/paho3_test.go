package crosscheck

import (
	"bytes"
	"encoding/hex"

	paho3 "github.com/eclipse/paho.mqtt.golang/packets"
)

// pahoV3 is github.com/eclipse/paho.mqtt.golang/packets, which speaks 3.1 and 3.1.1.
type pahoV3 struct{ packet paho3.ControlPacket }

func decodeV3(octets []byte) (_ peerPacket, err error) {
	defer caught(&err)
	r := bytes.NewReader(octets)
	p, err := paho3.ReadPacket(r)
	if err != nil {
		return nil, err
	}
	return pahoV3{p}, leftOver(r)
}

func (p pahoV3) encode() (_ []byte, err error) {
	defer caught(&err)
	var b bytes.Buffer
	err = p.packet.Write(&b)
	return b.Bytes(), err
}

func (p pahoV3) fields(v *vector) object {
	f := object{}
	start := func(h paho3.FixedHeader, id uint16) {
		f["type"], f["packet_id"] = paho3.PacketNames[h.MessageType], id
		if h.Dup {
			f["dup"] = true
		}
	}
	switch p := p.packet.(type) {
	case *paho3.ConnectPacket:
		connectOfV3(f, p)
	case *paho3.ConnackPacket:
		f["type"], f["session_present"], f["code"] = "CONNACK", p.SessionPresent, p.ReturnCode
	case *paho3.PublishPacket:
		f["type"], f["dup"], f["qos"], f["retain"], f["topic"] = "PUBLISH", p.Dup, p.Qos, p.Retain, p.TopicName
		if p.Qos > 0 {
			f["packet_id"] = p.MessageID
		}
		v.payload(f, p.Payload)
	case *paho3.PubackPacket:
		start(p.FixedHeader, p.MessageID)
	case *paho3.PubrecPacket:
		start(p.FixedHeader, p.MessageID)
	case *paho3.PubrelPacket:
		start(p.FixedHeader, p.MessageID)
	case *paho3.PubcompPacket:
		start(p.FixedHeader, p.MessageID)
	case *paho3.SubscribePacket:
		start(p.FixedHeader, p.MessageID)
		filters := []object{}
		for i, topic := range p.Topics {
			filters = append(filters, object{"filter": topic, "qos": p.Qoss[i]})
		}
		f["filters"] = filters
	case *paho3.SubackPacket:
		start(p.FixedHeader, p.MessageID)
		f["codes"] = numbers(p.ReturnCodes)
	case *paho3.UnsubscribePacket:
		start(p.FixedHeader, p.MessageID)
		f["filters"] = p.Topics
	case *paho3.UnsubackPacket:
		start(p.FixedHeader, p.MessageID)
	case *paho3.PingreqPacket:
		f["type"] = "PINGREQ"
	case *paho3.PingrespPacket:
		f["type"] = "PINGRESP"
	case *paho3.DisconnectPacket:
		f["type"] = "DISCONNECT"
	}
	return f
}

func connectOfV3(f object, p *paho3.ConnectPacket) {
	f["type"], f["protocol_name"], f["protocol_level"] = "CONNECT", p.ProtocolName, p.ProtocolVersion
	f["clean"], f["keep_alive"], f["client_id"] = p.CleanSession, p.Keepalive, p.ClientIdentifier
	if p.WillFlag {
		f["will"] = object{
			"topic": p.WillTopic, "payload_hex": hex.EncodeToString(p.WillMessage),
			"qos": p.WillQos, "retain": p.WillRetain,
		}
	}
	if p.UsernameFlag {
		f["username"] = p.Username
	}
	if p.PasswordFlag {
		f["password_hex"] = hex.EncodeToString(p.Password)
	}
}
