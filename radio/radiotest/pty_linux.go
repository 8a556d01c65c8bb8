package radiotest

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// A PTY is a pseudo-terminal under a name that stays when it is unplugged and
// plugged in again, as /dev/serial/by-id does.
type PTY struct {
	Path   string   // of the line
	Master *os.File // the dongle's side
}

// NewPTY plugs a pseudo-terminal in.
func NewPTY(t testing.TB) *PTY {
	p := &PTY{Path: filepath.Join(t.TempDir(), "dongle")}
	p.Plug(t)
	t.Cleanup(func() { p.Master.Close() })
	return p
}

// Plug makes a new pseudo-terminal and puts it under the name.
func (p *PTY) Plug(t testing.TB) {
	master, line, err := OpenPTY()
	require.NoError(t, err)
	os.Remove(p.Path)
	require.NoError(t, os.Symlink(line, p.Path))
	p.Master = master
}

// Replug unplugs the pseudo-terminal and plugs another in under its name.
func (p *PTY) Replug(t testing.TB) {
	p.Unplug(t)
	p.Plug(t)
}

// Unplug hangs the line up and takes its name away.
func (p *PTY) Unplug(t testing.TB) {
	require.NoError(t, os.Remove(p.Path))
	require.NoError(t, p.Master.Close())
}

// OpenPTY makes a pseudo-terminal: the master, which never blocks a thread, and
// the path of the line, raw from the start. Closing the master hangs it up. While
// nobody has the line open for the first time, octets wait in it; once the last
// has closed it, reading the master is EIO.
func OpenPTY() (master *os.File, path string, err error) {
	master, err = os.OpenFile("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, "", err
	}
	raw, err := master.SyscallConn() // File.Fd would make it block
	if err == nil {
		failed := raw.Control(func(fd uintptr) { path, err = unlock(int(fd)) })
		err = errors.Join(err, failed)
	}
	if err != nil {
		master.Close()
		return nil, "", err
	}
	return master, path, nil
}

// unlock lets the line be opened, and makes it raw: one that echoes until then
// would send back what comes early.
func unlock(fd int) (path string, err error) {
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		return "", err
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		return "", err
	}
	line, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return "", err
	}
	line.Iflag, line.Oflag, line.Lflag = 0, 0, 0
	return "/dev/pts/" + strconv.Itoa(n), unix.IoctlSetTermios(fd, unix.TCSETS, line)
}
