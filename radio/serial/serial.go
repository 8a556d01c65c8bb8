// Package serial carries MQTT-SN over a serial line, framed by SLIP. A message
// is bare, or in forwarder encapsulation that names the node behind the dongle.
//
// The library for serial lines is go.bug.st/serial. On Linux v1.8.0 is not sound
// in a program that has many connections and opens its line again and again: its
// Read panics for descriptors of 1024 and more, its Write after Close can land in
// another file, Close does not release a blocked Write, and it always switches
// RTS/CTS off. There a small native backend opens the line, and the library lists
// the ports for messages. Elsewhere it does all, behind a guard.
package serial

import (
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dormouse-mqtt/dormouse/radio"
	"github.com/dormouse-mqtt/dormouse/radio/slip"
)

// A Link implements radio.Link. It stays when the dongle goes: the line is
// opened again, with growing pauses, until Close.
type Link struct {
	path    string
	options Options
	done    chan struct{}
	once    sync.Once

	mu    sync.Mutex
	port  Port       // nil: the line is away
	cause error      // of the writer, for which it closed port
	heard slip.Stats // the decoder's, as of the last read

	decoder *slip.Decoder // the reader's
	buffer  []byte
	unread  []byte
	pause   time.Duration
	framed  []byte // the writer's

	sent, dropped, opened atomic.Uint64
}

const (
	defaultBaud    = 115_200
	defaultMTU     = 1006
	defaultBackoff = 250 * time.Millisecond
	maxBackoff     = 40     // times the first: 10 s
	maxMTU         = 65_535 // of MQTT-SN (5.2.1)
)

// NewLink makes a link on the line at path. A line that is not there yet is
// waited for; one that can never be used is an error.
func NewLink(path string, o Options) (*Link, error) {
	o = o.withDefaults()
	if err := o.check(); err != nil {
		return nil, &Error{Path: path, Err: err, Hint: "correct the option"}
	}
	l := &Link{
		path: path, options: o, done: make(chan struct{}),
		decoder: slip.NewDecoder(o.MTU), buffer: make([]byte, 4096), pause: o.Backoff,
	}
	if err := l.open(); err != nil {
		if fatal(err) {
			return nil, err
		}
		o.Logger.Warn("serial line is away; waiting for it", "link", path, "err", err)
	}
	return l, nil
}

// ReadBatch implements radio.Link. While the line is away it waits.
func (l *Link) ReadBatch(d []radio.Datagram) (n int, err error) {
	for !l.closed() && len(d) > 0 {
		for n < len(d) {
			frame, rest := l.decoder.Next(l.unread)
			if l.unread = rest; frame == nil {
				break
			}
			if len(frame) > cap(d[n].Data) {
				l.dropped.Add(1)
				continue
			}
			d[n].Data = append(d[n].Data[:0], frame...)
			d[n].Addr, d[n].Local, d[n].Group = radio.Serial(l.options.Line), radio.Addr{}, false
			n++
		}
		l.mu.Lock()
		l.heard = l.decoder.Stats()
		l.mu.Unlock()
		if n > 0 {
			return n, nil
		}
		l.fill()
	}
	if l.closed() {
		return 0, net.ErrClosed
	}
	return 0, nil
}

// WriteBatch implements radio.Link. What is sent while the line is away is lost,
// as on any radio.
func (l *Link) WriteBatch(d []radio.Datagram) (int, error) {
	for i := range d {
		if l.closed() {
			return i, net.ErrClosed
		}
		p := l.current()
		if p == nil || len(d[i].Data) > l.options.MTU {
			l.dropped.Add(1)
			continue
		}
		l.framed = slip.AppendFrame(l.framed[:0], d[i].Data)
		if _, err := p.Write(l.framed); err != nil {
			l.dropped.Add(1)
			l.fail(p, err)
			continue
		}
		l.sent.Add(1)
	}
	return len(d), nil
}

// MTU implements radio.Link.
func (l *Link) MTU() int { return l.options.MTU }

// Stats are the counts as of now.
func (l *Link) Stats() Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	return Stats{Stats: l.heard, Sent: l.sent.Load(), Dropped: l.dropped.Load(), Opened: l.opened.Load()}
}

// Close implements radio.Link.
func (l *Link) Close() error {
	l.once.Do(func() {
		l.mu.Lock()
		close(l.done)
		p := l.port
		l.port = nil
		l.mu.Unlock()
		if p != nil {
			p.Close()
		}
	})
	return nil
}
