package loop

import (
	"fmt"
	"runtime/debug"
	"time"

	"github.com/dormouse-mqtt/dormouse/broker/shard"
)

// handle has the machine handle one event, and contains a panic.
func (l *Loop) handle(now shard.Time, ev *shard.Event) {
	l.out.BeginEvent()
	if !l.tryHandle(now, ev) {
		l.contain(now, ev)
	}
}

// contain ends what a panic began: the event leaves nothing, its connection is
// closed and its session evicted (L15). Three within a minute end the process.
func (l *Loop) contain(at shard.Time, ev *shard.Event) {
	l.out.Rollback()
	if !l.tryEvict(at, ev) {
		l.out.Rollback()
		l.abandon(ev.Conn)
	}
	now := time.Now()
	recent := l.panics[:0]
	for _, t := range l.panics {
		if now.Sub(t) < time.Minute {
			recent = append(recent, t)
		}
	}
	if l.panics = append(recent, now); len(l.panics) >= 3 {
		l.fatal("three panics within a minute")
	}
}

// abandon closes a connection that the machine could not evict, and tells it as of
// one that has ended: should it panic at that too, there will be a third time.
func (l *Loop) abandon(id shard.ConnID) {
	if id != 0 && !id.IsInProcess() {
		l.out.To(&shard.Dest{ID: id}).Close = true
		l.post(letter{event: shard.Event{Kind: shard.Closed, Conn: id}})
	}
}

func (l *Loop) tryHandle(now shard.Time, ev *shard.Event) (fine bool) {
	defer l.recover()
	l.machine.Handle(now, *ev, &l.out)
	return true
}

func (l *Loop) tryAdvance(now shard.Time) (fine bool) {
	defer l.recover()
	l.machine.Advance(now, &l.out)
	return true
}

func (l *Loop) tryEvict(now shard.Time, ev *shard.Event) (fine bool) {
	defer l.recover()
	l.machine.Evict(now, *ev, &l.out)
	return true
}

// recover ends a panic, if there is one.
func (l *Loop) recover() {
	if r := recover(); r != nil {
		l.logger.Error("panic in a core; its connection is closed", "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
	}
}
