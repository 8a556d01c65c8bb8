package mqtt

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
)

// Type returns TypeConnect.
func (p *Connect) Type() Type { return TypeConnect }

func (p *Connect) decode(r *reader, headerFlags byte, from Sender) (err error) {
	*p = Connect{}
	if err := p.version(r); err != nil {
		return err
	}
	if headerFlags != 0 && p.Version != V31 {
		r.header()
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
	return r.end(TypeConnect)
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
