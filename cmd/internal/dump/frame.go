package dump

import (
	"compress/gzip"
	"io"
	"net/netip"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/ip4defrag"
	"github.com/gopacket/gopacket/ip6defrag"
	"github.com/gopacket/gopacket/layers"
)

// A frame is a TCP segment or a UDP datagram on its way.
type frame struct {
	info      gopacket.CaptureInfo
	network   gopacket.Flow
	transport gopacket.Layer
}

func unzip(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) }

// links are the link types that are read.
var links = map[layers.LinkType]gopacket.Decoder{
	layers.LinkTypeNull:      layers.LinkTypeNull,
	layers.LinkTypeLoop:      layers.LinkTypeLoop,
	layers.LinkTypeEthernet:  layers.LinkTypeEthernet,
	layers.LinkTypeRaw:       layers.LinkTypeRaw,
	12:                       layers.LinkTypeRaw, // as the BSDs number it
	14:                       layers.LinkTypeRaw, // as OpenBSD does
	layers.LinkTypeIPv4:      layers.LayerTypeIPv4,
	layers.LinkTypeIPv6:      layers.LayerTypeIPv6,
	layers.LinkTypeLinuxSLL:  layers.LinkTypeLinuxSLL,
	layers.LinkTypeLinuxSLL2: layers.LinkTypeLinuxSLL2,
}

var lazy = gopacket.DecodeOptions{Lazy: true, NoCopy: true}

// fragments are the pieces of IP packets that are not complete.
type fragments struct {
	ip4    *ip4defrag.IPv4Defragmenter
	ip6    *ip6defrag.IPv6Defragmenter
	octets int // given to them
}

// open takes a frame apart. It gives nil for what is neither TCP nor UDP, or
// not complete, and known is false for a link type that is not read.
func (s *fragments) open(octets []byte, info gopacket.CaptureInfo, link layers.LinkType) (f *frame, known bool) {
	decoder, known := links[link]
	if !known {
		return nil, false
	}
	p := gopacket.NewPacket(octets, decoder, lazy)
	network := p.NetworkLayer()
	if network == nil {
		return nil, true
	}
	p = s.whole(p, network, info)
	if p == nil {
		return nil, true
	}
	transport := p.TransportLayer()
	if transport == nil {
		return nil, true
	}
	return &frame{info, network.NetworkFlow(), transport}, true
}

// whole is p, or the packet that its fragment completes; nil while there is
// none.
func (s *fragments) whole(p gopacket.Packet, network gopacket.NetworkLayer, info gopacket.CaptureInfo) gopacket.Packet {
	switch ip := network.(type) {
	case *layers.IPv4:
		if ip.FragOffset == 0 && ip.Flags&layers.IPv4MoreFragments == 0 {
			return p
		}
		s.makeRoom(info.CaptureLength)
		out, err := s.ip4.DefragIPv4WithTimestamp(ip, info.Timestamp)
		if err != nil || out == nil {
			return nil
		}
		return gopacket.NewPacket(out.Payload, out.NextLayerType(), lazy)
	case *layers.IPv6:
		piece, ok := p.Layer(layers.LayerTypeIPv6Fragment).(*layers.IPv6Fragment)
		if !ok {
			return p
		}
		s.makeRoom(info.CaptureLength)
		out := s.ip6.DefragIPv6(ip, piece)
		if out == nil {
			return nil
		}
		return gopacket.NewPacket(out.Payload, out.NextHeader.LayerType(), lazy)
	}
	return nil
}

// makeRoom forgets all fragments when they have become many.
func (s *fragments) makeRoom(n int) {
	if s.octets += n; s.ip4 == nil || s.octets > MaxFragments {
		s.ip4, s.ip6, s.octets = ip4defrag.NewIPv4Defragmenter(), ip6defrag.NewIPv6Defragmenter(), n
	}
}

// endpoint writes an address and a port.
func endpoint(ip gopacket.Endpoint, port uint16) string {
	addr, _ := netip.AddrFromSlice(ip.Raw())
	return netip.AddrPortFrom(addr, port).String()
}
