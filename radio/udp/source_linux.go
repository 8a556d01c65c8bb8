package udp

import (
	"net/netip"

	"golang.org/x/sys/unix"
)

// from encodes an own address. On a socket of IPv6 an address of IPv4 is mapped,
// which golang.org/x/net does not encode.
func from(ip netip.Addr, v6 bool) []byte {
	if v6 {
		return unix.PktInfo6(&unix.Inet6Pktinfo{Addr: ip.As16()})
	}
	return unix.PktInfo4(&unix.Inet4Pktinfo{Spec_dst: ip.As4()})
}
