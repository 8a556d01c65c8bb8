package mqtt

import "fmt"

// A ReasonCode tells the result of an operation in 5.0. Those from 0x80 on are
// failures.
type ReasonCode byte

// The reason codes. Names that share a number differ by packet.
const (
	Success                             ReasonCode = 0x00
	NormalDisconnection                 ReasonCode = 0x00
	GrantedQoS0                         ReasonCode = 0x00
	GrantedQoS1                         ReasonCode = 0x01
	GrantedQoS2                         ReasonCode = 0x02
	DisconnectWithWill                  ReasonCode = 0x04
	NoMatchingSubscribers               ReasonCode = 0x10
	NoSubscriptionExisted               ReasonCode = 0x11
	ContinueAuthentication              ReasonCode = 0x18
	ReAuthenticate                      ReasonCode = 0x19
	UnspecifiedError                    ReasonCode = 0x80
	MalformedPacket                     ReasonCode = 0x81
	ProtocolError                       ReasonCode = 0x82
	ImplementationSpecificError         ReasonCode = 0x83
	UnsupportedProtocolVersion          ReasonCode = 0x84
	ClientIdentifierNotValid            ReasonCode = 0x85
	BadUserNameOrPassword               ReasonCode = 0x86
	NotAuthorized                       ReasonCode = 0x87
	ServerUnavailable                   ReasonCode = 0x88
	ServerBusy                          ReasonCode = 0x89
	Banned                              ReasonCode = 0x8A
	ServerShuttingDown                  ReasonCode = 0x8B
	BadAuthenticationMethod             ReasonCode = 0x8C
	KeepAliveTimeout                    ReasonCode = 0x8D
	SessionTakenOver                    ReasonCode = 0x8E
	TopicFilterInvalid                  ReasonCode = 0x8F
	TopicNameInvalid                    ReasonCode = 0x90
	PacketIdentifierInUse               ReasonCode = 0x91
	PacketIdentifierNotFound            ReasonCode = 0x92
	ReceiveMaximumExceeded              ReasonCode = 0x93
	TopicAliasInvalid                   ReasonCode = 0x94
	PacketTooLarge                      ReasonCode = 0x95
	MessageRateTooHigh                  ReasonCode = 0x96
	QuotaExceeded                       ReasonCode = 0x97
	AdministrativeAction                ReasonCode = 0x98
	PayloadFormatInvalid                ReasonCode = 0x99
	RetainNotSupported                  ReasonCode = 0x9A
	QoSNotSupported                     ReasonCode = 0x9B
	UseAnotherServer                    ReasonCode = 0x9C
	ServerMoved                         ReasonCode = 0x9D
	SharedSubscriptionsNotSupported     ReasonCode = 0x9E
	ConnectionRateExceeded              ReasonCode = 0x9F
	MaximumConnectTime                  ReasonCode = 0xA0
	SubscriptionIdentifiersNotSupported ReasonCode = 0xA1
	WildcardSubscriptionsNotSupported   ReasonCode = 0xA2
)

// Failed tells whether c is a failure.
func (c ReasonCode) Failed() bool { return c >= 0x80 }

func (c ReasonCode) String() string {
	if name := reasons[c].name; name != "" {
		return name
	}
	return fmt.Sprintf("ReasonCode(%#02x)", byte(c))
}

// Where a reason code may be: bit t of the low half in packets of type t from
// clients, of the high half in those from servers.
const (
	inConnack     = 1 << (16 + TypeConnack)
	inSuback      = 1 << (16 + TypeSuback)
	inUnsuback    = 1 << (16 + TypeUnsuback)
	byClientPub   = 1<<TypePuback | 1<<TypePubrec
	byServerPub   = byClientPub << 16
	inPub         = byClientPub | byServerPub
	inRel         = (1<<TypePubrel | 1<<TypePubcomp) * (1 + 1<<16)
	byClientLeave = 1 << TypeDisconnect
	byServerLeave = byClientLeave << 16
	inLeave       = byClientLeave | byServerLeave
	byClientAuth  = 1 << TypeAuth
	byServerAuth  = byClientAuth << 16
)

