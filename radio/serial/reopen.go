package serial

import (
	"math/rand/v2"
	"net"
	"os"
	"time"
)

// The goroutine that reads opens the line, sees it go, and tells OnState; the one
// that writes only closes a port that failed it, which the reader then notices.

func (l *Link) open() error {
	p, err := Open(l.path, l.options)
	if err != nil {
		return err
	}
	l.mu.Lock()
	if l.closed() {
		l.mu.Unlock()
		p.Close()
		return net.ErrClosed
	}
	l.port, l.cause = p, nil
	l.mu.Unlock()
	l.decoder.Reset()
	l.unread = nil
	l.opened.Add(1)
	l.options.Logger.Info("serial line is up", "link", l.path, "baud", l.options.Baud)
	l.options.OnState(true, nil)
	return nil
}

// current is the open port; nil: the line is away.
func (l *Link) current() Port {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.port
}

// fill reads octets, or waits for the line to come back.
func (l *Link) fill() {
	p := l.current()
	if p == nil {
		l.reopen()
		return
	}
	n, err := p.Read(l.buffer)
	l.unread = l.buffer[:n]
	switch {
	case n > 0:
		l.pause = l.options.Backoff // it works
	case err != nil:
		l.lost(p, err)
	}
}

// fail closes a port that could not be written.
func (l *Link) fail(p Port, err error) {
	l.mu.Lock()
	if l.port == p && l.cause == nil {
		l.cause = err
	}
	l.mu.Unlock()
	p.Close()
}

// lost gives a port up that could not be read, or that the writer closed.
func (l *Link) lost(p Port, err error) {
	l.mu.Lock()
	if l.cause != nil {
		err = l.cause
	}
	l.port, l.cause = nil, nil
	l.mu.Unlock()
	p.Close()
	if !l.closed() {
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

// reopen waits a little and opens the line again. The pause doubles until
// something is read, so that a line that opens and fails at once is not hurried.
func (l *Link) reopen() {
	jitter := (rand.Float64() - 0.5) * 0.4 // +-20 %
	wait := l.pause + time.Duration(jitter*float64(l.pause))
	l.pause = min(2*l.pause, maxBackoff*l.options.Backoff)
	if !l.wait(wait) {
		return
	}
	if err := l.open(); err != nil {
		l.options.Logger.Debug("serial line is still away", "link", l.path, "err", err)
	}
}

// wait waits; it ends early when a line that was not there is plugged in, for
// which it looks every two first pauses (500 ms). false: the link was closed.
func (l *Link) wait(d time.Duration) bool {
	over := time.NewTimer(d)
	defer over.Stop()
	look := time.NewTicker(2 * l.options.Backoff)
	defer look.Stop()
	for was := l.exists(); ; {
		select {
		case <-l.done:
			return false
		case <-over.C:
			return true
		case <-look.C:
			is := l.exists()
			if is && !was {
				l.pause = l.options.Backoff
				return true
			}
			was = is
		}
	}
}

func (l *Link) exists() bool {
	_, err := os.Stat(l.path)
	return err == nil
}
