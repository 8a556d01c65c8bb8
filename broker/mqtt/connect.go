package mqtt

import "encoding/binary"

// A Connect opens a session (3.1). It says its version itself: AppendTo uses
// Version and not what it is given.
type Connect struct {
	Version Version
	// BridgeBit is bit 7 of the level (0x83, 0x84), with which bridges of
	// mosquitto and RSMB ask not to get back what they publish.
	BridgeBit   bool
	CleanStart  bool // 3.x: Clean Session
	KeepAlive   uint16
	ClientID    []byte
	Properties  Properties
	HasWill     bool
	Will        Will
	HasUserName bool
	HasPassword bool
	UserName    []byte
	Password    []byte
}

// A Will is what the server publishes when the client is lost.
type Will struct {
	QoS        QoS
	Retain     bool
	Properties Properties
	Topic      []byte
	Payload    []byte
}

// Bits of the connect flags.
const (
	flagReserved = 1 << iota
	flagCleanStart
	flagWill
	_ // will QoS
	_
	flagWillRetain
	flagPassword
	flagUserName
)

var (
	errConnectName     = malformed(TypeConnect, "protocol name", errCut)
	errConnectOther    = &Error{Type: TypeConnect, Field: "protocol name", Code: UnsupportedProtocolVersion, Err: ErrProtocolName}
	errConnectFlags    = malformed(TypeConnect, "connect flags", errReserved)
	errConnectWillQoS  = malformed(TypeConnect, "will QoS", ErrMalformed)
	errConnectNoWill   = malformed(TypeConnect, "will QoS or retain", &detail{"without will", ErrMalformed})
	errConnectNoUser   = malformed(TypeConnect, "password", &detail{"without user name", ErrMalformed})
	errConnectClientID = malformed(TypeConnect, "client identifier", errString)
	errWillTopic       = malformed(TypeConnect, "will topic", errString)
	errWillTopicEmpty  = violation(TypeConnect, "will topic", errEmpty)
	errWillTopicWild   = violation(TypeConnect, "will topic", errWildcard)
	errWillPayload     = malformed(TypeConnect, "will payload", errCut)
	errConnectUserName = malformed(TypeConnect, "user name", errString)
	errConnectPassword = malformed(TypeConnect, "password", errMissing)

	errConnectLevel = makeLevelErrors()
)

func makeLevelErrors() (all [256]Error) {
	for level := range all {
		all[level] = Error{TypeConnect, "protocol level", UnsupportedProtocolVersion, byte(level), ErrProtocolLevel}
	}
	return all
}

// Type returns TypeConnect.
func (p *Connect) Type() Type { return TypeConnect }

// AnswerVersion returns the version of the CONNACK that the sender of a
// CONNECT can read, though the CONNECT could not be decoded: 3.x for levels
// up to 4 and for all of MQIsdp, 5.0 from level 5 on, and 0 if it is no
// CONNECT of MQTT at all.
func AnswerVersion(connect []byte) Version {
	if len(connect) == 0 || Type(connect[0]>>4) != TypeConnect {
		return 0
	}
	_, n := varint(connect[1:])
	if n <= 0 {
		return 0
	}
	r := reader{b: connect[1+n:]}
	name, ok := r.bytes()
	level, _ := r.uint8()
	switch {
	case !ok:
		return 0
	case string(name) == "MQIsdp":
		return V31
	case string(name) != "MQTT":
		return 0
	case level <= 4 || level == 0x84:
		return V311
	}
	return V5
}

// version takes the protocol name and level.
func (p *Connect) version(r *reader) error {
	name, ok := r.bytes()
	if !ok {
		return errConnectName
	}
	isdp := string(name) == "MQIsdp"
	if !isdp && string(name) != "MQTT" {
		return errConnectOther
	}
	level, ok := r.uint8()
	switch {
	case !ok:
		return errLength[TypeConnect]
	case isdp && level&0x7f == 3:
		p.Version = V31
	case !isdp && level&0x7f == 4:
		p.Version = V311
	case !isdp && level == 5:
		p.Version = V5
	default:
		return &errConnectLevel[level]
	}
	p.BridgeBit = level&0x80 != 0
	return nil
}

func (p *Connect) decode(r *reader, headerFlags byte, from Sender) (err error) {
	*p = Connect{}
	if err := p.version(r); err != nil {
		return err
	}
	if headerFlags != 0 && p.Version != V31 {
		return errFlags[TypeConnect]
	}
	flags, ok := r.uint8()
	if !ok {
		return errLength[TypeConnect]
	}
	if err := p.flags(flags); err != nil {
		return err
	}
	if p.KeepAlive, ok = r.uint16(); !ok {
		return errLength[TypeConnect]
	}
	if p.Version == V5 {
		if p.Properties, err = r.properties(TypeConnect, from); err != nil {
			return err
		}
		if p.Properties.Has(AuthenticationData) && !p.Properties.Has(AuthenticationMethod) {
			return errMethodMissing
		}
	}
	if p.ClientID, ok = r.string(); !ok {
		return errConnectClientID
	}
	if p.HasWill {
		if err := p.Will.decode(r, p.Version, from); err != nil {
			return err
		}
	}
	if err := p.credentials(r); err != nil {
		return err
	}
	if len(r.b) > 0 {
		return errTrailing[TypeConnect]
	}
	return nil
}

