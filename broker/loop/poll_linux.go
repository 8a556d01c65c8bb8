package loop

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/dormouse-mqtt/dormouse/broker/deadline"
	"github.com/dormouse-mqtt/dormouse/broker/shard"
)

// An epoll waits for sockets, listeners and links, and reads and writes them on
// the shard's own goroutine. What is ready is asked for without waiting; when
// nothing is, the goroutine parks on the epoll descriptor by Go's own poller, so
// that no thread waits, and whoever posts a letter writes to an eventfd.
type epoll struct {
	loop *Loop
	file *os.File // of the epoll descriptor, in Go's poller
	raw  syscall.RawConn
	step func(fd uintptr) bool // for raw; made once
	fd   int

	bellMu sync.Mutex
	bell   int // the eventfd; -1: closed

	parked atomic.Bool // or about to: the bell has to be rung
	armed  time.Time   // when file's deadline is; zero: it has none

	events  [256]unix.EpollEvent
	ready   int // of events
	next    int // of them, to be handled
	yielded shard.Time

	slab
	sources []source
	held    []source // not read until no shard is congested
	resting []source // not read until resumes: the process has no descriptors left
	resumes shard.Time
	ended   []int32 // slots that may have to be taken off epoll
	due     deadline.Heap[rest]
	buffer  []byte
	vectors []unix.Iovec
}

const (
	// readSize is how much one read takes, in octets.
	readSize = 64 << 10
	// maxRoundOctets and maxRoundTime end the reading of a round, so that what it
	// has to say leaves in time.
	maxRoundOctets = 256 << 10
	maxRoundTime   = time.Millisecond
	// timeEvery is how many events are handled at the same time.
	timeEvery = 16
	// yieldEvery is how long a busy shard keeps its processor from others.
	yieldEvery = time.Millisecond
)

// Slots of epoll that are no sockets: the bell, and from there down the sources.
const (
	bellSlot    = -1
	firstSource = -2
)

func newPoller(l *Loop) (poller, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("loop: epoll: %w", err)
	}
	p := &epoll{loop: l, fd: fd, buffer: make([]byte, readSize)}
	p.step = p.look
	p.due = deadline.New(func(r *rest) *deadline.Item { return &r.due })
	if p.bell, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err == nil {
		err = p.control(unix.EPOLL_CTL_ADD, p.bell, unix.EPOLLIN|unix.EPOLLET, bellSlot, 0)
	}
	if err == nil {
		err = unix.SetNonblock(fd, true) // so that os.NewFile gives it to Go's poller
	}
	if err == nil {
		p.file = os.NewFile(uintptr(fd), "epoll")
		p.raw, err = p.file.SyscallConn()
	}
	if err == nil {
		err = p.file.SetReadDeadline(time.Time{}) // fails if it is not in there
	}
	if err != nil {
		if p.file != nil { // it has fd, and closes it
			p.file.Close()
		} else {
			unix.Close(fd)
		}
		unix.Close(p.bell)
		return nil, fmt.Errorf("loop: epoll: %w", err)
	}
	return p, nil
}

func (p *epoll) control(op, fd int, events uint32, slot, number int32) error {
	event := unix.EpollEvent{Events: events, Fd: slot, Pad: number}
	if errno := epollControl(p.fd, op, fd, &event); errno != 0 {
		return errno
	}
	return nil
}

// ring wakes the shard if it is parked. Something else may have woken it by now,
// and it may have ended.
func (p *epoll) ring() {
	if !p.parked.CompareAndSwap(true, false) {
		return
	}
	p.bellMu.Lock()
	defer p.bellMu.Unlock()
	if p.bell >= 0 {
		one := [8]byte{0: 1}
		writeNow(int32(p.bell), one[:])
	}
}

// close gives epoll back.
func (p *epoll) close() {
	p.file.Close()
	p.bellMu.Lock()
	defer p.bellMu.Unlock()
	unix.Close(p.bell)
	p.bell = -1
}

// wait parks until something is ready, a letter comes, or the deadline has passed.
func (p *epoll) wait(at shard.Time, ok bool) {
	now := p.loop.now()
	if now-p.yielded >= yieldEvery {
		p.yielded = now
		runtime.Gosched()
	}
	if p.next < p.ready {
		return
	}
	own, also := p.due.Next()
	at, ok = shard.Earlier(at, ok, own, also)
	at, ok = shard.Earlier(at, ok, p.resumes, len(p.resting) > 0)
	if ok && at <= now || p.loop.waiting() {
		p.look(uintptr(p.fd))
	} else {
		p.arm(at, ok)
		err := p.raw.Read(p.step)
		p.yielded = p.loop.now()
		if errors.Is(err, os.ErrDeadlineExceeded) {
			p.armed = time.Time{}
			p.file.SetReadDeadline(p.armed)
			p.look(uintptr(p.fd))
		}
	}
	p.parked.Store(false)
}

// arm has the wait end at a deadline. An earlier one that is set already stays:
// it costs one look, and deadlines are moved away far more often than they pass.
func (p *epoll) arm(at shard.Time, ok bool) {
	if !ok {
		return
	}
	when := p.loop.epoch.Add(at)
	if p.armed.IsZero() || when.Before(p.armed) {
		p.armed = when
		p.file.SetReadDeadline(when)
	}
}

// look takes what is ready; false: nothing is, park.
func (p *epoll) look(fd uintptr) bool {
	n, errno := epollReady(int(fd), p.events[:])
	p.next, p.ready = 0, max(n, 0)
	if errno != 0 {
		panic(fmt.Errorf("loop: epoll_wait: %w", errno))
	}
	if n > 0 {
		return true
	}
	p.parked.Store(true)
	if p.loop.waiting() { // it came before anybody could see that we park
		p.parked.Store(false)
		return true
	}
	return false
}

// handle handles what is ready, within the bounds of a round.
func (p *epoll) handle() {
	if p.next == p.ready {
		return
	}
	began := p.loop.now()
	now, octets := began, 0
	for n := 1; p.next < p.ready && octets < maxRoundOctets; n++ {
		e := &p.events[p.next]
		p.next++
		switch {
		case e.Fd >= 0:
			octets += p.socketEvent(now, e)
		case e.Fd <= firstSource:
			if s := p.sources[firstSource-e.Fd]; s != nil {
				octets += s.readable(p, now)
			}
		}
		if n%timeEvery == 0 {
			if now = p.loop.now(); now-began >= maxRoundTime {
				return
			}
		}
	}
}
