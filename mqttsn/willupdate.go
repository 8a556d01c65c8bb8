package mqttsn

var (
	willtopicrespBody = exactly(TypeWilltopicresp, 1)
	willmsgrespBody   = exactly(TypeWillmsgresp, 1)
)

// A Willtopicupd changes the will topic (5.4.22); the empty form deletes the
// will.
type Willtopicupd Willtopic

// Type is TypeWilltopicupd.
func (*Willtopicupd) Type() Type { return TypeWilltopicupd }

// AppendTo appends the wire form of p to b.
func (p *Willtopicupd) AppendTo(b []byte) []byte {
	return (*Willtopic)(p).appendAs(TypeWilltopicupd, b)
}

// Check judges the will QoS and the will topic.
func (p *Willtopicupd) Check() error { return willtopicupdRules.check((*Willtopic)(p)) }

func (p *Willtopicupd) decode(b []byte) error { return (*Willtopic)(p).decode(b) }

// A Willtopicresp answers a WILLTOPICUPD (5.4.24).
type Willtopicresp struct {
	Code ReturnCode
}

// Type is TypeWilltopicresp.
func (*Willtopicresp) Type() Type { return TypeWilltopicresp }

// AppendTo appends the wire form of p to b.
func (p *Willtopicresp) AppendTo(b []byte) []byte { return appendCode(b, TypeWilltopicresp, p.Code) }

func (p *Willtopicresp) decode(b []byte) error { return willtopicrespBody.decodeCode(b, &p.Code) }

// A Willmsgupd changes the will message (5.4.23).
type Willmsgupd Willmsg

// Type is TypeWillmsgupd.
func (*Willmsgupd) Type() Type { return TypeWillmsgupd }

// AppendTo appends the wire form of p to b.
func (p *Willmsgupd) AppendTo(b []byte) []byte {
	return append(appendHeader(b, TypeWillmsgupd, len(p.Message)), p.Message...)
}

func (p *Willmsgupd) decode(b []byte) error { return (*Willmsg)(p).decode(b) }

// A Willmsgresp answers a WILLMSGUPD (5.4.25).
type Willmsgresp struct {
	Code ReturnCode
}

// Type is TypeWillmsgresp.
func (*Willmsgresp) Type() Type { return TypeWillmsgresp }

// AppendTo appends the wire form of p to b.
func (p *Willmsgresp) AppendTo(b []byte) []byte { return appendCode(b, TypeWillmsgresp, p.Code) }

func (p *Willmsgresp) decode(b []byte) error { return willmsgrespBody.decodeCode(b, &p.Code) }
