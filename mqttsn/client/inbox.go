package client

import (
	"bytes"

	"github.com/dormouse-mqtt/dormouse/mqttsn"
)

// An inbox tells a repetition of the last QoS 1 message from a new one. One is
// under way at a time (6), so the last one is enough. The message id alone is
// not: gateways exist that use one again at once, and one message too many is
// better than one too few.
type inbox struct {
	msgID, topicID uint16
	kind           mqttsn.TopicIDType
	data           []byte
	full           bool // there is a last one
	stale          bool // it came by an earlier connection
}

// renew expects a new connection: ids may start anew, so that only DUP tells.
func (i *inbox) renew(clean bool) {
	i.stale = true
	if clean {
		*i = inbox{}
	}
}

// repeated says whether p is the last message again, and makes it the last.
func (i *inbox) repeated(p *mqttsn.Publish) bool {
	same := i.full && (p.Dup || !i.stale) &&
		p.MsgID == i.msgID && p.TopicID == i.topicID && p.TopicIDType == i.kind && bytes.Equal(p.Data, i.data)
	*i = inbox{msgID: p.MsgID, topicID: p.TopicID, kind: p.TopicIDType, data: append(i.data[:0], p.Data...), full: true}
	return same
}
