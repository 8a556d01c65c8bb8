// Package udp carries MQTT-SN over UDP. One wildcard socket serves IPv4 and
// IPv6, and an answer leaves from the address that was asked.
package udp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync/atomic"
	"syscall"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"

	"github.com/dormouse-mqtt/dormouse/radio"
)

// mtu is the largest UDP payload over IPv4, in octets.
const mtu = 65_507

// Stats count datagrams since the link was opened.
type Stats struct {
	Received, Sent     uint64
	Truncated, Refused uint64 // dropped: longer than the buffer; not sendable
}

// A Link implements radio.Link, and radio.PollLink on Unix systems.
type Link struct {
	conn  *net.UDPConn
	raw   syscall.RawConn
	local netip.AddrPort
	v6    bool   // the socket is of IPv6
	any   bool   // it is bound to all addresses
	oob   []byte // control messages being read

	received, sent, truncated, refused atomic.Uint64
}

// Listen opens address, host:port; without host on all addresses of IPv4 and
// IPv6, with port 0 on a free port.
func Listen(address string) (*Link, error) {
	pc, err := new(net.ListenConfig).ListenPacket(context.Background(), "udp", address)
	if err != nil {
		return nil, err
	}
	conn := pc.(*net.UDPConn)
	l := &Link{conn: conn, oob: make([]byte, 128)}
	l.local = conn.LocalAddr().(*net.UDPAddr).AddrPort()
	l.v6 = l.local.Addr().Is6() && !l.local.Addr().Is4In6()
	l.any = l.local.Addr().IsUnspecified()
	if l.raw, err = conn.SyscallConn(); err == nil && l.any {
		err = l.askForDestination()
	}
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("udp: %s: %w", address, err)
	}
	return l, nil
}

// askForDestination has every datagram tell which of our addresses it was for.
func (l *Link) askForDestination() error {
	if l.v6 {
		return ipv6.NewPacketConn(l.conn).SetControlMessage(ipv6.FlagDst|ipv6.FlagInterface, true)
	}
	return ipv4.NewPacketConn(l.conn).SetControlMessage(ipv4.FlagDst|ipv4.FlagInterface, true)
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

// WriteBatch implements radio.Link.
func (l *Link) WriteBatch(d []radio.Datagram) (int, error) {
	for i := range d {
		to := d[i].Addr.AddrPort()
		if zone := d[i].Addr.Scope(); zone != 0 {
			if iface, err := net.InterfaceByIndex(int(zone)); err == nil {
				to = netip.AddrPortFrom(to.Addr().WithZone(iface.Name), to.Port())
			}
		}
		_, _, err := l.conn.WriteMsgUDPAddrPort(d[i].Data, l.source(d[i].Local), to)
		switch {
		case errors.Is(err, net.ErrClosed):
			return i, err
		case err != nil: // unreachable, or too long: it will never be sent
			l.refused.Add(1)
		default:
			l.sent.Add(1)
		}
	}
	return len(d), nil
}

// source is the control message that has a datagram leave from local.
func (l *Link) source(local radio.Addr) []byte {
	if !l.any || local.Kind() != radio.KindUDP {
		return nil
	}
	return from(local.AddrPort().Addr(), l.v6)
}

// destination reads the control messages of a datagram: which address of ours
// it was for, and whether that is a group.
func (l *Link) destination(d *radio.Datagram, oob []byte) {
	d.Local, d.Group = radio.Addr{}, false
	if len(oob) == 0 {
		return
	}
	var dst net.IP
	if l.v6 {
		var m ipv6.ControlMessage
		if m.Parse(oob) == nil {
			dst = m.Dst
		}
	} else {
		var m ipv4.ControlMessage
		if m.Parse(oob) == nil {
			dst = m.Dst
		}
	}
	ip, ok := netip.AddrFromSlice(dst)
	if !ok {
		return
	}
	if ip = ip.Unmap(); ip.IsMulticast() || ip == netip.AddrFrom4([4]byte{255, 255, 255, 255}) {
		d.Group = true
		return
	}
	d.Local = radio.UDP(netip.AddrPortFrom(ip, l.local.Port()), 0)
}
