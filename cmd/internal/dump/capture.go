package dump

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
	"github.com/gopacket/gopacket/reassembly"
)

// What is kept of a capture while it is read.
const (
	// MaxConnections bounds the TCP connections at once.
	MaxConnections = 65_536
	// MaxPages bounds the segments that wait for a missing one, in pages of
	// 1,900 octets: those of a connection, and all of them.
	MaxPages, MaxPagesTotal = 512, 32_768
	// MaxPacket bounds an MQTT packet of which parts are missing, and MaxParts
	// the octets of all such parts.
	MaxPacket, MaxParts = 16 << 20, 64 << 20
	// MaxFragments bounds the octets of IP fragments.
	MaxFragments = 16 << 20
)

const (
	maxWait  = 30 * time.Second // for a missing segment
	maxIdle  = 2 * time.Hour    // of a connection
	tidyings = 10 * time.Second // between two looks for what is too old
)

// A capture is the state of one that is read.
type capture struct {
	*Dumper
	fragments fragments
	streams   *reassembly.Assembler
	open      int // connections
	opened    int // since the start
	refused   int
	parts     int // octets of unfinished packets
	frames    int
	short     int // frames that the capture has cut
	foreign   int // frames of a link type that is not read
	tidied    time.Time
	held      map[int][]byte // lines of each connection; nil: they are written at once
}

// source is a reader of frames.
type source interface {
	ReadPacketData() ([]byte, gopacket.CaptureInfo, error)
}

// Capture decodes a capture in pcap or pcapng form, also compressed with gzip.
// What a damaged one has before the damage is printed; the error tells where
// that is.
func (d *Dumper) Capture(r io.Reader) error {
	frames, link, err := openCapture(r)
	if err != nil {
		return d.result(fmt.Errorf("no capture in pcap or pcapng form: %w", err))
	}
	c := &capture{Dumper: d}
	d.start = time.Time{}
	c.streams = reassembly.NewAssembler(reassembly.NewStreamPool(c))
	c.streams.MaxBufferedPagesPerConnection = MaxPages
	c.streams.MaxBufferedPagesTotal = MaxPagesTotal
	for d.err == nil && err == nil {
		var octets []byte
		var info gopacket.CaptureInfo
		if octets, info, err = frames.ReadPacketData(); err == nil {
			c.frame(octets, info, linkOf(info, link))
		}
	}
	c.inOrder(func() { c.streams.FlushAll() })
	c.sum()
	if err != nil && !errors.Is(err, io.EOF) {
		return d.result(fmt.Errorf("the capture is damaged or cut after frame %d: %w", c.frames, err))
	}
	return d.result(nil)
}

func openCapture(r io.Reader) (source, layers.LinkType, error) {
	in := bufio.NewReader(r)
	magic, _ := in.Peek(2)
	if bytes.HasPrefix(magic, []byte{0x1f, 0x8b}) {
		unzipped, err := unzip(in)
		if err != nil {
			return nil, 0, err
		}
		in = bufio.NewReader(unzipped)
	}
	if magic, _ := in.Peek(len(pcapng)); bytes.Equal(magic, pcapng) {
		ng, err := pcapgo.NewNgReader(in, pcapgo.NgReaderOptions{WantMixedLinkType: true, SkipUnknownVersion: true})
		return ng, 0, err
	}
	p, err := pcapgo.NewReader(in)
	if err != nil {
		return nil, 0, err
	}
	return p, p.LinkType(), nil
}

// linkOf is the link type of a frame; in pcapng each interface has its own.
func linkOf(info gopacket.CaptureInfo, link layers.LinkType) layers.LinkType {
	if len(info.AncillaryData) > 0 {
		if own, ok := info.AncillaryData[0].(layers.LinkType); ok {
			return own
		}
	}
	return link
}

// A moment is what is kept of the frame of a segment that waits.
type moment time.Time

// GetCaptureInfo makes a moment what the assembler asks for.
func (m moment) GetCaptureInfo() gopacket.CaptureInfo {
	return gopacket.CaptureInfo{Timestamp: time.Time(m)}
}

// frame decodes what one frame holds.
func (c *capture) frame(octets []byte, info gopacket.CaptureInfo, link layers.LinkType) {
	c.frames++
	if c.start.IsZero() {
		c.start = info.Timestamp
	}
	if info.CaptureLength < info.Length {
		c.short++
	}
	c.tidy(info.Timestamp)
	f, known := c.fragments.open(octets, info, link)
	if !known {
		c.foreign++
	}
	if f == nil {
		return
	}
	switch transport := f.transport.(type) {
	case *layers.UDP:
		c.udp(f, transport)
	case *layers.TCP:
		c.streams.AssembleWithContext(f.network, transport, moment(info.Timestamp))
	}
}

// tidy gives up segments that are missing for long and connections that say
// nothing for long. It goes by the capture's clock.
func (c *capture) tidy(now time.Time) {
	if now.Sub(c.tidied) < tidyings {
		return
	}
	c.tidied = now
	c.inOrder(func() {
		c.streams.FlushWithOptions(reassembly.FlushOptions{T: now.Add(-maxWait), TC: now.Add(-maxIdle)})
	})
}

// inOrder calls a flush, which takes connections in any order, and then prints
// what came of it in the order of the connections.
func (c *capture) inOrder(flush func()) {
	c.held = map[int][]byte{}
	flush()
	for _, n := range slices.Sorted(maps.Keys(c.held)) {
		c.write(c.held[n])
	}
	c.held = nil
}

// printOf prints a line of a connection.
func (c *capture) printOf(connection int, r *record) {
	if c.held == nil {
		c.print(r)
		return
	}
	c.held[connection] = append(c.held[connection], c.render(r)...)
}

// sum prints what is to be said of the capture as a whole.
func (c *capture) sum() {
	say := func(n int, format string) {
		if n > 0 {
			c.print(&record{protocol: "capture", notice: fmt.Sprintf(format, n, c.frames)})
		}
	}
	say(c.short, "%d of %d frames are cut; capture whole frames (tcpdump -s 0)")
	say(c.foreign, "%d of %d frames are of a link type that is not read; capture on Ethernet, IP, loopback or \"any\"")
	if c.refused > 0 {
		c.print(&record{protocol: "capture", notice: fmt.Sprintf(
			"%d connections were passed over: %d were open; split the capture", c.refused, MaxConnections)})
	}
}
