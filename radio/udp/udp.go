// Package udp carries MQTT-SN over UDP. One wildcard socket serves IPv4 and
// IPv6, and an answer leaves from the address that was asked.
//
// On Linux a Link reads and writes batches by one system call and allocates
// nothing for a datagram; golang.org/x/net's batches make a net.UDPAddr for each,
// and do not encode an own address of IPv4 on a socket of IPv6. Elsewhere it takes
// one datagram at a time, and the system chooses where an answer leaves from if
// golang.org/x/net cannot tell it.
package udp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync/atomic"
	"syscall"

	"github.com/dormouse-mqtt/dormouse/radio"
)

// mtu is the largest UDP payload over IPv4, in octets: 65,535 less the headers of
// IPv4 (20) and UDP (8).
const mtu = 65_507

// Stats count datagrams since the link was opened.
type Stats struct {
	Received, Sent     uint64
	Truncated, Refused uint64 // dropped: longer than the buffer; not sendable
}

// A Link implements radio.Link, and radio.PollLink on Linux.
type Link struct {
	conn  *net.UDPConn
	raw   syscall.RawConn
	local netip.AddrPort
	v6    bool // the socket is of IPv6, and takes IPv4 too if it is bound to all
	any   bool // it is bound to all addresses
	in    reader
	out   writer

	received, sent, truncated, refused atomic.Uint64
}

// Listen opens address, host:port; without host on all addresses of IPv4 and
// IPv6 (of IPv4 where IPv6 is off), with port 0 on a free port. A port in use is
// syscall.EADDRINUSE.
func Listen(address string) (*Link, error) { return listen(&net.ListenConfig{}, address) }

func listen(config *net.ListenConfig, address string) (*Link, error) {
	pc, err := config.ListenPacket(context.Background(), "udp", address)
	if err != nil {
		return nil, err
	}
	conn := pc.(*net.UDPConn)
	l := &Link{conn: conn}
	l.local = conn.LocalAddr().(*net.UDPAddr).AddrPort()
	l.v6 = l.local.Addr().Is6() && !l.local.Addr().Is4In6()
	l.any = l.local.Addr().IsUnspecified()
	if l.raw, err = conn.SyscallConn(); err == nil {
		err = l.prepare()
	}
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("udp: %s: %w", address, err)
	}
	return l, nil
}

// LocalAddr is the address that the link is bound to.
func (l *Link) LocalAddr() netip.AddrPort { return l.local }

// MTU implements radio.Link.
func (l *Link) MTU() int { return mtu }

// Close implements radio.Link.
func (l *Link) Close() error {
	if err := l.conn.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// Stats are the counts as of now.
func (l *Link) Stats() Stats {
	return Stats{l.received.Load(), l.sent.Load(), l.truncated.Load(), l.refused.Load()}
}

// closed is net.ErrClosed itself where err wraps it.
func closed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return net.ErrClosed
	}
	return err
}

// own is the address of ours that a datagram was for. scope is the index of the
// interface it came in by, which a link-local address needs.
func (l *Link) own(ip netip.Addr, scope uint32) radio.Addr {
	if ip = ip.Unmap(); !ip.IsLinkLocalUnicast() || ip.Is4() {
		scope = 0
	}
	return radio.UDP(netip.AddrPortFrom(ip, l.local.Port()), scope)
}

// group says that ip is many hosts by its form; a directed broadcast does not
// show that.
func group(ip netip.Addr) bool {
	ip = ip.Unmap()
	return ip.IsMulticast() || ip == netip.AddrFrom4([4]byte{255, 255, 255, 255})
}
