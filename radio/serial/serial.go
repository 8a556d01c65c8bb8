// Package serial carries MQTT-SN over a serial line, framed by SLIP. A message
// is bare, or in forwarder encapsulation that names the node behind the dongle.
//
// The line is opened through go.bug.st/serial where that is sound. On Linux it is
// not: its Read panics for descriptors of 1024 and more, its Write after Close can
// land in another file, and a blocked Write is not released by Close. There a
// small native backend takes its place; its list of ports serves everywhere.
package serial

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	bugst "go.bug.st/serial"

	"github.com/dormouse-mqtt/dormouse/radio"
	"github.com/dormouse-mqtt/dormouse/radio/slip"
)

// Options configure a Link. The zero value is ready to use.
type Options struct {
	Baud   int    // bits per second; zero: 115,200
	RTSCTS bool   // hardware flow control
	MTU    int    // octets of the longest message; zero: 1,006 (RFC 1055)
	Line   uint32 // the number of the line in addresses
	// Backoff is the first pause before the line is opened again; it doubles
	// up to 40 times itself. Zero: 250 ms.
	Backoff time.Duration
	Logger  *slog.Logger // nil: slog.Default()
	// OnState is told when the line comes up, and why it went down. It may be nil.
	OnState func(up bool, err error)
}

// Stats count messages since the link was made.
type Stats struct {
	slip.Stats
	Sent    uint64
	Dropped uint64 // written while the line was away, or too long
	Opened  uint64 // how often the line came up
}

// A Link implements radio.Link. It stays when the dongle goes: the line is
// opened again, with growing pauses, until Close.
type Link struct {
	path    string
	options Options
	done    chan struct{}
	once    sync.Once

	mu   sync.Mutex
	port *port // nil: the line is away

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
	maxBackoff     = 40 // times the first
)

// NewLink makes a link on the line at path. A line that is not there yet is
// waited for; one that can never be used is an error.
func NewLink(path string, o Options) (*Link, error) {
	if o.Baud == 0 {
		o.Baud = defaultBaud
	}
	if o.MTU == 0 {
		o.MTU = defaultMTU
	}
	if o.Backoff == 0 {
		o.Backoff = defaultBackoff
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.OnState == nil {
		o.OnState = func(bool, error) {}
	}
	l := &Link{
		path: path, options: o, done: make(chan struct{}),
		decoder: slip.NewDecoder(o.MTU), buffer: make([]byte, 4096), pause: o.Backoff,
	}
	if err := l.open(); err != nil {
		if fatal(err) {
			return nil, fmt.Errorf("serial: %w; use a serial line that this user may open%s", err, portsHere())
		}
		o.Logger.Warn("serial line is away; waiting for it", "link", path, "err", err)
	}
	return l, nil
}

// portsHere lists the serial ports of this host, for a message.
func portsHere() string {
	ports, err := bugst.GetPortsList()
	if err != nil || len(ports) == 0 {
		return " (no serial ports are seen here)"
	}
	return " (ports seen here: " + strings.Join(ports, ", ") + ")"
}

func (l *Link) open() error {
	p, err := open(l.path, l.options)
	if err != nil {
		return err
	}
	l.mu.Lock()
	select {
	case <-l.done:
		l.mu.Unlock()
		p.Close()
		return net.ErrClosed
	default:
	}
	l.port = p
	l.mu.Unlock()
	l.decoder.Reset()
	l.unread = nil
	l.pause = l.options.Backoff
	l.opened.Add(1)
	l.options.Logger.Info("serial line is up", "link", l.path, "baud", l.options.Baud)
	l.options.OnState(true, nil)
	return nil
}

// current is the open port; nil: the line is away.
func (l *Link) current() *port {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.port
}

// ReadBatch implements radio.Link. While the line is away it waits.
func (l *Link) ReadBatch(d []radio.Datagram) (n int, err error) {
	for {
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
		if n > 0 {
			return n, nil
		}
		if err := l.fill(); err != nil {
			return 0, err
		}
	}
}

// fill reads octets, or waits for the line to come back.
func (l *Link) fill() error {
	p := l.current()
	if p == nil {
		return l.reopen()
	}
	n, err := p.Read(l.buffer)
	l.unread = l.buffer[:n]
	if err != nil && n == 0 {
		l.drop(p, err)
	}
	return nil
}

// drop closes a port that failed.
func (l *Link) drop(p *port, err error) {
	l.mu.Lock()
	mine := l.port == p
	if mine {
		l.port = nil
	}
	l.mu.Unlock()
	p.Close()
	if mine && !l.closed() {
		l.options.Logger.Warn("serial line went away; opening it again", "link", l.path, "err", err)
		l.options.OnState(false, err)
	}
}

func (l *Link) closed() bool {
	select {
	case <-l.done:
		return true
	default:
		return false
	}
}

// reopen waits a little and opens the line again.
func (l *Link) reopen() error {
	pause := l.pause + time.Duration((rand.Float64()-0.5)*0.4*float64(l.pause)) // +-20 %
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-l.done:
		return net.ErrClosed
	case <-timer.C:
	}
	if l.open() != nil {
		l.pause = min(2*l.pause, maxBackoff*l.options.Backoff)
	}
	return nil
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
			l.drop(p, err)
			continue
		}
		l.sent.Add(1)
	}
	return len(d), nil
}

// MTU implements radio.Link.
func (l *Link) MTU() int { return l.options.MTU }

// Stats are the counts as of now; those of frames are the reader's own.
func (l *Link) Stats() Stats {
	return Stats{Sent: l.sent.Load(), Dropped: l.dropped.Load(), Opened: l.opened.Load()}
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
