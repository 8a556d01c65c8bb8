package mqtt

import "strconv"

// A PropertyID names a property of 5.0. It is a variable byte integer, of one
// octet for all that exist.
type PropertyID byte

// The properties.
const (
	PayloadFormatIndicator          PropertyID = 0x01
	MessageExpiryInterval           PropertyID = 0x02
	ContentType                     PropertyID = 0x03
	ResponseTopic                   PropertyID = 0x08
	CorrelationData                 PropertyID = 0x09
	SubscriptionIdentifier          PropertyID = 0x0B
	SessionExpiryInterval           PropertyID = 0x11
	AssignedClientIdentifier        PropertyID = 0x12
	ServerKeepAlive                 PropertyID = 0x13
	AuthenticationMethod            PropertyID = 0x15
	AuthenticationData              PropertyID = 0x16
	RequestProblemInformation       PropertyID = 0x17
	WillDelayInterval               PropertyID = 0x18
	RequestResponseInformation      PropertyID = 0x19
	ResponseInformation             PropertyID = 0x1A
	ServerReference                 PropertyID = 0x1C
	ReasonString                    PropertyID = 0x1F
	ReceiveMaximum                  PropertyID = 0x21
	TopicAliasMaximum               PropertyID = 0x22
	TopicAlias                      PropertyID = 0x23
	MaximumQoS                      PropertyID = 0x24
	RetainAvailable                 PropertyID = 0x25
	UserProperty                    PropertyID = 0x26
	MaximumPacketSize               PropertyID = 0x27
	WildcardSubscriptionAvailable   PropertyID = 0x28
	SubscriptionIdentifierAvailable PropertyID = 0x29
	SharedSubscriptionAvailable     PropertyID = 0x2A

	propertyIDs = 0x2B
)

// A wireType is the form of a property's value.
type wireType byte

const (
	wireByte wireType = iota + 1
	wireUint16
	wireUint32
	wireVarint
	wireString
	wireBinary
	wirePair
)

// A valueRule is what a value must be beyond its form.
type valueRule byte

const (
	anyValue  valueRule = iota
	zeroOrOne           // else 0x82
	notZero             // else 0x82
	alias               // not zero, else 0x94
	topicName           // no wildcard, else 0x82
)

// Packets are bits of a set; the will properties of CONNECT use the reserved type.
const (
	pWill        = 1 << 0
	pConnect     = 1 << TypeConnect
	pConnack     = 1 << TypeConnack
	pPublish     = 1 << TypePublish
	pAcks        = 1<<TypePuback | 1<<TypePubrec | 1<<TypePubrel | 1<<TypePubcomp
	pSubscribe   = 1 << TypeSubscribe
	pSuback      = 1 << TypeSuback
	pUnsubscribe = 1 << TypeUnsubscribe
	pUnsuback    = 1 << TypeUnsuback
	pDisconnect  = 1 << TypeDisconnect
	pAuth        = 1 << TypeAuth
	pAll         = pWill | pConnect | pConnack | pPublish | pAcks | pSubscribe | pSuback |
		pUnsubscribe | pUnsuback | pDisconnect | pAuth
)

// A propertyRule is a row of the table of properties (5.0, 2.2.2.2).
type propertyRule struct {
	name     string
	wire     wireType
	in       uint16 // packets it may be in
	notBy    Sender // who may not send it in unsent, though the table allows it
	unsent   uint16
	mayTwice uint16 // packets it may be repeated in
	value    valueRule
}

var propertyRules = [propertyIDs]propertyRule{
	PayloadFormatIndicator:          {name: "Payload Format Indicator", wire: wireByte, in: pPublish | pWill, value: zeroOrOne},
	MessageExpiryInterval:           {name: "Message Expiry Interval", wire: wireUint32, in: pPublish | pWill},
	ContentType:                     {name: "Content Type", wire: wireString, in: pPublish | pWill},
	ResponseTopic:                   {name: "Response Topic", wire: wireString, in: pPublish | pWill, value: topicName},
	CorrelationData:                 {name: "Correlation Data", wire: wireBinary, in: pPublish | pWill},
	SubscriptionIdentifier:          {name: "Subscription Identifier", wire: wireVarint, in: pPublish | pSubscribe, notBy: FromClient, unsent: pPublish, mayTwice: pPublish, value: notZero},
	SessionExpiryInterval:           {name: "Session Expiry Interval", wire: wireUint32, in: pConnect | pConnack | pDisconnect, notBy: FromServer, unsent: pDisconnect},
	AssignedClientIdentifier:        {name: "Assigned Client Identifier", wire: wireString, in: pConnack},
	ServerKeepAlive:                 {name: "Server Keep Alive", wire: wireUint16, in: pConnack},
	AuthenticationMethod:            {name: "Authentication Method", wire: wireString, in: pConnect | pConnack | pAuth},
	AuthenticationData:              {name: "Authentication Data", wire: wireBinary, in: pConnect | pConnack | pAuth},
	RequestProblemInformation:       {name: "Request Problem Information", wire: wireByte, in: pConnect, value: zeroOrOne},
	WillDelayInterval:               {name: "Will Delay Interval", wire: wireUint32, in: pWill},
	RequestResponseInformation:      {name: "Request Response Information", wire: wireByte, in: pConnect, value: zeroOrOne},
	ResponseInformation:             {name: "Response Information", wire: wireString, in: pConnack},
	ServerReference:                 {name: "Server Reference", wire: wireString, in: pConnack | pDisconnect, notBy: FromClient, unsent: pDisconnect},
	ReasonString:                    {name: "Reason String", wire: wireString, in: pConnack | pAcks | pSuback | pUnsuback | pDisconnect | pAuth},
	ReceiveMaximum:                  {name: "Receive Maximum", wire: wireUint16, in: pConnect | pConnack, value: notZero},
	TopicAliasMaximum:               {name: "Topic Alias Maximum", wire: wireUint16, in: pConnect | pConnack},
	TopicAlias:                      {name: "Topic Alias", wire: wireUint16, in: pPublish, value: alias},
	MaximumQoS:                      {name: "Maximum QoS", wire: wireByte, in: pConnack, value: zeroOrOne},
	RetainAvailable:                 {name: "Retain Available", wire: wireByte, in: pConnack, value: zeroOrOne},
	UserProperty:                    {name: "User Property", wire: wirePair, in: pAll, mayTwice: pAll},
	MaximumPacketSize:               {name: "Maximum Packet Size", wire: wireUint32, in: pConnect | pConnack, value: notZero},
	WildcardSubscriptionAvailable:   {name: "Wildcard Subscription Available", wire: wireByte, in: pConnack, value: zeroOrOne},
	SubscriptionIdentifierAvailable: {name: "Subscription Identifier Available", wire: wireByte, in: pConnack, value: zeroOrOne},
	SharedSubscriptionAvailable:     {name: "Shared Subscription Available", wire: wireByte, in: pConnack, value: zeroOrOne},
}

func (id PropertyID) String() string {
	if id < propertyIDs && propertyRules[id].name != "" {
		return propertyRules[id].name
	}
	return "PropertyID(" + strconv.Itoa(int(id)) + ")"
}
