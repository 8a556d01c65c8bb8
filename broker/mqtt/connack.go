package mqtt

// A Connack answers a CONNECT (3.2).
type Connack struct {
	SessionPresent bool       // 3.1 has none
	Code           ReasonCode // 3.x: a ReturnCode
	Properties     Properties
}

// A ReturnCode is what CONNACK of 3.1 and 3.1.1 says.
type ReturnCode byte

// The return codes.
const (
	ConnAccepted              ReturnCode = 0
	ConnUnacceptableVersion   ReturnCode = 1
	ConnIdentifierRejected    ReturnCode = 2
	ConnServerUnavailable     ReturnCode = 3
	ConnBadUserNameOrPassword ReturnCode = 4
	ConnNotAuthorized         ReturnCode = 5
)

var returnCodeNames = [...]string{
	"accepted", "unacceptable protocol version", "identifier rejected",
	"server unavailable", "bad user name or password", "not authorized",
}

func (c ReturnCode) String() string {
	if int(c) < len(returnCodeNames) {
		return returnCodeNames[c]
	}
	return "reserved return code"
}

var (
	errConnackFlags   = malformed(TypeConnack, "acknowledge flags", errReserved)
	errConnackSession = violation(TypeConnack, "session present", &detail{"in a refusal", ErrProtocol})
)

// Type returns TypeConnack.
func (p *Connack) Type() Type { return TypeConnack }

func (p *Connack) decode(r *reader, v Version, from Sender) (err error) {
	*p = Connack{}
	flags, ok := r.uint8()
	if !ok {
		return errLength[TypeConnack]
	}
	if v != V31 { // there the octet is reserved and not looked at
		if flags > 1 {
			return errConnackFlags
		}
		p.SessionPresent = flags == 1
	}
	code, ok := r.uint8()
	if !ok {
		return errLength[TypeConnack]
	}
	p.Code = ReasonCode(code)
	if p.SessionPresent && p.Code != Success {
		return errConnackSession
	}
	if v == V5 {
		if !p.Code.Allowed(TypeConnack, from) {
			return errReason[TypeConnack]
		}
		if p.Properties, err = r.properties(TypeConnack, from); err != nil {
			return err
		}
	} else if int(p.Code) >= len(returnCodeNames) {
		return errReason[TypeConnack]
	}
	return r.end(TypeConnack)
}

// AppendTo appends the wire form of p to b.
func (p *Connack) AppendTo(b []byte, v Version) []byte {
	length := 2
	if v == V5 {
		length += p.Properties.size()
	}
	b = appendHeader(b, TypeConnack, 0, length)
	var flags byte
	if p.SessionPresent && v != V31 {
		flags = 1
	}
	b = append(b, flags, byte(p.Code))
	if v == V5 {
		b = p.Properties.appendTo(b)
	}
	return b
}
