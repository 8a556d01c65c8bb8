package loop

import (
	"context"
	"io"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/dormouse-mqtt/dormouse/broker/shard"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// A machine of functions; a nil one does nothing.
type machine struct {
	due     shard.Time
	advance func(now shard.Time)
	evicted int
}

func (m *machine) Handle(shard.Time, shard.Event, *shard.Out) {}
func (m *machine) Advance(now shard.Time, _ *shard.Out)       { m.advance(now) }
func (m *machine) Deadline() (shard.Time, bool)               { return m.due, m.due > 0 }
func (m *machine) Evict(shard.Time, shard.Event, *shard.Out)  { m.evicted++ }

// TestThreePanicsWithinAMinuteEndTheProcess (L15).
func TestThreePanicsWithinAMinuteEndTheProcess(t *testing.T) {
	for _, tt := range []struct {
		name  string
		every time.Duration
		fatal bool
	}{
		{"within a minute", 29 * time.Second, true},
		{"slower", 31 * time.Second, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				m, panics, fatal := &machine{due: tt.every}, 0, false
				m.advance = func(now shard.Time) {
					m.due = now + tt.every
					if panics++; panics == 3 {
						cancel()
					}
					panic("oh")
				}
				l := New(m, Options{Twin: true, Logger: quiet, Fatal: func(string) { fatal = true }})
				l.Run(ctx)
				require.Equal(t, tt.fatal, fatal)
				require.Equal(t, 3, m.evicted)
			})
		})
	}
}

// TestDeadlineIsMet: the machine is called at its deadline, not before.
func TestDeadlineIsMet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		m, called := &machine{due: time.Hour}, shard.Time(0)
		m.advance = func(now shard.Time) {
			called, m.due = now, 0
			cancel()
		}
		New(m, Options{Twin: true, Logger: quiet}).Run(ctx)
		require.Equal(t, time.Hour, called)
	})
}

func TestCallRunsOnTheShard(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	l := New(&machine{}, Options{Twin: true, Logger: quiet})
	done := make(chan struct{})
	go func() { l.Run(ctx); close(done) }()
	ran := false
	require.True(t, l.Call(func() { ran = true }))
	require.True(t, ran)
	cancel()
	<-done
	require.False(t, l.Call(func() {}), "the loop has ended")
}

func TestNotesAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lines := 0
		n := newNoteLog(slog.New(counter{slog.DiscardHandler, &lines}))
		for range 100 {
			n.write([]shard.Note{{Kind: shard.NoteMalformed}})
		}
		require.Equal(t, notesPerSecond, lines)
		time.Sleep(time.Second) // of the bubble's clock
		n.write([]shard.Note{{Kind: shard.NoteMalformed}})
		require.Equal(t, notesPerSecond+1, lines)
	})
}

// A counter counts lines.
type counter struct {
	slog.Handler
	lines *int
}

func (c counter) Enabled(context.Context, slog.Level) bool { return true }

func (c counter) Handle(context.Context, slog.Record) error {
	*c.lines++
	return nil
}

// TestLongInbox keeps its order, a round at a time, and gives its room back.
func TestLongInbox(t *testing.T) {
	l := New(&machine{}, Options{Twin: true, Logger: quiet})
	const n = 100_000
	post := func(i int) { l.post(letter{size: int64(i)}) }
	posted := 0
	for ; posted < n; posted++ {
		post(posted)
	}
	next := 0
	for l.waiting() {
		letters := l.take()
		require.LessOrEqual(t, len(letters), maxRound)
		for _, x := range letters {
			require.EqualValues(t, next, x.size)
			next++
		}
		if posted < n+100 { // some come while others are read
			post(posted)
			posted++
		}
	}
	require.Equal(t, posted, next)
	require.Nil(t, l.take())
	post(0)
	l.take()
	require.LessOrEqual(t, cap(l.inbox), keepInbox)
}
