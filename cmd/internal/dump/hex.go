package dump

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
)

// maxLine is the length of the longest line of hex text.
const maxLine = 64 << 20

// Hex decodes one datagram of MQTT-SN, or a stretch of an MQTT stream that
// begins with a packet.
func (d *Dumper) Hex(text string) error {
	octets, err := parseHex(text)
	if err != nil {
		return err
	}
	r := record{protocol: d.options.Protocol}
	if r.protocol == Guess {
		r.protocol, r.guessed = d.guess(octets), true
	}
	if r.protocol == MQTTSN {
		d.datagram(r, octets)
	} else {
		d.stretch(r, octets)
	}
	return d.result(nil)
}

// Read decodes a capture, or hex text of which each line is what Hex takes.
// Blank lines and what follows a # are passed over.
func (d *Dumper) Read(r io.Reader) error {
	in := bufio.NewReader(r)
	if isCapture(in) {
		return d.Capture(in)
	}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxLine)
	n := 0
	for lines.Scan() {
		n++
		text, _, _ := strings.Cut(lines.Text(), "#")
		if strings.TrimSpace(text) == "" {
			continue
		}
		if err := d.Hex(text); err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return fmt.Errorf("line %d is over %d MiB long; give hex, or a capture in pcap or pcapng form", n+1, maxLine>>20)
	}
	return lines.Err()
}

var magics = [][]byte{
	{0xa1, 0xb2, 0xc3, 0xd4}, {0xd4, 0xc3, 0xb2, 0xa1}, // pcap, microseconds
	{0xa1, 0xb2, 0x3c, 0x4d}, {0x4d, 0x3c, 0xb2, 0xa1}, // pcap, nanoseconds
	pcapng,
	{0x1f, 0x8b}, // gzip, which the readers of both forms open
}

var pcapng = []byte{0x0a, 0x0d, 0x0d, 0x0a}

// isCapture says that a capture follows and not hex text.
func isCapture(in *bufio.Reader) bool {
	start, _ := in.Peek(4)
	for _, magic := range magics {
		if bytes.HasPrefix(start, magic) {
			return true
		}
	}
	return false
}

// parseHex reads pairs of digits with or without spaces, colons, commas,
// hyphens, 0x and \x between them.
func parseHex(text string) ([]byte, error) {
	digits := strings.NewReplacer("0x", "", "0X", "", `\x`, "", ":", "", ",", "", "-", "").Replace(text)
	digits = strings.Join(strings.Fields(digits), "")
	octets, err := hex.DecodeString(digits)
	var invalid hex.InvalidByteError
	switch {
	case errors.As(err, &invalid):
		return nil, fmt.Errorf("%s is no hex: %q is no digit; give octets like 30 05 or 0x3005", excerpt(text), rune(invalid))
	case err != nil:
		return nil, fmt.Errorf("%s is no hex: a digit is missing, an octet is two", excerpt(text))
	case len(octets) == 0:
		return nil, errors.New("no octets were given; give hex like 30 05 00 01 61 68 69")
	}
	return octets, nil
}

// excerpt quotes the start of text.
func excerpt(text string) string {
	if len(text) > 40 {
		return fmt.Sprintf("%q...", text[:40])
	}
	return fmt.Sprintf("%q", text)
}
