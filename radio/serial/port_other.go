//go:build !linux

package serial

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	serial "go.bug.st/serial"
)

// port is go.bug.st/serial, guarded: its Write after Close could land in another
// file that was given the descriptor.
type port struct {
	serial.Port
	mu     sync.Mutex
	closed atomic.Bool
}

func open(path string, o Options) (Port, error) {
	if o.RTSCTS {
		return nil, fmt.Errorf("rtscts: %w", errors.ErrUnsupported)
	}
	p, err := serial.Open(path, &serial.Mode{BaudRate: o.Baud})
	if err != nil {
		return nil, err
	}
	return &port{Port: p}, nil
}

// Write writes all of b: the library's may be short.
func (p *port) Write(b []byte) (n int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for n < len(b) && err == nil {
		if p.closed.Load() {
			return n, net.ErrClosed
		}
		var wrote int
		wrote, err = p.Port.Write(b[n:])
		n += wrote
	}
	return n, err
}

// Close throws away what a blocked Write waits to be sent, until that returns.
func (p *port) Close() error {
	p.closed.Store(true)
	for !p.mu.TryLock() {
		p.Port.ResetOutputBuffer()
		time.Sleep(time.Millisecond)
	}
	defer p.mu.Unlock()
	return p.Port.Close()
}

// classify says what is wrong with the line.
func classify(err error) trouble {
	var e *serial.PortError
	if !errors.As(err, &e) {
		return other
	}
	switch e.Code() {
	case serial.PortNotFound:
		return absent
	case serial.PermissionDenied:
		return forbidden
	case serial.InvalidSerialPort:
		return noLine
	case serial.PortBusy:
		return busy
	}
	return other
}
