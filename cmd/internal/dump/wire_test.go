package dump

import (
	"bytes"
	"net"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
	"github.com/stretchr/testify/require"
)

// A wire is a network whose frames are captured. A millisecond passes between
// two of them.
type wire struct {
	t      *testing.T
	link   layers.LinkType
	now    time.Time
	frames [][]byte
	infos  []gopacket.CaptureInfo
	snap   int // 0: whole frames
}

func newWire(t *testing.T, link layers.LinkType) *wire {
	return &wire{t: t, link: link, now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
}

func (w *wire) pass(d time.Duration) { w.now = w.now.Add(d) }

// send captures a packet of IP between two addresses.
func (w *wire) send(src, dst string, proto layers.IPProtocol, transport gopacket.SerializableLayer, payload []byte) {
	a, b := net.ParseIP(src), net.ParseIP(dst)
	if a.To4() != nil {
		w.serialize(layers.EthernetTypeIPv4, &layers.IPv4{
			Version: 4, TTL: 64, Protocol: proto, SrcIP: a.To4(), DstIP: b.To4()}, transport, gopacket.Payload(payload))
		return
	}
	w.serialize(layers.EthernetTypeIPv6, &layers.IPv6{
		Version: 6, HopLimit: 64, NextHeader: proto, SrcIP: a, DstIP: b}, transport, gopacket.Payload(payload))
}

// serialize puts the link's header before layers of IP.
func (w *wire) serialize(kind layers.EthernetType, all ...gopacket.SerializableLayer) {
	w.t.Helper()
	buffer := gopacket.NewSerializeBuffer()
	require.NoError(w.t, gopacket.SerializeLayers(buffer, gopacket.SerializeOptions{FixLengths: true}, all...))
	var head []byte
	high, low := byte(kind>>8), byte(kind)
	switch w.link {
	case layers.LinkTypeEthernet:
		head = append(bytes.Repeat([]byte{2}, 12), high, low)
	case layers.LinkTypeLinuxSLL:
		head = append([]byte{0, 0, 0, 1, 0, 6, 2, 2, 2, 2, 2, 2, 0, 0}, high, low)
	case layers.LinkTypeLinuxSLL2:
		head = append([]byte{high, low, 0, 0, 0, 0, 0, 1, 0, 1, 0, 6}, bytes.Repeat([]byte{2}, 8)...)
	case layers.LinkTypeNull:
		head = []byte{2, 0, 0, 0}
	case layers.LinkTypeLoop:
		head = []byte{0, 0, 0, 2}
	}
	w.capture(append(head, buffer.Bytes()...))
}

func (w *wire) capture(frame []byte) {
	w.pass(time.Millisecond)
	length := len(frame)
	if w.snap > 0 {
		frame = frame[:min(w.snap, length)]
	}
	w.frames = append(w.frames, frame)
	w.infos = append(w.infos, gopacket.CaptureInfo{Timestamp: w.now, CaptureLength: len(frame), Length: length})
}

// udp captures a datagram.
func (w *wire) udp(src string, from uint16, dst string, to uint16, payload []byte) {
	w.send(src, dst, layers.IPProtocolUDP, &layers.UDP{SrcPort: layers.UDPPort(from), DstPort: layers.UDPPort(to)}, payload)
}

// An end is one end of a TCP connection on a wire.
type end struct {
	w        *wire
	src, dst string
	from, to uint16
	seq      uint32
}

// dial captures a handshake.
func (w *wire) dial(src string, from uint16, dst string, to uint16) (client, server *end) {
	client = &end{w, src, dst, from, to, 0xfffffffa} // wraps soon
	server = &end{w, dst, src, to, from, 5000}
	client.segment(layers.TCP{SYN: true}, 0, nil)
	server.segment(layers.TCP{SYN: true, ACK: true}, 0, nil)
	client.seq++
	server.seq++
	client.segment(layers.TCP{ACK: true}, 0, nil)
	return client, server
}

// segment captures a segment whose first octet is at the offset from seq.
func (e *end) segment(tcp layers.TCP, offset int, payload []byte) {
	tcp.SrcPort, tcp.DstPort = layers.TCPPort(e.from), layers.TCPPort(e.to)
	tcp.Seq = e.seq + uint32(offset)
	e.w.send(e.src, e.dst, layers.IPProtocolTCP, &tcp, payload)
}

// at captures payload at an offset and does not move.
func (e *end) at(offset int, payload []byte) {
	e.segment(layers.TCP{ACK: true, PSH: true}, offset, payload)
}

// say captures payload and moves on.
func (e *end) say(payload ...byte) {
	e.at(0, payload)
	e.seq += uint32(len(payload))
}

func (e *end) fin() { e.segment(layers.TCP{ACK: true, FIN: true}, 0, nil) }

// pcap is what the wire has captured, as a file.
func (w *wire) pcap() []byte {
	var b bytes.Buffer
	out := pcapgo.NewWriter(&b)
	require.NoError(w.t, out.WriteFileHeader(65535, w.link))
	for i, frame := range w.frames {
		require.NoError(w.t, out.WritePacket(w.infos[i], frame))
	}
	return b.Bytes()
}

func (w *wire) pcapng() []byte {
	var b bytes.Buffer
	out, err := pcapgo.NewNgWriter(&b, w.link)
	require.NoError(w.t, err)
	for i, frame := range w.frames {
		require.NoError(w.t, out.WritePacket(w.infos[i], frame))
	}
	require.NoError(w.t, out.Flush())
	return b.Bytes()
}

// dump is what is printed of the capture.
func (w *wire) dump(o Options) (out string, d *Dumper) {
	var b bytes.Buffer
	d = New(&b, o)
	require.NoError(w.t, d.Read(bytes.NewReader(w.pcap())))
	return b.String(), d
}
