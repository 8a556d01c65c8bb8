//go:build !unix

package udp

import (
	"errors"
	"net"
	"net/netip"

	"github.com/dormouse-mqtt/dormouse/radio"
)

// ReadBatch implements radio.Link, one datagram at a time.
func (l *Link) ReadBatch(d []radio.Datagram) (int, error) {
	for {
		data := d[0].Data[:cap(d[0].Data)]
		n, oobn, _, from, err := l.conn.ReadMsgUDPAddrPort(data, l.oob)
		if errors.Is(err, net.ErrClosed) {
			return 0, net.ErrClosed
		}
		if err != nil { // too long for the buffer, or about what we sent
			l.truncated.Add(1)
			continue
		}
		l.received.Add(1)
		d[0].Data = data[:n]
		d[0].Addr = radio.UDP(from, zone(from.Addr()))
		l.destination(&d[0], l.oob[:oobn])
		return 1, nil
	}
}

// zone is the interface of a link-local peer, by its index.
func zone(ip netip.Addr) uint32 {
	if iface, err := net.InterfaceByName(ip.Zone()); ip.Zone() != "" && err == nil {
		return uint32(iface.Index)
	}
	return 0
}
