package serial

import (
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"github.com/dormouse-mqtt/dormouse/radio"
	"github.com/dormouse-mqtt/dormouse/radio/radiotest"
	"github.com/dormouse-mqtt/dormouse/radio/slip"
)

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// A dongle speaks SLIP on the master of a pseudo-terminal.
type dongle struct {
	*radiotest.PTY
	decoder *slip.Decoder
}

func (d dongle) Send(t *testing.T, data []byte) {
	_, err := d.Master.Write(slip.AppendFrame(nil, data))
	require.NoError(t, err)
}

func (d dongle) Receive(t *testing.T) []byte {
	b := make([]byte, 4096)
	for {
		n, err := d.Master.Read(b)
		require.NoError(t, err)
		if frame, _ := d.decoder.Next(b[:n]); frame != nil {
			return frame
		}
	}
}

// Noise is garbage on the line, ended by nothing.
func (d dongle) Noise(t *testing.T) {
	_, err := d.Master.Write([]byte("\x00\xff\xdb\x01garbage\xc0\xc0\xdb\xdb\xc0half a fra"))
	require.NoError(t, err)
}

func newDongle(t *testing.T) dongle {
	return dongle{radiotest.NewPTY(t), slip.NewDecoder(defaultMTU)}
}

func TestContract(t *testing.T) {
	radiotest.Run(t, []int{1, 2, 100, defaultMTU}, func(t *testing.T) (radio.Link, radiotest.Far) {
		d := newDongle(t)
		l, err := NewLink(d.Path, Options{Logger: quiet})
		require.NoError(t, err)
		return l, d
	})
}

// readAll gives what the link reads, until it is closed.
func readAll(l *Link) <-chan string {
	frames := make(chan string)
	go func() {
		defer close(frames)
		b := []radio.Datagram{{Data: make([]byte, 100)}}
		for {
			if _, err := l.ReadBatch(b); err != nil {
				return
			}
			frames <- string(b[0].Data)
		}
	}()
	return frames
}

func TestUnpluggedAndPluggedInAgain(t *testing.T) {
	d := newDongle(t)
	states := make(chan bool, 10)
	l, err := NewLink(d.Path, Options{Logger: quiet, Backoff: time.Millisecond, OnState: func(up bool, _ error) { states <- up }})
	require.NoError(t, err)
	defer l.Close()
	require.True(t, <-states)
	frames := readAll(l)
	d.Send(t, []byte("before"))
	require.Equal(t, "before", <-frames)

	d.Unplug(t)
	require.False(t, <-states)
	n, err := l.WriteBatch([]radio.Datagram{{Data: []byte("lost")}})
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.EqualValues(t, 1, l.Stats().Dropped)

	d.Plug(t)
	require.True(t, <-states)
	d.Send(t, []byte("after"))
	require.Equal(t, "after", <-frames)
	require.NoError(t, l.Close())
	_, open := <-frames
	require.False(t, open)
}

func TestWhatCanNeverBeUsedIsAnError(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err := NewLink(file, Options{Logger: quiet})
	require.ErrorContains(t, err, "not a serial line")
}

func TestErrorSaysWhatToDo(t *testing.T) {
	for _, tt := range []struct {
		name, path string
		options    Options
		want       string
	}{
		{"an option", "/dev/null", Options{Baud: -1}, "baud -1 is no rate"},
		{"another", "/dev/null", Options{MTU: 70_000}, "mtu 70000 is not in 1..65535"},
		{"no line", "/dev/null", Options{}, "name a serial port ("},
		{"a folder", "/dev", Options{}, "name a serial port ("},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := NewLink(tt.path, tt.options)
			e := (*Error)(nil)
			require.ErrorAs(t, err, &e)
			require.Equal(t, tt.path, e.Path)
			require.ErrorContains(t, err, tt.want)
			require.NotContains(t, err.Error(), "\n")
		})
	}
	_, err := Open("/dev/no-such-line", Options{})
	require.ErrorIs(t, err, os.ErrNotExist)
	require.ErrorContains(t, err, "plug the dongle in")
	require.ErrorContains(t, err, "ports")
	require.False(t, fatal(err))
	require.True(t, fatal(newError("/dev/x", os.ErrPermission)))
}

func TestLineIsLocked(t *testing.T) {
	d := newDongle(t)
	l, err := NewLink(d.Path, Options{Logger: quiet})
	require.NoError(t, err)
	defer l.Close()
	_, err = Open(d.Path, Options{Baud: 9600})
	require.ErrorContains(t, err, "in use by another program")
	require.False(t, fatal(err))
}

