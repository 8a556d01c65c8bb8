package udp

import (
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/dormouse-mqtt/dormouse/radio"
)

// batchSize is how many datagrams one system call carries.
const batchSize = 64

// controlSize is room for the control messages of one datagram, in octets:
// IP_PKTINFO and IPV6_PKTINFO, which a socket of IPv6 gives both for IPv4.
const controlSize = 96

// A batch is the memory of one recvmmsg(2) or sendmmsg(2).
type batch struct {
	headers  [batchSize]unix.Mmsghdr
	vectors  [batchSize]unix.Iovec
	names    [batchSize]unix.RawSockaddrInet6   // IPv4 takes less of it
	controls [batchSize][controlSize / 8]uint64 // aligned for a Cmsghdr
}

// set readies message i for data, with a name and a control message of the given
// lengths.
func (b *batch) set(i int, data []byte, name uint32, control int) {
	b.vectors[i].Base = unsafe.SliceData(data)
	b.vectors[i].SetLen(len(data))
	h := &b.headers[i].Hdr
	h.Name, h.Namelen = (*byte)(unsafe.Pointer(&b.names[i])), name
	h.Iov = &b.vectors[i]
	h.SetIovlen(1)
	h.Control, h.Flags = nil, 0
	if control > 0 {
		h.Control = (*byte)(unsafe.Pointer(&b.controls[i]))
	}
	h.SetControllen(control)
}

// control is the memory for the control messages of message i.
func (b *batch) control(i int) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(&b.controls[i])), controlSize)
}

// call does the system call for messages from up to to, without waiting.
func (b *batch) call(trap uintptr, fd uintptr, from, to int) (n int, errno unix.Errno) {
	r, _, errno := unix.Syscall6(trap, fd, uintptr(unsafe.Pointer(&b.headers[from])),
		uintptr(to-from), unix.MSG_DONTWAIT, 0, 0)
	return int(r), errno
}

// peer reads the name of message i.
func (b *batch) peer(i int) radio.Addr {
	name := &b.names[i]
	switch name.Family {
	case unix.AF_INET:
		name := (*unix.RawSockaddrInet4)(unsafe.Pointer(name))
		return radio.UDP(netip.AddrPortFrom(netip.AddrFrom4(name.Addr), swapped(name.Port)), 0)
	case unix.AF_INET6:
		return radio.UDP(netip.AddrPortFrom(netip.AddrFrom16(name.Addr), swapped(name.Port)), name.Scope_id)
	}
	return radio.Addr{}
}

// address writes the name of message i and returns its length; 0: a socket of
// this kind does not reach it.
func (b *batch) address(i int, to radio.Addr, v6 bool) uint32 {
	ap := to.AddrPort()
	switch {
	case to.Kind() != radio.KindUDP:
		return 0
	case v6:
		b.names[i] = unix.RawSockaddrInet6{
			Family: unix.AF_INET6, Port: swapped(ap.Port()), Addr: ap.Addr().As16(), Scope_id: to.Scope(),
		}
		return unix.SizeofSockaddrInet6
	case ap.Addr().Is4():
		*(*unix.RawSockaddrInet4)(unsafe.Pointer(&b.names[i])) = unix.RawSockaddrInet4{
			Family: unix.AF_INET, Port: swapped(ap.Port()), Addr: ap.Addr().As4(),
		}
		return unix.SizeofSockaddrInet4
	}
	return 0
}

// swapped is a port between the host's order and the network's.
func swapped(port uint16) (n uint16) {
	b := (*[2]byte)(unsafe.Pointer(&n))
	b[0], b[1] = byte(port>>8), byte(port)
	return n
}
