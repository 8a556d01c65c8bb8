package serial

import (
	"errors"
	"io"
	"os"
	"strings"

	bugst "go.bug.st/serial"
)

// A Port is an open serial line, raw, 8N1. Read waits for at least one octet.
// Write writes all or fails. Close releases both, and nothing is written after it.
type Port interface {
	io.ReadWriteCloser
}

// Open opens the line at path at o.Baud, with o.RTSCTS, and locks it against
// other programs. What goes wrong is an *Error.
func Open(path string, o Options) (Port, error) {
	o = o.withDefaults()
	err := o.check()
	if err != nil {
		return nil, &Error{Path: path, Err: err, Hint: "correct the option"}
	}
	p, err := open(path, o)
	if err != nil {
		return nil, newError(path, err)
	}
	return p, nil
}

// An Error is a line that cannot be opened, and what an operator can do about it.
type Error struct {
	Path string
	Err  error
	Hint string
	kind trouble
}

func (e *Error) Error() string { return "serial: " + e.Path + ": " + e.Err.Error() + "; " + e.Hint }

func (e *Error) Unwrap() error { return e.Err }

// trouble is a kind of what can be wrong with a line.
type trouble uint8

const (
	other     trouble = iota
	absent            // no such line now
	forbidden         // not for this user
	noLine            // something else than a serial line
	busy              // another program has it
	cannot            // what an option asks is not to be had on this system
)

func newError(path string, err error) *Error {
	e := &Error{Path: path, Err: err, kind: classify(err)}
	if p := (*os.PathError)(nil); errors.As(err, &p) {
		e.Err = p.Err // Path says where already
	}
	if errors.Is(err, errors.ErrUnsupported) {
		e.kind = cannot
	}
	switch e.kind {
	case cannot:
		e.Hint = "leave the option out"
	case absent:
		e.Hint = "plug the dongle in, or name another port" + portsHere()
	case forbidden:
		e.Hint = "let this user open it: on most systems a member of its group may, often dialout"
	case noLine:
		e.Hint = "name a serial port" + portsHere()
	case busy:
		e.Hint = "stop the other program; ModemManager is a usual one"
	default:
		e.Hint = "check the port and its options" + portsHere()
	}
	return e
}

// fatal says that it helps nobody to wait until the line can be opened.
func fatal(err error) bool {
	e := (*Error)(nil)
	return errors.As(err, &e) && (e.kind == forbidden || e.kind == noLine || e.kind == cannot)
}

// portsHere lists the serial ports of this host, for a message.
func portsHere() string {
	ports, err := bugst.GetPortsList()
	if err != nil || len(ports) == 0 {
		return " (no serial ports are seen here)"
	}
	return " (ports seen here: " + strings.Join(ports, ", ") + ")"
}