func TestModeOfTheLine(t *testing.T) {
	d := newDongle(t)
	p, err := Open(d.Path, Options{Baud: 250_000, RTSCTS: true})
	require.NoError(t, err)
	defer p.Close()
	raw, err := d.Master.SyscallConn()
	require.NoError(t, err)
	require.NoError(t, raw.Control(func(fd uintptr) {
		line, err := unix.IoctlGetTermios(int(fd), unix.TCGETS2) // the line's, also on the master
		require.NoError(t, err)
		require.EqualValues(t, 250_000, line.Ospeed)
		require.EqualValues(t, uint32(unix.CS8|unix.CRTSCTS), line.Cflag&(unix.CSIZE|unix.CSTOPB|unix.PARENB|unix.CRTSCTS))
	}))
}

func TestNoWriteAfterClose(t *testing.T) {
	d := newDongle(t)
	p, err := Open(d.Path, Options{})
	require.NoError(t, err)
	require.NoError(t, p.Close())
	_, err = p.Write([]byte("late"))
	require.ErrorIs(t, err, os.ErrClosed)
}

// Nobody reads the master, so that the line takes some 20 KB and then blocks.
func TestCloseReleasesABlockedWriter(t *testing.T) {
	d := newDongle(t)
	l, err := NewLink(d.Path, Options{Logger: quiet})
	require.NoError(t, err)
	batch := make([]radio.Datagram, 100)
	for i := range batch {
		batch[i].Data = make([]byte, defaultMTU)
	}
	done := make(chan error)
	go func() {
		_, err := l.WriteBatch(batch)
		done <- err
	}()
	for l.Stats().Sent < 4 {
		runtime.Gosched()
	}
	require.NoError(t, l.Close())
	require.ErrorIs(t, <-done, net.ErrClosed)
	require.Less(t, l.Stats().Sent, uint64(100))
}

func TestLineThatIsNotThereYetIsWaitedFor(t *testing.T) {
	d := newDongle(t)
	d.Unplug(t)
	states := make(chan bool, 10)
	l, err := NewLink(d.Path, Options{
		Logger: quiet, Backoff: time.Millisecond, OnState: func(up bool, _ error) { states <- up },
	})
	require.NoError(t, err)
	defer l.Close()
	frames := readAll(l)
	d.Plug(t)
	require.True(t, <-states)
	d.Send(t, []byte("hello"))
	require.Equal(t, "hello", <-frames)
	require.NoError(t, l.Close())
	_, open := <-frames
	require.False(t, open)
}

// Each time the old line hangs up and another appears under its name.
func TestReplugsLeakNothing(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	d := newDongle(t)
	states := make(chan bool, 10)
	l, err := NewLink(d.Path, Options{
		Logger: quiet, Backoff: time.Millisecond, OnState: func(up bool, _ error) { states <- up },
	})
	require.NoError(t, err)
	frames := readAll(l)
	require.True(t, <-states)
	var before int
	for i := range 50 {
		d.Replug(t)
		require.False(t, <-states)
		require.True(t, <-states)
		d.Send(t, []byte{byte(i)})
		require.Equal(t, string([]byte{byte(i)}), <-frames)
		if i == 0 {
			before = descriptors(t)
		}
	}
	require.Equal(t, before, descriptors(t))
	require.EqualValues(t, 51, l.Stats().Opened)
	require.NoError(t, l.Close())
	<-frames
}

func descriptors(t *testing.T) int {
	all, err := os.ReadDir("/proc/self/fd")
	require.NoError(t, err)
	return len(all)
}

func TestGarbageIsCounted(t *testing.T) {
	d := newDongle(t)
	l, err := NewLink(d.Path, Options{Logger: quiet, MTU: 5})
	require.NoError(t, err)
	defer l.Close()
	_, err = d.Master.Write([]byte("a\xdbb\xc0too long\xc0"))
	require.NoError(t, err)
	d.Send(t, []byte("good"))
	b := []radio.Datagram{{Data: make([]byte, 100)}}
	_, err = l.ReadBatch(b)
	require.NoError(t, err)
	require.Equal(t, "good", string(b[0].Data))
	require.Equal(t, radio.Serial(0), b[0].Addr)
	require.Equal(t, slip.Stats{Frames: 1, Empty: 1, BadEscape: 1, TooLong: 1}, l.Stats().Stats)
}