// flags reads the connect flags. 3.1 ignores bit 0, and what belongs to a will
// when there is none.
func (p *Connect) flags(f byte) error {
	p.CleanStart = f&flagCleanStart != 0
	p.HasWill = f&flagWill != 0
	p.HasUserName = f&flagUserName != 0
	p.HasPassword = f&flagPassword != 0
	if f&flagReserved != 0 && p.Version != V31 {
		return errConnectFlags
	}
	if p.HasPassword && !p.HasUserName && p.Version != V5 {
		return errConnectNoUser
	}
	qos, retain := QoS(f>>3&3), f&flagWillRetain != 0
	if !p.HasWill {
		if p.Version != V31 && (qos != 0 || retain) {
			return errConnectNoWill
		}
		return nil
	}
	if qos > ExactlyOnce {
		return errConnectWillQoS
	}
	p.Will.QoS, p.Will.Retain = qos, retain
	return nil
}

func (w *Will) decode(r *reader, v Version, from Sender) (err error) {
	if v == V5 {
		if w.Properties, err = r.properties(willProperties, from); err != nil {
			return err
		}
	}
	var ok bool
	if w.Topic, ok = r.string(); !ok {
		return errWillTopic
	}
	if len(w.Topic) == 0 {
		return errWillTopicEmpty
	}
	if hasWildcard(w.Topic) {
		return errWillTopicWild
	}
	if w.Payload, ok = r.bytes(); !ok {
		return errWillPayload
	}
	return nil
}

// credentials takes user name and password. In 3.1 the length of the packet
// wins over the flags: what is flagged and not there is not given.
func (p *Connect) credentials(r *reader) error {
	if p.Version == V31 && len(r.b) == 0 {
		p.HasUserName, p.HasPassword = false, false
		return nil
	}
	var ok bool
	if p.HasUserName {
		if p.UserName, ok = r.string(); !ok {
			return errConnectUserName
		}
	}
	if p.Version == V31 && len(r.b) == 0 {
		p.HasPassword = false
		return nil
	}
	if p.HasPassword {
		if p.Password, ok = r.bytes(); !ok {
			return errConnectPassword
		}
	}
	return nil
}

func (p *Connect) name() string {
	if p.Version == V31 {
		return "MQIsdp"
	}
	return "MQTT"
}

func (p *Connect) flagBits() (f byte) {
	set := func(on bool, bit byte) {
		if on {
			f |= bit
		}
	}
	set(p.CleanStart, flagCleanStart)
	set(p.HasUserName, flagUserName)
	set(p.HasPassword, flagPassword)
	if p.HasWill {
		f |= flagWill | byte(p.Will.QoS)<<3
		set(p.Will.Retain, flagWillRetain)
	}
	return f
}

// length is the Remaining Length.
func (p *Connect) length() int {
	n := 2 + len(p.name()) + 1 + 1 + 2 + 2 + len(p.ClientID)
	if p.Version == V5 {
		n += p.Properties.size()
	}
	if p.HasWill {
		n += 2 + len(p.Will.Topic) + 2 + len(p.Will.Payload)
		if p.Version == V5 {
			n += p.Will.Properties.size()
		}
	}
	if p.HasUserName {
		n += 2 + len(p.UserName)
	}
	if p.HasPassword {
		n += 2 + len(p.Password)
	}
	return n
}

// AppendTo appends the wire form of p to b.
func (p *Connect) AppendTo(b []byte, _ Version) []byte {
	b = appendHeader(b, TypeConnect, 0, p.length())
	name := p.name()
	b = append(b, 0, byte(len(name)))
	b = append(b, name...)
	level := byte(p.Version)
	if p.BridgeBit {
		level |= 0x80
	}
	b = append(b, level, p.flagBits())
	b = binary.BigEndian.AppendUint16(b, p.KeepAlive)
	if p.Version == V5 {
		b = p.Properties.appendTo(b)
	}
	b = appendBytes(b, p.ClientID)
	if p.HasWill {
		if p.Version == V5 {
			b = p.Will.Properties.appendTo(b)
		}
		b = appendBytes(b, p.Will.Topic)
		b = appendBytes(b, p.Will.Payload)
	}
	if p.HasUserName {
		b = appendBytes(b, p.UserName)
	}
	if p.HasPassword {
		b = appendBytes(b, p.Password)
	}
	return b
}
