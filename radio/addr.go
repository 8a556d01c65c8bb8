package radio

import (
	"encoding/binary"
	"fmt"
	"net/netip"
)

// A Kind says what an Addr names.
type Kind uint8

// The kinds of address.
const (
	KindNone   Kind = iota // the zero Addr: no address
	KindUDP                // IP address and port
	KindSerial             // a serial line; the line has one far end
	KindMemory             // an address of an in-memory network
)

// An Addr is the address of a node or of its forwarder on one medium. It is
// comparable, holds no pointers and serves as a map key.
type Addr struct {
	kind  Kind
	host  [16]byte
	port  uint16
	scope uint32
}

// UDP is the address of a UDP peer. zone is the index of the interface that a
// link-local IPv6 address belongs to, else 0. IPv4-mapped addresses are
// unmapped, so that one peer has one Addr.
func UDP(ap netip.AddrPort, zone uint32) Addr {
	ip := ap.Addr().Unmap()
	return Addr{kind: KindUDP, host: ip.As16(), port: ap.Port(), scope: zone}
}

// Serial is the far end of the serial line with the given number.
func Serial(line uint32) Addr { return Addr{kind: KindSerial, scope: line} }

// Memory is address n of an in-memory network.
func Memory(n uint64) Addr {
	a := Addr{kind: KindMemory}
	binary.BigEndian.PutUint64(a.host[:], n)
	return a
}

// Kind says what the address names.
func (a Addr) Kind() Kind { return a.kind }

// AddrPort gives the IP address (IPv4 unmapped) and port of a UDP address.
func (a Addr) AddrPort() netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom16(a.host).Unmap(), a.port)
}

// Scope is the interface index of a link-local address, or the number of a
// serial line.
func (a Addr) Scope() uint32 { return a.scope }

// IsLoopback says that the peer is on this host by its address: a loopback IP,
// a serial line, or an in-memory network.
func (a Addr) IsLoopback() bool {
	return a.kind != KindUDP || netip.AddrFrom16(a.host).Unmap().IsLoopback()
}

// String is the form used in logs.
func (a Addr) String() string {
	switch a.kind {
	case KindUDP:
		if a.scope != 0 {
			ap := a.AddrPort()
			return fmt.Sprintf("[%s%%%d]:%d", ap.Addr(), a.scope, ap.Port())
		}
		return a.AddrPort().String()
	case KindSerial:
		return fmt.Sprintf("serial:%d", a.scope)
	case KindMemory:
		return fmt.Sprintf("mem:%d", binary.BigEndian.Uint64(a.host[:]))
	default:
		return "none"
	}
}
