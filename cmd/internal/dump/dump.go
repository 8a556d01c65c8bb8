// Package dump decodes MQTT and MQTT-SN packets from hex text and from
// captures and prints a line for each of them, as text or as JSON.
//
// Hex is what somebody has copied from a log; a capture is a pcap or pcapng
// file, whose datagrams hold MQTT-SN and whose TCP streams, put together again,
// hold MQTT. The packets are decoded by the codecs of the broker and of the
// gateway, so what is called malformed here is what they refuse.
//
// A Dumper reads and writes what it is given, opens nothing, starts no
// goroutine and asks no clock. What it keeps of a capture is bounded: see the
// constants of this package.
package dump

import (
	"fmt"
	"io"
	"time"

	"github.com/dormouse-mqtt/dormouse/broker/mqtt"
	"github.com/dormouse-mqtt/dormouse/mqttsn"
)

// A Protocol is what octets are decoded as.
type Protocol string

// The protocols.
const (
	Guess  Protocol = "" // hex only: see guess
	MQTT   Protocol = "MQTT"
	MQTTSN Protocol = "MQTT-SN"
)

// Options say how to decode and to print. The zero value is ready to use.
type Options struct {
	JSON bool // an object a line, in which nothing is cut
	Full bool // long payloads are not cut in text either

	// Protocol is that of hex text.
	Protocol Protocol
	// Version is the version of MQTT until a CONNECT says it. Zero: 3.1.1, and
	// 5.0 from the first packet on that only 5.0 allows.
	Version mqtt.Version

	// MQTTPorts are TCP ports, in captures. None: 1883. A stream that begins
	// with a CONNECT is taken on any port.
	MQTTPorts []uint16
	// MQTTSNPorts are UDP ports, in captures. None: 1884.
	MQTTSNPorts []uint16
}

// A Dumper decodes and prints. It serves one goroutine.
type Dumper struct {
	out     io.Writer
	options Options
	mqtt    mqtt.Decoder
	mqttsn  mqttsn.Decoder
	hex     conversation // of all hex text together
	start   time.Time    // of the first frame of a capture
	packets int
	faults  int
	line    []byte
	err     error // of out
}

// New makes a Dumper that writes lines to out.
func New(out io.Writer, o Options) *Dumper {
	if len(o.MQTTPorts) == 0 {
		o.MQTTPorts = []uint16{1883}
	}
	if len(o.MQTTSNPorts) == 0 {
		o.MQTTSNPorts = []uint16{1884}
	}
	return &Dumper{out: out, options: o, hex: newConversation(o.Version)}
}

// Packets is how many packets were printed, malformed ones included.
func (d *Dumper) Packets() int { return d.packets }

// Faults is how many lines say that something could not be decoded.
func (d *Dumper) Faults() int { return d.faults }

// A record is what one line tells: a packet, or a notice of what is not there.
type record struct {
	at       time.Time // zero: hex, which has no time
	src, dst string
	protocol Protocol
	guessed  bool
	version  string
	assumed  bool // no CONNECT has said the version
	via      *via
	packet   string // the name of its type; empty if that cannot be told
	fields   []field
	octets   []byte // of the packet
	fault    *fault
	notice   string
}

// A via is a forwarder's encapsulation.
type via struct {
	node []byte
	ctrl byte
}

// A fault says what is malformed, and where.
type fault struct {
	offset int // counted from the packet's first octet
	reason string
	class  string
}

// render counts r and gives its line, which is valid until the next call.
func (d *Dumper) render(r *record) []byte {
	if r.notice == "" {
		d.packets++
	}
	if r.notice != "" || r.fault != nil {
		d.faults++
	}
	if d.options.JSON {
		d.line = r.appendJSON(d.line[:0])
	} else {
		d.line = r.appendText(d.line[:0], d.start, d.options.Full)
	}
	d.line = append(d.line, '\n')
	return d.line
}

// print writes the line of r.
func (d *Dumper) print(r *record) { d.write(d.render(r)) }

// write writes lines; after an error, which result tells, nothing more.
func (d *Dumper) write(lines []byte) {
	if d.err == nil {
		_, d.err = d.out.Write(lines)
	}
}

// result is err, or what kept the output from being written.
func (d *Dumper) result(err error) error {
	if d.err != nil {
		return fmt.Errorf("output: %w", d.err)
	}
	return err
}
