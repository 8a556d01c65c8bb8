package udp

import (
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/dormouse-mqtt/dormouse/radio"
)

// askForDestination has every datagram tell which of our addresses it was for;
// ip(7), ipv6(7). A socket of IPv6 takes both questions.
func askForDestination(fd int, v6 bool) error {
	if v6 {
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1); err != nil {
			return err
		}
	}
	return unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_PKTINFO, 1)
}

// destination reads the control messages of a datagram: which address of ours it
// was for, and whether it was for a group. For a group of IPv4, directed
// broadcasts included, the kernel says which address of ours to answer from.
func (l *Link) destination(d *radio.Datagram, control []byte) {
	d.Local, d.Group = radio.Addr{}, false
	for len(control) >= unix.SizeofCmsghdr {
		header, data, rest, err := unix.ParseOneSocketControlMessage(control)
		if err != nil {
			return
		}
		control = rest
		switch {
		case header.Level == unix.IPPROTO_IP && header.Type == unix.IP_PKTINFO && len(data) >= unix.SizeofInet4Pktinfo:
			info := (*unix.Inet4Pktinfo)(unsafe.Pointer(&data[0]))
			dst, local := netip.AddrFrom4(info.Addr), netip.AddrFrom4(info.Spec_dst)
			d.Group = group(dst) || (dst != local && !local.IsUnspecified())
			switch {
			case !local.IsUnspecified():
				d.Local = l.own(local, 0)
			case !d.Group:
				d.Local = l.own(dst, 0)
			}
			return // it tells more than IPV6_PKTINFO of the same datagram
		case header.Level == unix.IPPROTO_IPV6 && header.Type == unix.IPV6_PKTINFO && len(data) >= unix.SizeofInet6Pktinfo:
			info := (*unix.Inet6Pktinfo)(unsafe.Pointer(&data[0]))
			dst := netip.AddrFrom16(info.Addr)
			if d.Group = group(dst); !d.Group {
				d.Local = l.own(dst, info.Ifindex)
			}
		}
	}
}

// source writes the control message that has a datagram leave from local, and
// returns its length; 0: the system chooses.
func (l *Link) source(control []byte, local, to radio.Addr) int {
	from := local.AddrPort().Addr()
	if !l.any || local.Kind() != radio.KindUDP || from.Is4() != to.AddrPort().Addr().Is4() {
		return 0
	}
	clear(control)
	header := (*unix.Cmsghdr)(unsafe.Pointer(&control[0]))
	data := unsafe.Pointer(&control[unix.CmsgLen(0)])
	if from.Is4() {
		header.Level, header.Type = unix.IPPROTO_IP, unix.IP_PKTINFO
		header.SetLen(unix.CmsgLen(unix.SizeofInet4Pktinfo))
		(*unix.Inet4Pktinfo)(data).Spec_dst = from.As4()
		return unix.CmsgSpace(unix.SizeofInet4Pktinfo)
	}
	header.Level, header.Type = unix.IPPROTO_IPV6, unix.IPV6_PKTINFO
	header.SetLen(unix.CmsgLen(unix.SizeofInet6Pktinfo))
	info := (*unix.Inet6Pktinfo)(data)
	info.Addr, info.Ifindex = from.As16(), local.Scope()
	return unix.CmsgSpace(unix.SizeofInet6Pktinfo)
}
