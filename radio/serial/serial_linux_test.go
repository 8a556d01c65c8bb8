package serial

import (
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

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

func TestUnpluggedAndPluggedInAgain(t *testing.T) {
	d := newDongle(t)
	states := make(chan bool, 10)
	l, err := NewLink(d.Path, Options{Logger: quiet, Backoff: time.Millisecond, OnState: func(up bool, _ error) { states <- up }})
	require.NoError(t, err)
	defer l.Close()
	require.True(t, <-states)
	frames := make(chan string)
	go func() {
		b := []radio.Datagram{{Data: make([]byte, 100)}}
		for {
			if _, err := l.ReadBatch(b); err != nil {
				close(frames)
				return
			}
			frames <- string(b[0].Data)
		}
	}()
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

func TestLineIsLocked(t *testing.T) {
	d := newDongle(t)
	l, err := NewLink(d.Path, Options{Logger: quiet})
	require.NoError(t, err)
	defer l.Close()
	_, err = open(d.Path, Options{Baud: 9600})
	require.Error(t, err)
}
