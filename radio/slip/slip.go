// Package slip frames messages on a serial line as RFC 1055 does: END before and
// after, two escapes, no checksum.
//
// It is a pure codec: no I/O, no clock, no goroutine. A decoded frame lies in the
// Decoder until its next call; copy it to keep it.
package slip

const (
	end    = 0xC0
	esc    = 0xDB
	escEnd = 0xDC // after esc: end
	escEsc = 0xDD // after esc: esc
)

// AppendFrame appends message in a frame to b. The END before it ends what noise
// left at the receiver.
func AppendFrame(b, message []byte) []byte {
	b = append(b, end)
	for _, c := range message {
		switch c {
		case end:
			b = append(b, esc, escEnd)
		case esc:
			b = append(b, esc, escEsc)
		default:
			b = append(b, c)
		}
	}
	return append(b, end)
}

// Stats count frames. BadEscape and TooLong together are the damage on the line;
// what was flipped into a valid frame is not seen, for SLIP has no checksum.
type Stats struct {
	Frames    uint64
	Empty     uint64 // nothing between two ENDs, as between any two frames; ignored
	BadEscape uint64 // dropped: esc before something else
	TooLong   uint64 // dropped: longer than the bound
}

// A Decoder finds frames in a stream of octets. Whatever comes, the next END
// puts it right again.
type Decoder struct {
	frame []byte
	max   int
	esc   bool // the last octet was esc
	skip  bool // up to the next END
	stats Stats
}

// NewDecoder makes a Decoder for frames of up to max octets, escapes not counted.
func NewDecoder(max int) *Decoder { return &Decoder{max: max} }

// Stats are the counts as of now.
func (d *Decoder) Stats() Stats { return d.stats }

// Reset forgets an unfinished frame: the line was interrupted.
func (d *Decoder) Reset() { d.frame, d.esc, d.skip = d.frame[:0], false, false }

// Next reads octets up to the end of a frame and returns it, valid until the
// next call, with the octets that are left; nil: no frame has ended.
func (d *Decoder) Next(octets []byte) (frame, rest []byte) {
	for i, c := range octets {
		if c != end {
			d.add(c)
			continue
		}
		frame, good := d.frame, !d.skip && !d.esc && len(d.frame) > 0
		switch {
		case d.esc:
			d.stats.BadEscape++
		case !d.skip && !good:
			d.stats.Empty++
		}
		d.Reset()
		if good {
			d.stats.Frames++
			return frame, octets[i+1:]
		}
	}
	return nil, nil
}

func (d *Decoder) add(c byte) {
	switch {
	case d.skip:
		return
	case d.esc:
		switch d.esc = false; c {
		case escEnd:
			c = end
		case escEsc:
			c = esc
		default:
			d.stats.BadEscape++
			d.skip = true
			return
		}
	case c == esc:
		d.esc = true
		return
	}
	if len(d.frame) == d.max {
		d.stats.TooLong++
		d.skip = true
		return
	}
	d.frame = append(d.frame, c)
}
