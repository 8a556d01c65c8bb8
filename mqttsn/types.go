package mqttsn

import "fmt"

// A Packet is one MQTT-SN message: a pointer to one of the structs of this
// package.
type Packet interface {
	// Type is the MsgType octet.
	Type() Type
	// AppendTo appends the wire form to b. The whole message must not exceed
	// MaxLength.
	AppendTo(b []byte) []byte
}

// A Type is the MsgType octet of a message (5.2.2).
type Type byte

// The message types. PUBCOMP, PUBREC and PUBREL are not in the order of MQTT.
const (
	TypeAdvertise     Type = 0x00
	TypeSearchgw      Type = 0x01
	TypeGwinfo        Type = 0x02
	TypeConnect       Type = 0x04
	TypeConnack       Type = 0x05
	TypeWilltopicreq  Type = 0x06
	TypeWilltopic     Type = 0x07
	TypeWillmsgreq    Type = 0x08
	TypeWillmsg       Type = 0x09
	TypeRegister      Type = 0x0A
	TypeRegack        Type = 0x0B
	TypePublish       Type = 0x0C
	TypePuback        Type = 0x0D
	TypePubcomp       Type = 0x0E
	TypePubrec        Type = 0x0F
	TypePubrel        Type = 0x10
	TypeSubscribe     Type = 0x12
	TypeSuback        Type = 0x13
	TypeUnsubscribe   Type = 0x14
	TypeUnsuback      Type = 0x15
	TypePingreq       Type = 0x16
	TypePingresp      Type = 0x17
	TypeDisconnect    Type = 0x18
	TypeWilltopicupd  Type = 0x1A
	TypeWilltopicresp Type = 0x1B
	TypeWillmsgupd    Type = 0x1C
	TypeWillmsgresp   Type = 0x1D
	TypeForward       Type = 0xFE

	// TypeNone is a reserved octet that stands in errors for a type that
	// could not be read.
	TypeNone Type = 0xFF
)

var typeNames = [256]string{
	TypeAdvertise:     "ADVERTISE",
	TypeSearchgw:      "SEARCHGW",
	TypeGwinfo:        "GWINFO",
	TypeConnect:       "CONNECT",
	TypeConnack:       "CONNACK",
	TypeWilltopicreq:  "WILLTOPICREQ",
	TypeWilltopic:     "WILLTOPIC",
	TypeWillmsgreq:    "WILLMSGREQ",
	TypeWillmsg:       "WILLMSG",
	TypeRegister:      "REGISTER",
	TypeRegack:        "REGACK",
	TypePublish:       "PUBLISH",
	TypePuback:        "PUBACK",
	TypePubcomp:       "PUBCOMP",
	TypePubrec:        "PUBREC",
	TypePubrel:        "PUBREL",
	TypeSubscribe:     "SUBSCRIBE",
	TypeSuback:        "SUBACK",
	TypeUnsubscribe:   "UNSUBSCRIBE",
	TypeUnsuback:      "UNSUBACK",
	TypePingreq:       "PINGREQ",
	TypePingresp:      "PINGRESP",
	TypeDisconnect:    "DISCONNECT",
	TypeWilltopicupd:  "WILLTOPICUPD",
	TypeWilltopicresp: "WILLTOPICRESP",
	TypeWillmsgupd:    "WILLMSGUPD",
	TypeWillmsgresp:   "WILLMSGRESP",
	TypeForward:       "ENCAPSULATED",
}

// String is the name that the specification gives the message.
func (t Type) String() string {
	if t.reserved() {
		return fmt.Sprintf("reserved type 0x%02X", byte(t))
	}
	return typeNames[t]
}

// reserved says that MQTT-SN 1.2 gives the type no meaning.
func (t Type) reserved() bool { return typeNames[t] == "" }

// A ReturnCode is how a request was answered (5.3.10).
type ReturnCode byte

// The return codes. Any other is a refusal too; gateways exist that send
// private ones.
const (
	Accepted       ReturnCode = 0
	Congestion     ReturnCode = 1 // try again after T_WAIT
	InvalidTopicID ReturnCode = 2 // register the name again
	NotSupported   ReturnCode = 3 // do not repeat unchanged
)

// String is the meaning of the code.
func (c ReturnCode) String() string {
	switch c {
	case Accepted:
		return "accepted"
	case Congestion:
		return "rejected: congestion"
	case InvalidTopicID:
		return "rejected: invalid topic id"
	case NotSupported:
		return "rejected: not supported"
	}
	return fmt.Sprintf("rejected: reserved code 0x%02X", byte(c))
}
