package loop

import (
	"context"
	"log/slog"
	"time"

	"github.com/dormouse-mqtt/dormouse/broker/shard"
)

// A noteLog logs what the cores note, a few of each kind a second; how many
// more there were is said with the next.
type noteLog struct {
	logger *slog.Logger
	kinds  [16]noteLimit
	rests  noteLimit
}

type noteLimit struct {
	since      time.Time
	said       int
	suppressed int
}

// allows says whether there may be one more line.
func (l *noteLimit) allows(now time.Time) bool {
	if now.Sub(l.since) >= time.Second {
		l.since, l.said = now, 0
	}
	if l.said++; l.said > notesPerSecond {
		l.suppressed++
		return false
	}
	return true
}

// notesPerSecond is how many lines of one kind a second may bring.
const notesPerSecond = 5

func newNoteLog(logger *slog.Logger) *noteLog { return &noteLog{logger: logger} }

func (n *noteLog) write(notes []shard.Note) {
	for _, note := range notes {
		n.one(note)
	}
}

func (n *noteLog) one(note shard.Note) {
	level, text := describe(note)
	if !n.logger.Enabled(context.Background(), level) {
		return
	}
	limit := &n.kinds[note.Kind]
	if !limit.allows(time.Now()) {
		return
	}
	var attrs []slog.Attr
	if note.Client != "" {
		attrs = append(attrs, slog.String("client", note.Client))
	}
	if note.Peer != nil {
		attrs = append(attrs, slog.String("peer", note.Peer.String()))
	}
	if note.Listener != "" {
		attrs = append(attrs, slog.String("listener", note.Listener))
	}
	if note.Err != nil {
		attrs = append(attrs, slog.String("err", note.Err.Error()))
	}
	if limit.suppressed > 0 {
		attrs = append(attrs, slog.Int("suppressed", limit.suppressed))
		limit.suppressed = 0
	}
	n.logger.LogAttrs(context.Background(), level, text, attrs...)
}

// rest logs why somebody rests, which may be often.
func (n *noteLog) rest(text string, attrs ...any) {
	if n.rests.allows(time.Now()) {
		n.logger.Warn(text, attrs...)
	}
}

// describe gives a note its level and its words.
func describe(note shard.Note) (slog.Level, string) {
	switch note.Kind {
	case shard.NoteConnected:
		return slog.LevelInfo, "connected"
	case shard.NoteDisconnected:
		return slog.LevelInfo, "disconnected"
	case shard.NoteRefusedAnonymous:
		return slog.LevelWarn, "refused an anonymous client from another host; to accept them add anonymous=on to the listener: " + withAnonymous(note.Listener)
	case shard.NoteRefused:
		return slog.LevelWarn, "refused"
	case shard.NoteMalformed:
		return slog.LevelWarn, "closed: bad packet"
	case shard.NoteTakenOver:
		return slog.LevelInfo, "taken over by a new connection"
	case shard.NoteLost:
		return slog.LevelInfo, "fell silent"
	default:
		return slog.LevelWarn, "queue is full: message dropped"
	}
}

// withAnonymous is the listener's URL with the option that admits everybody.
func withAnonymous(listener string) string {
	for _, c := range listener {
		if c == '?' {
			return "--listen '" + listener + "&anonymous=on'"
		}
	}
	return "--listen '" + listener + "?anonymous=on'"
}
