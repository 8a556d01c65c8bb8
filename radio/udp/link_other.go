//go:build !linux

package udp

import (
	"errors"
	"net"
	"net/netip"
	"strconv"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"

	"github.com/dormouse-mqtt/dormouse/radio"
)

// A reader holds the datagram that is being read: systems tell in different ways
// that they cut one, so it has room for any.
type reader struct {
	data    [65_536]byte
	control [256]byte
}

type writer struct{}

// prepare has every datagram tell which of our addresses it was for, where
// golang.org/x/net knows how: not on Windows.
func (l *Link) prepare() error {
	if l.any && l.v6 {
		_ = ipv6.NewPacketConn(l.conn).SetControlMessage(ipv6.FlagDst|ipv6.FlagInterface, true)
	} else if l.any {
		_ = ipv4.NewPacketConn(l.conn).SetControlMessage(ipv4.FlagDst|ipv4.FlagInterface, true)
	}
	return nil
}

// patience is how many errors in a row may be about what we sent: Windows reports
// an unreachable peer to the reader.
const patience = 100

// ReadBatch implements radio.Link, one datagram at a time.
func (l *Link) ReadBatch(d []radio.Datagram) (int, error) {
	for failures := 0; len(d) > 0; {
		n, oobn, _, from, err := l.conn.ReadMsgUDPAddrPort(l.in.data[:], l.in.control[:])
		switch {
		case errors.Is(err, net.ErrClosed):
			return 0, net.ErrClosed
		case err != nil:
			if failures++; failures == patience {
				return 0, err
			}
			continue
		case n > cap(d[0].Data):
			l.truncated.Add(1)
			continue
		}
		l.received.Add(1)
		d[0].Data = append(d[0].Data[:0], l.in.data[:n]...)
		d[0].Addr = radio.UDP(from, zone(from.Addr()))
		l.destination(&d[0], l.in.control[:oobn])
		return 1, nil
	}
	return 0, nil
}

// zone is the interface of a link-local peer, by its index.
func zone(ip netip.Addr) uint32 {
	if ip.Zone() == "" {
		return 0
	}
	if n, err := strconv.ParseUint(ip.Zone(), 10, 32); err == nil {
		return uint32(n)
	}
	if iface, err := net.InterfaceByName(ip.Zone()); err == nil {
		return uint32(iface.Index)
	}
	return 0
}

// destination reads the control messages of a datagram: which address of ours
// it was for, and whether that is a group.
func (l *Link) destination(d *radio.Datagram, control []byte) {
	d.Local, d.Group = radio.Addr{}, false
	if len(control) == 0 {
		return
	}
	var dst net.IP
	var scope int
	if l.v6 {
		var m ipv6.ControlMessage
		if m.Parse(control) == nil {
			dst, scope = m.Dst, m.IfIndex
		}
	} else {
		var m ipv4.ControlMessage
		if m.Parse(control) == nil {
			dst = m.Dst
		}
	}
	ip, ok := netip.AddrFromSlice(dst)
	if !ok {
		return
	}
	if d.Group = group(ip); !d.Group {
		d.Local = l.own(ip, uint32(scope))
	}
}

// WriteBatch implements radio.Link, one datagram at a time.
func (l *Link) WriteBatch(d []radio.Datagram) (int, error) {
	for i := range d {
		to := d[i].Addr.AddrPort()
		if scope := d[i].Addr.Scope(); scope != 0 { // package net takes an index as a zone
			ip := to.Addr().WithZone(strconv.FormatUint(uint64(scope), 10))
			to = netip.AddrPortFrom(ip, to.Port())
		}
		if d[i].Addr.Kind() != radio.KindUDP || len(d[i].Data) > mtu {
			l.refused.Add(1)
			continue
		}
		_, _, err := l.conn.WriteMsgUDPAddrPort(d[i].Data, l.source(d[i].Local), to)
		switch {
		case errors.Is(err, net.ErrClosed):
			return i, net.ErrClosed
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
	ip := local.AddrPort().Addr()
	if l.v6 {
		return (&ipv6.ControlMessage{Src: ip.AsSlice(), IfIndex: int(local.Scope())}).Marshal()
	}
	return (&ipv4.ControlMessage{Src: ip.AsSlice()}).Marshal()
}
