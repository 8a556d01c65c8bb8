//go:build !linux

package udp

import (
	"net/netip"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// from encodes an own address.
func from(ip netip.Addr, v6 bool) []byte {
	if v6 {
		b := ip.As16()
		return (&ipv6.ControlMessage{Src: b[:]}).Marshal()
	}
	return (&ipv4.ControlMessage{Src: ip.AsSlice()}).Marshal()
}
