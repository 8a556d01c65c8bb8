package mqtt

import "encoding/binary"

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
