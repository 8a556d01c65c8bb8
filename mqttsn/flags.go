package mqttsn

import (
	"encoding/binary"
	"fmt"
)

// The bits of the Flags octet (5.3.4). Those that a message does not use are
// sent as 0 and ignored on receipt.
const (
	flagDup          = 0x80
	flagQoS          = 0x60
	flagRetain       = 0x10
	flagWill         = 0x08
	flagCleanSession = 0x04
	flagTopicIDType  = 0x03
)

const qosShift = 5

// A QoS is the quality of service of a message.
type QoS int8

// The levels. QoSMinus1 is for PUBLISH without a connection (6.8).
const (
	QoSMinus1 QoS = -1
	QoS0      QoS = 0
	QoS1      QoS = 1
	QoS2      QoS = 2
)

// qosOf reads the level from a Flags octet.
func qosOf(flags byte) QoS {
	if flags&flagQoS == flagQoS {
		return QoSMinus1
	}
	return QoS(flags & flagQoS >> qosShift)
}

// flags gives the level its place in a Flags octet; -1 is binary 11.
func (q QoS) flags() byte { return byte(q) << qosShift & flagQoS }

// A TopicIDType says how a message names its topic (5.3.4). The same number
// as a normal and as a pre-defined id names two different topics.
type TopicIDType byte

// The ways to name a topic.
const (
	TopicNormal     TopicIDType = 0 // an id agreed by REGISTER or SUBSCRIBE, or a name
	TopicPredefined TopicIDType = 1 // an id known to both sides beforehand
	TopicShort      TopicIDType = 2 // a name of two octets, in place of an id
	TopicReserved   TopicIDType = 3
)

// String names the way.
func (t TopicIDType) String() string {
	switch t {
	case TopicNormal:
		return "normal"
	case TopicPredefined:
		return "predefined"
	case TopicShort:
		return "short"
	case TopicReserved:
		return "reserved"
	}
	return fmt.Sprintf("topic id type %d", byte(t))
}

// topicIDTypeOf reads the type from a Flags octet.
func topicIDTypeOf(flags byte) TopicIDType { return TopicIDType(flags & flagTopicIDType) }

// flags gives the type its place in a Flags octet.
func (t TopicIDType) flags() byte { return byte(t) & flagTopicIDType }

// flagIf is flag where on, else no bit.
func flagIf(on bool, flag byte) byte {
	if on {
		return flag
	}
	return 0
}

// ShortName is the topic name that a TopicID of type TopicShort spells.
func ShortName(id uint16) [2]byte { return [2]byte{byte(id >> 8), byte(id)} }

// ShortID is the TopicID of type TopicShort that spells the first two octets
// of b.
func ShortID(b []byte) uint16 { return binary.BigEndian.Uint16(b) }

// reservedTopicID says that no topic may have the id (5.3.11).
func reservedTopicID(id uint16) bool { return id == 0x0000 || id == 0xFFFF }
