package loop

import (
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The system calls here never wait: the scheduler is not told of them, which
// would cost as much as some of them.

// epollReady is what is ready on an epoll descriptor now.
func epollReady(ep int, events []unix.EpollEvent) (int, unix.Errno) {
	for {
		n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(ep),
			uintptr(unsafe.Pointer(unsafe.SliceData(events))), uintptr(len(events)), 0, 0, 0)
		if errno != unix.EINTR {
			return int(n), errno
		}
	}
}

func epollControl(ep, op, fd int, event *unix.EpollEvent) unix.Errno {
	_, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_CTL, uintptr(ep), uintptr(op), uintptr(fd),
		uintptr(unsafe.Pointer(event)), 0, 0)
	return errno
}

func readNow(fd int32, b []byte) (int, unix.Errno) {
	for {
		n, _, errno := unix.RawSyscall(unix.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
		if errno != unix.EINTR {
			return int(n), errno
		}
	}
}

func writeNow(fd int32, b []byte) (int, unix.Errno) {
	for {
		n, _, errno := unix.RawSyscall(unix.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
		if errno != unix.EINTR {
			return int(n), errno
		}
	}
}

func writevNow(fd int32, v []unix.Iovec) (int, unix.Errno) {
	for {
		n, _, errno := unix.RawSyscall(unix.SYS_WRITEV, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(v))), uintptr(len(v)))
		if errno != unix.EINTR {
			return int(n), errno
		}
	}
}

// acceptNow takes a connection, whose reads and writes will not wait.
func acceptNow(fd int32) (conn int32, remote netip.AddrPort, errno unix.Errno) {
	var name unix.RawSockaddrInet6 // IPv4 takes less of it
	size := uint32(unix.SizeofSockaddrInet6)
	for {
		n, _, errno := unix.RawSyscall6(unix.SYS_ACCEPT4, uintptr(fd), uintptr(unsafe.Pointer(&name)),
			uintptr(unsafe.Pointer(&size)), unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0, 0)
		switch errno {
		case 0:
			return int32(n), peerOf(&name), 0
		case unix.EINTR, unix.ECONNABORTED:
		default:
			return -1, remote, errno
		}
	}
}

// peerOf reads an address as accept4(2) leaves it.
func peerOf(name *unix.RawSockaddrInet6) netip.AddrPort {
	port := (*[2]byte)(unsafe.Pointer(&name.Port))
	p := uint16(port[0])<<8 | uint16(port[1])
	if name.Family == unix.AF_INET {
		return netip.AddrPortFrom(netip.AddrFrom4((*unix.RawSockaddrInet4)(unsafe.Pointer(name)).Addr), p)
	}
	return netip.AddrPortFrom(netip.AddrFrom16(name.Addr).Unmap(), p)
}
