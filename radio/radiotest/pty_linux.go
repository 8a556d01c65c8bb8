package radiotest

import (
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
	master, err := os.OpenFile("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	require.NoError(t, err)
	raw, err := master.SyscallConn()
	require.NoError(t, err)
	var n int
	require.NoError(t, raw.Control(func(fd uintptr) {
		if err = unix.IoctlSetPointerInt(int(fd), unix.TIOCSPTLCK, 0); err == nil {
			n, err = unix.IoctlGetInt(int(fd), unix.TIOCGPTN)
		}
	}))
	require.NoError(t, err)
	require.NoError(t, err)
	// A line that echoes until it is opened would send back what comes early.
	require.NoError(t, raw.Control(func(fd uintptr) {
		var line *unix.Termios
		if line, err = unix.IoctlGetTermios(int(fd), unix.TCGETS); err == nil {
			line.Iflag, line.Oflag, line.Lflag = 0, 0, 0
			err = unix.IoctlSetTermios(int(fd), unix.TCSETS, line)
		}
	}))
	require.NoError(t, err)
	os.Remove(p.Path)
	require.NoError(t, os.Symlink("/dev/pts/"+strconv.Itoa(n), p.Path))
	p.Master = master
}

// Unplug hangs the line up and takes its name away.
func (p *PTY) Unplug(t testing.TB) {
	require.NoError(t, os.Remove(p.Path))
	require.NoError(t, p.Master.Close())
}
