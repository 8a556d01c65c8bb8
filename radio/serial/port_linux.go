package serial

import (
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// port is a native backend: an os.File that Go's poller waits for, so that Close
// releases a blocked Read and Write and no descriptor number is too high.
type port struct {
	*os.File
	baud int
}

// open opens and locks the line.
func open(path string, o Options) (Port, error) {
	f, err := os.OpenFile(path, unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	raw, err := f.SyscallConn()
	if err == nil {
		failed := raw.Control(func(fd uintptr) { err = configure(int(fd), o) })
		err = errors.Join(err, failed)
	}
	if err != nil {
		f.Close()
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	return &port{f, o.Baud}, nil
}

// configure locks the line against other programs, root's included, and makes
// it raw, 8N1, at the given rate.
func configure(fd int, o Options) error {
	t, err := unix.IoctlGetTermios(fd, unix.TCGETS2)
	if err != nil {
		return fmt.Errorf("not a serial line: %w", err)
	}
	if err := unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return fmt.Errorf("in use by another program: %w", err)
	}
	if err := unix.IoctlSetInt(fd, unix.TIOCEXCL, 0); err != nil {
		return err
	}
	t.Iflag, t.Oflag, t.Lflag = 0, 0, 0
	t.Cflag = unix.CS8 | unix.CREAD | unix.CLOCAL | unix.BOTHER
	if o.RTSCTS {
		t.Cflag |= unix.CRTSCTS
	}
	t.Ispeed, t.Ospeed = uint32(o.Baud), uint32(o.Baud)
	t.Cc[unix.VMIN], t.Cc[unix.VTIME] = 1, 0
	return unix.IoctlSetTermios(fd, unix.TCSETS2, t)
}

// classify says what is wrong with the line.
func classify(err error) trouble {
	switch {
	case errors.Is(err, os.ErrNotExist), errors.Is(err, unix.ENXIO), errors.Is(err, unix.ENODEV):
		return absent
	case errors.Is(err, os.ErrPermission):
		return forbidden
	case errors.Is(err, unix.ENOTTY), errors.Is(err, unix.EISDIR):
		return noLine
	case errors.Is(err, unix.EBUSY), errors.Is(err, unix.EWOULDBLOCK):
		return busy
	}
	return other
}

// patience is how long a write to a line that takes nothing may last, beyond the
// time that the octets before it need; unsent is how many the kernel may hold.
const (
	patience = 5 * time.Second
	unsent   = 4096
)

// Write gives up on a line that takes nothing. An octet is 10 bits on the line.
func (p *port) Write(b []byte) (int, error) {
	busy := time.Duration(len(b)+unsent) * 10 * time.Second / time.Duration(p.baud)
	if p.SetWriteDeadline(time.Now().Add(patience+busy)) != nil { // which a terminal takes until it is closed
		return 0, os.ErrClosed
	}
	return p.File.Write(b)
}
