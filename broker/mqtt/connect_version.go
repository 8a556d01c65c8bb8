package mqtt

var (
	errConnectName  = malformed(TypeConnect, "protocol name", errCut)
	errConnectOther = &Error{Type: TypeConnect, Field: "protocol name", Code: UnsupportedProtocolVersion, Err: ErrProtocolName}
	errConnectLevel = makeLevelErrors()
)

func makeLevelErrors() (all [256]Error) {
	for level := range all {
		all[level] = Error{TypeConnect, "protocol level", UnsupportedProtocolVersion, byte(level), ErrProtocolLevel}
	}
	return all
}

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
