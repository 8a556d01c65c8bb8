package loop

import (
	"time"

	"github.com/dormouse-mqtt/dormouse/broker/shard"
)

// wallStep is how far the wall clock has to move before a shard is told (L14).
const wallStep = time.Second

// A wall is what a shard knows of the wall clock, which may be set while the
// program runs.
type wall struct {
	offset time.Duration // at the shard's time zero
	told   bool
}

// moved gives the wall clock at the shard's time zero, if the shard has not been
// told it: it reads at, in nanoseconds since 1970, when the shard's time is now.
func (w *wall) moved(at int64, now shard.Time) (offset time.Duration, moved bool) {
	offset = time.Duration(at) - now
	if w.told && (offset-w.offset).Abs() <= wallStep {
		return w.offset, false
	}
	w.offset, w.told = offset, true
	return offset, true
}

// lookAtWall tells the machine of the wall clock, before all else, if it has moved.
func (l *Loop) lookAtWall() {
	t := time.Now()
	now := t.Sub(l.epoch)
	if offset, moved := l.wall.moved(t.UnixNano(), now); moved {
		l.handle(now, &shard.Event{Kind: shard.Wall, Offset: offset})
	}
}
