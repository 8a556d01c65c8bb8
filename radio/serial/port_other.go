//go:build !linux

package serial

import (
	"errors"
	"net"
	"sync"

	serial "go.bug.st/serial"
)

// port is go.bug.st/serial, guarded: its Write after Close could land in another
// file that was given the descriptor.
type port struct {
	serial.Port
	mu     sync.Mutex
	closed bool
}

func open(path string, o Options) (*port, error) {
	if o.RTSCTS {
		return nil, errors.New("rtscts is not supported on this system")
	}
	p, err := serial.Open(path, &serial.Mode{BaudRate: o.Baud})
	if err != nil {
		return nil, err
	}
	return &port{Port: p}, nil
}

func (p *port) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return 0, net.ErrClosed
	}
	return p.Port.Write(b)
}

func (p *port) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	return p.Port.Close()
}

func fatal(err error) bool {
	var e *serial.PortError
	return errors.As(err, &e) && (e.Code() == serial.PermissionDenied || e.Code() == serial.InvalidSerialPort)
}
