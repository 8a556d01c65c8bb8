// Package mqtt encodes and decodes MQTT 3.1, 3.1.1 and 5.0 packets.
//
// It is a pure codec: no I/O, no clock, no goroutine, no lock. Frame measures
// the first packet of a byte stream, a Decoder decodes it, and AppendTo of each
// packet appends its wire form. A decoded packet aliases the octets it came
// from and lives in the Decoder until its next call; copy what is to be kept.
//
// What the codec refuses is what can be told from one packet alone: form,
// flags, lengths, UTF-8, properties, reason codes. What depends on the session
// (a second CONNECT, a Topic Alias above the maximum, a refused Client
// Identifier) and whether a Topic Filter is well formed are decided elsewhere.
//
// References such as [MQTT-3.3.1-2] are statements of the OASIS texts.
package mqtt

import "strconv"

// A Version is a protocol level as CONNECT names it. The zero Version stands
// for "not known yet": the only packet that may come then is a CONNECT.
type Version byte

// The versions of MQTT.
const (
	V31  Version = 3
	V311 Version = 4
	V5   Version = 5
)

func (v Version) String() string {
	switch v {
	case V31:
		return "3.1"
	case V311:
		return "3.1.1"
	case V5:
		return "5.0"
	}
	return "Version(" + strconv.Itoa(int(v)) + ")"
}

// A Type is the type of a packet, the upper four bits of its first octet.
type Type byte

// The packet types. 0 is reserved in all versions, AUTH before 5.0.
const (
	TypeConnect     Type = 1
	TypeConnack     Type = 2
	TypePublish     Type = 3
	TypePuback      Type = 4
	TypePubrec      Type = 5
	TypePubrel      Type = 6
	TypePubcomp     Type = 7
	TypeSubscribe   Type = 8
	TypeSuback      Type = 9
	TypeUnsubscribe Type = 10
	TypeUnsuback    Type = 11
	TypePingreq     Type = 12
	TypePingresp    Type = 13
	TypeDisconnect  Type = 14
	TypeAuth        Type = 15
)

var typeNames = [16]string{
	"RESERVED", "CONNECT", "CONNACK", "PUBLISH", "PUBACK", "PUBREC", "PUBREL", "PUBCOMP",
	"SUBSCRIBE", "SUBACK", "UNSUBSCRIBE", "UNSUBACK", "PINGREQ", "PINGRESP", "DISCONNECT", "AUTH",
}

func (t Type) String() string {
	if int(t) < len(typeNames) {
		return typeNames[t]
	}
	return "Type(" + strconv.Itoa(int(t)) + ")"
}

// A QoS is a quality of service: at most once, at least once, exactly once.
type QoS byte

// The qualities of service.
const (
	AtMostOnce  QoS = 0
	AtLeastOnce QoS = 1
	ExactlyOnce QoS = 2
)

// A Packet is a pointer to one of the packet structs.
type Packet interface {
	Type() Type
	// AppendTo appends the wire form in version v to b. What v cannot say,
	// such as properties before 5.0, is left out. Lengths are not checked: a
	// string over 65,535 octets is the caller's mistake.
	AppendTo(b []byte, v Version) []byte
}

// A Sender is the end of a connection that a packet comes from.
type Sender byte

// The senders. FromAnyone leaves the rules out that bind one of them only.
const (
	FromAnyone Sender = iota
	FromClient
	FromServer
)
