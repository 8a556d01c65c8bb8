package mqttsn

var (
	willtopicreqBody = exactly(TypeWilltopicreq, 0)
	willmsgreqBody   = exactly(TypeWillmsgreq, 0)

	willtopicRules    = newWillRules(TypeWilltopic)
	willtopicupdRules = newWillRules(TypeWilltopicupd)
)

// A Willtopicreq asks for the will topic (5.4.6).
type Willtopicreq struct{}

// Type is TypeWilltopicreq.
func (*Willtopicreq) Type() Type { return TypeWilltopicreq }

// AppendTo appends the wire form of p to b.
func (*Willtopicreq) AppendTo(b []byte) []byte { return appendHeader(b, TypeWilltopicreq, 0) }

func (*Willtopicreq) decode(b []byte) error { return willtopicreqBody.check(len(b)) }

// A Willtopic answers a WILLTOPICREQ (5.4.7).
type Willtopic struct {
	Empty  bool // the form of two octets: no will, the other fields do not exist
	QoS    QoS
	Retain bool
	Topic  []byte
}

// Type is TypeWilltopic.
func (*Willtopic) Type() Type { return TypeWilltopic }

// AppendTo appends the wire form of p to b.
func (p *Willtopic) AppendTo(b []byte) []byte { return p.appendAs(TypeWilltopic, b) }

// Check judges the will QoS and the will topic.
func (p *Willtopic) Check() error { return willtopicRules.check(p) }

// appendAs appends what WILLTOPIC and WILLTOPICUPD have in common.
func (p *Willtopic) appendAs(t Type, b []byte) []byte {
	if p.Empty {
		return appendHeader(b, t, 0)
	}
	b = appendHeader(b, t, 1+len(p.Topic))
	b = append(b, p.QoS.flags()|flagIf(p.Retain, flagRetain))
	return append(b, p.Topic...)
}

func (p *Willtopic) decode(b []byte) error {
	if len(b) == 0 {
		*p = Willtopic{Empty: true}
		return nil
	}
	*p = Willtopic{QoS: qosOf(b[0]), Retain: b[0]&flagRetain != 0, Topic: b[1:]}
	return nil
}

// willRules are the errors of WILLTOPIC or of WILLTOPICUPD.
type willRules struct {
	topic      textField
	empty, qos *PacketError
}

func newWillRules(t Type) willRules {
	return willRules{
		topic: newTextField(t, "will topic"),
		empty: invalid(t, "will topic", EmptyWillTopic),
		qos:   invalid(t, "will qos", BadQoS),
	}
}

// check refuses flags without a topic: they are neither a will nor the form of
// two octets that deletes one.
func (r *willRules) check(p *Willtopic) error {
	switch {
	case p.Empty:
		return nil
	case len(p.Topic) == 0:
		return r.empty
	case p.QoS == QoSMinus1:
		return r.qos
	}
	return r.topic.checkName(p.Topic)
}

// A Willmsgreq asks for the will message (5.4.8).
type Willmsgreq struct{}

// Type is TypeWillmsgreq.
func (*Willmsgreq) Type() Type { return TypeWillmsgreq }

// AppendTo appends the wire form of p to b.
func (*Willmsgreq) AppendTo(b []byte) []byte { return appendHeader(b, TypeWillmsgreq, 0) }

func (*Willmsgreq) decode(b []byte) error { return willmsgreqBody.check(len(b)) }

// A Willmsg answers a WILLMSGREQ (5.4.9).
type Willmsg struct {
	Message []byte // may be empty
}

// Type is TypeWillmsg.
func (*Willmsg) Type() Type { return TypeWillmsg }

// AppendTo appends the wire form of p to b.
func (p *Willmsg) AppendTo(b []byte) []byte {
	return append(appendHeader(b, TypeWillmsg, len(p.Message)), p.Message...)
}

func (p *Willmsg) decode(b []byte) error {
	p.Message = b
	return nil
}
