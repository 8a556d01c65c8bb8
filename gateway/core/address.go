package core

import (
	"encoding/binary"
	"net/netip"

	"github.com/dormouse-mqtt/dormouse/radio"
)

// addressSize is how many octets of a stored address are the peer's; the
// wireless node id follows.
const addressSize = 1 + 16 + 2 + 4

// append encodes the address without its link: kind, host, port, scope, and the
// wireless node id.
func (a *Address) append(b []byte) []byte {
	ap := a.peer.AddrPort()
	host := ap.Addr().As16()
	b = append(append(b, byte(a.peer.Kind())), host[:]...)
	b = binary.BigEndian.AppendUint16(b, ap.Port())
	b = binary.BigEndian.AppendUint32(b, a.peer.Scope())
	return append(b, a.node.octets[:a.node.n]...)
}

// parseAddress decodes what append made.
func parseAddress(b []byte) (a Address, ok bool) {
	if len(b) < addressSize || len(b) > addressSize+maxNodeID {
		return a, false
	}
	host, port := [16]byte(b[1:17]), binary.BigEndian.Uint16(b[17:])
	scope := binary.BigEndian.Uint32(b[19:])
	switch radio.Kind(b[0]) {
	case radio.KindUDP:
		a.peer = radio.UDP(netip.AddrPortFrom(netip.AddrFrom16(host), port), scope)
	case radio.KindSerial:
		a.peer = radio.Serial(scope)
	case radio.KindMemory:
		a.peer = radio.Memory(binary.BigEndian.Uint64(host[:]))
	default:
		return a, false
	}
	a.node.n = uint8(copy(a.node.octets[:], b[addressSize:]))
	return a, true
}

// Locals are our own addresses as nodes know them. They are few, and shared.
type locals map[radio.Addr]*radio.Addr

// maxLocals bounds how many are shared, should a host have whole networks.
const maxLocals = 256

// keep returns where an address is kept.
func (l locals) keep(a radio.Addr) *radio.Addr {
	p := l[a]
	if p == nil {
		p = new(radio.Addr)
		*p = a
		if len(l) < maxLocals {
			l[a] = p
		}
	}
	return p
}

// hears notes at which address of ours the node spoke to us.
func (n *node) hears(local radio.Addr) {
	if *n.local != local {
		n.local = n.core.locals.keep(local)
	}
}