var reasons = [256]struct {
	name string
	in   uint32
}{
	Success:                             {"success", inConnack | inPub | inRel | inSuback | inUnsuback | inLeave | byServerAuth},
	GrantedQoS1:                         {"granted QoS 1", inSuback},
	GrantedQoS2:                         {"granted QoS 2", inSuback},
	DisconnectWithWill:                  {"disconnect with will message", byClientLeave},
	NoMatchingSubscribers:               {"no matching subscribers", byServerPub},
	NoSubscriptionExisted:               {"no subscription existed", inUnsuback},
	ContinueAuthentication:              {"continue authentication", byClientAuth | byServerAuth},
	ReAuthenticate:                      {"re-authenticate", byClientAuth},
	UnspecifiedError:                    {"unspecified error", inConnack | inPub | inSuback | inUnsuback | inLeave},
	MalformedPacket:                     {"malformed packet", inConnack | inLeave},
	ProtocolError:                       {"protocol error", inConnack | inLeave},
	ImplementationSpecificError:         {"implementation specific error", inConnack | inPub | inSuback | inUnsuback | inLeave},
	UnsupportedProtocolVersion:          {"unsupported protocol version", inConnack},
	ClientIdentifierNotValid:            {"client identifier not valid", inConnack},
	BadUserNameOrPassword:               {"bad user name or password", inConnack},
	NotAuthorized:                       {"not authorized", inConnack | inPub | inSuback | inUnsuback | byServerLeave},
	ServerUnavailable:                   {"server unavailable", inConnack},
	ServerBusy:                          {"server busy", inConnack | byServerLeave},
	Banned:                              {"banned", inConnack},
	ServerShuttingDown:                  {"server shutting down", byServerLeave},
	BadAuthenticationMethod:             {"bad authentication method", inConnack | byServerLeave}, // tables 2-6 and 3-10 disagree
	KeepAliveTimeout:                    {"keep alive timeout", byServerLeave},
	SessionTakenOver:                    {"session taken over", byServerLeave},
	TopicFilterInvalid:                  {"topic filter invalid", inSuback | inUnsuback | byServerLeave},
	TopicNameInvalid:                    {"topic name invalid", inConnack | inPub | inLeave},
	PacketIdentifierInUse:               {"packet identifier in use", inPub | inSuback | inUnsuback},
	PacketIdentifierNotFound:            {"packet identifier not found", inRel},
	ReceiveMaximumExceeded:              {"receive maximum exceeded", inLeave},
	TopicAliasInvalid:                   {"topic alias invalid", inLeave},
	PacketTooLarge:                      {"packet too large", inConnack | inLeave},
	MessageRateTooHigh:                  {"message rate too high", inLeave},
	QuotaExceeded:                       {"quota exceeded", inConnack | inPub | inSuback | inLeave},
	AdministrativeAction:                {"administrative action", inLeave},
	PayloadFormatInvalid:                {"payload format invalid", inConnack | inPub | inLeave},
	RetainNotSupported:                  {"retain not supported", inConnack | byServerLeave},
	QoSNotSupported:                     {"QoS not supported", inConnack | byServerLeave},
	UseAnotherServer:                    {"use another server", inConnack | byServerLeave},
	ServerMoved:                         {"server moved", inConnack | byServerLeave},
	SharedSubscriptionsNotSupported:     {"shared subscriptions not supported", inSuback | byServerLeave},
	ConnectionRateExceeded:              {"connection rate exceeded", inConnack | byServerLeave},
	MaximumConnectTime:                  {"maximum connect time", byServerLeave},
	SubscriptionIdentifiersNotSupported: {"subscription identifiers not supported", inSuback | byServerLeave},
	WildcardSubscriptionsNotSupported:   {"wildcard subscriptions not supported", inSuback | byServerLeave},
}

// Allowed tells whether a packet of type t from s may carry c.
func (c ReasonCode) Allowed(t Type, s Sender) bool {
	in := reasons[c].in
	switch s {
	case FromClient:
		in &= 0xffff
	case FromServer:
		in >>= 16
	default:
		in |= in >> 16
	}
	return in&(1<<t) != 0
}
